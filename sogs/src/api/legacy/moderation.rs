//! Bans and roles, one room at a time.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use shared::crypto::{SessionId, UserId};
use shared::http::{Head, Request, Response};

use super::{ApiError, done, visit};
use crate::api::input;
use crate::app::Community;
use crate::caller::Visit;
use crate::model::{Need, RoleChange, RoomNo, Scope, User, may_ban, resolve};

#[derive(Deserialize)]
struct Named {
    public_key: String,
}

/// The account that a body names.
fn named(request: &Request) -> Result<UserId, ApiError> {
    let Named { public_key } = input::parsed(request)?;
    let account: SessionId = public_key
        .parse()
        .map_err(|_| ApiError::bad("public_key must be a session id"))?;
    Ok(UserId::Session(account))
}

fn scope(room: RoomNo) -> Scope {
    Scope::Rooms(vec![room])
}

/// Moderators see everybody who is banned, somebody banned sees themselves.
pub(super) async fn banned(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = visit(&app, &request.head).await?;
    let banned = if visit.may.moderator {
        app.store.banned(Some(visit.room.no)).await?
    } else {
        let own = visit.member.iter().filter(|_| visit.may.banned);
        own.map(|member| member.user.session_id.clone()).collect()
    };
    Ok(done(json!({ "banned_members": banned })))
}

pub(super) async fn ban(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = visit(&app, &request.head).await?;
    visit.user_who_may(Need::Moderator)?;
    let id = named(&request)?;
    shut_out(&app, &request.head, &visit, &id).await?;
    Ok(done(json!({})))
}

/// Bans somebody from the room, if the caller may.
async fn shut_out(app: &Community, head: &Head, visit: &Visit, id: &UserId) -> Result<User, ApiError> {
    let (room, actor) = (&visit.room, visit.user()?);
    let mut write = app.write(head).await?;
    write.lock_person(id).await?;
    if let Some(target) = write.known(id).await? {
        let local = write.override_of(room.no, target.no).await?;
        let theirs = resolve(target.standing, Some(&local), room.defaults);
        if target.no == actor.user.no || !may_ban(&visit.may, &theirs) {
            return Err(ApiError::Forbidden("Permission denied"));
        }
    }
    let user = write.ban(id, &scope(room.no), None).await?;
    app.commit(head, write).await?;
    Ok(user)
}

pub(super) async fn unban(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let visit = visit(&app, &request.head).await?;
    visit.user_who_may(Need::Moderator)?;
    let mut write = app.write(&request.head).await?;
    if !write.unban(&id, &scope(visit.room.no)).await? {
        return Err(ApiError::NotFound("ban"));
    }
    app.commit(&request.head, write).await?;
    Ok(done(json!({})))
}

pub(super) async fn ban_and_delete_all(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = visit(&app, &request.head).await?;
    visit.user_who_may(Need::Moderator)?;
    let id = named(&request)?;
    let user = shut_out(&app, &request.head, &visit, &id).await?;
    crate::api::deletion::purge(&app, &request.head, &visit.room, &[user]).await?;
    Ok(done(json!({})))
}

pub(super) async fn moderators(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = visit(&app, &request.head).await?;
    visit.require(Need::Read)?;
    Ok(done(json!({ "moderators": visible(&visit) })))
}

/// Everybody who moderates the room for all to see, in the order of their ids.
pub(super) fn visible(visit: &Visit) -> Vec<&str> {
    let lists = &visit.room.moderators;
    let mut ids: Vec<&str> = lists
        .moderators
        .iter()
        .chain(&lists.admins)
        .map(String::as_str)
        .collect();
    ids.sort_unstable();
    ids
}

pub(super) async fn appoint(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = visit(&app, &request.head).await?;
    visit.user_who_may(Need::Admin)?;
    let id = named(&request)?;
    change_role(
        &app,
        &request.head,
        &visit,
        &id,
        RoleChange::Admin { visible: Some(true) },
    )
    .await
}

pub(super) async fn dismiss(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let visit = visit(&app, &request.head).await?;
    visit.user_who_may(Need::Admin)?;
    change_role(&app, &request.head, &visit, &id, RoleChange::Nothing).await
}

async fn change_role(
    app: &Community,
    head: &Head,
    visit: &Visit,
    id: &UserId,
    change: RoleChange,
) -> Result<Response, ApiError> {
    let mut write = app.write(head).await?;
    write.change_role(id, &scope(visit.room.no), change).await?;
    app.commit(head, write).await?;
    Ok(done(json!({})))
}
