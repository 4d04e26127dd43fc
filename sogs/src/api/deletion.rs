//! Deleting one message, and all that somebody posted (`community-api.md` sections 9 and 13).

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;
use shared::http::{Head, Request, Response, Route, Router};

use super::{ApiError, input};
use crate::app::Community;
use crate::model::{Member, Need, Permissions, Room, User, may_purge};

/// How many steps of [`purge`](crate::store::Write::purge) are one change: some 20,000 messages.
const STEPS_AT_ONCE: usize = 20;

/// How many messages were deleted in which room.
#[derive(Default, Serialize)]
struct Total<'a> {
    total: i64,
    rooms: BTreeMap<&'a str, i64>,
}

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path("/room/{token}/all/{id}", [Route::new(Method::DELETE, all_in_room)])
        .path("/rooms/all/{id}", [Route::new(Method::DELETE, all_everywhere)])
}

pub(super) async fn delete(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_number(&request.head, "id")?;
    let visit = app.visit(&request.head).await?;
    let user = visit.user_who_may(Need::Write)?;
    let author = (!visit.may.moderator).then_some(user.user.no);
    let mut write = app.write(&request.head).await?;
    write.delete_message(visit.room.no, id, author).await?;
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::OK, &json!({})))
}

async fn all_in_room(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let head = &request.head;
    let id = input::path_user(head, "id")?;
    let rooms = app.directory.rooms().await?;
    let room = rooms
        .find(head.params.value("token"))
        .ok_or(ApiError::NotFound("room"))?;
    let caller = app.member(head).await?;
    let may = room.permissions(caller.as_deref());
    let targets = app.store.find_all(&id).await?;
    let own = caller.is_some_and(|caller| is_among(&caller, &targets));
    if !own {
        app.visit(head).await?.user_who_may(Need::Moderator)?;
        if targets.is_empty() {
            return Err(ApiError::NotFound("user"));
        }
        if !may_purge_all(&app, &may, &targets, room).await? {
            return Err(ApiError::Forbidden("Permission denied"));
        }
    }
    match purge(&app, head, room, &targets).await? {
        // People may delete their own posts even in a room that is hidden from them, of which nothing else shows.
        0 if !may.knows_of_it() => Err(ApiError::NotFound("room")),
        0 => Err(ApiError::NotFound("post")),
        _ => Ok(Response::json(StatusCode::OK, &json!({}))),
    }
}

async fn all_everywhere(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let head = &request.head;
    let id = input::path_user(head, "id")?;
    let caller = app.user(head).await?;
    let targets = app.store.find_all(&id).await?;
    if targets.is_empty() {
        return Err(ApiError::NotFound("user"));
    }
    let own = is_among(&caller, &targets);
    let rooms = app.directory.rooms().await?;
    let mut left = std::collections::BTreeSet::new();
    for target in &targets {
        left.extend(app.store.rooms_of_author(target.no, app.clock.now()).await?);
    }
    let mut sum = Total::default();
    for room in rooms.iter() {
        let may = caller.permissions(room);
        let listed = may.allows(Need::Access);
        let permitted = own || (listed && may_purge_all(&app, &may, &targets, room).await?);
        if !permitted {
            continue;
        }
        let count = if left.contains(&room.no) {
            purge(&app, head, room, &targets).await?
        } else {
            0
        };
        if listed || count > 0 {
            sum.total += count;
            sum.rooms.insert(&room.token, count);
        }
    }
    Ok(Response::json(StatusCode::OK, &sum))
}

fn is_among(caller: &Member, people: &[User]) -> bool {
    people.iter().any(|user| user.no == caller.user.no)
}

async fn may_purge_all(app: &Community, may: &Permissions, people: &[User], room: &Room) -> Result<bool, ApiError> {
    for user in people {
        if !may_purge(may, &app.permissions_of(user, room).await?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Deletes all that these people posted in a room and answers how many messages that were. It is one change for each of
/// them, unless it is so much that it would hold up everybody else.
pub(super) async fn purge(app: &Community, head: &Head, room: &Room, authors: &[User]) -> Result<i64, ApiError> {
    let mut count = 0;
    for author in authors {
        let (mut next, mut recorded) = (Some(0), Vec::new());
        while next.is_some() {
            let mut write = app.write_much(head).await?;
            write.go_on(recorded);
            for _ in 0..STEPS_AT_ONCE {
                let Some(after) = next else { break };
                let purged = write.purge(room.no, author.no, after).await?;
                count += purged.messages;
                next = purged.next;
            }
            recorded = app.commit(head, write).await?.recorded;
        }
    }
    Ok(count)
}
