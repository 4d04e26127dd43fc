//! Reactions (`community-api.md` section 10).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;
use shared::http::{Head, Request, Response, Route, Router};

use super::{ApiError, input};
use crate::app::Community;
use crate::model::Need;

/// The longest reaction, in code points.
const LONGEST: usize = 12;

#[derive(Serialize)]
struct Added {
    added: bool,
    seqno: i64,
}

#[derive(Serialize)]
struct Removed<T> {
    removed: T,
    seqno: i64,
}

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path(
            "/room/{token}/reaction/{id}/{*reaction}",
            [Route::new(Method::PUT, add), Route::new(Method::DELETE, remove)],
        )
        .path("/room/{token}/reactions/{id}", [Route::new(Method::DELETE, clear_all)])
        .path(
            "/room/{token}/reactions/{id}/{*reaction}",
            [Route::new(Method::DELETE, clear)],
        )
        .path(
            "/room/{token}/reactors/{id}/{*reaction}",
            [Route::new(Method::GET, reactors)],
        )
}

/// The message and the reaction that a path names. What begins with a slash is another path.
fn named(head: &Head) -> Result<(i64, &str), ApiError> {
    let message = input::path_number(head, "id")?;
    let reaction = head.params.value("reaction");
    if reaction.is_empty() || reaction.starts_with('/') {
        return Err(ApiError::Refused(StatusCode::NOT_FOUND, "Not Found"));
    }
    Ok((message, reaction))
}

/// Neither too long nor with a NUL, which PostgreSQL cannot keep.
fn check(reaction: &str) -> Result<(), ApiError> {
    if reaction.chars().count() > LONGEST || reaction.contains('\0') {
        return Err(ApiError::bad("a reaction is 1 to 12 characters"));
    }
    Ok(())
}

async fn add(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let (message, reaction) = named(&request.head)?;
    let visit = app.visit(&request.head).await?;
    let user = visit.user_who_may(Need::Read)?.user.no;
    check(reaction)?;
    if !visit.may.admin {
        app.reaction_limit
            .take(user)
            .map_err(|wait| ApiError::TooMany("Too many reactions".into(), wait.as_secs() + 1))?;
    }
    let mut write = app.write(&request.head).await?;
    let reacted = write.react(visit.room.no, message, reaction, user).await?;
    app.commit(&request.head, write).await?;
    let answer = Added {
        added: reacted.count > 0,
        seqno: reacted.seqno,
    };
    Ok(Response::json(StatusCode::OK, &answer))
}

async fn remove(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let (message, reaction) = named(&request.head)?;
    let visit = app.visit(&request.head).await?;
    let user = visit.user_who_may(Need::Read)?.user.no;
    check(reaction)?;
    let mut write = app.write(&request.head).await?;
    let reacted = write.unreact(visit.room.no, message, reaction, user).await?;
    app.commit(&request.head, write).await?;
    let answer = Removed {
        removed: reacted.count > 0,
        seqno: reacted.seqno,
    };
    Ok(Response::json(StatusCode::OK, &answer))
}

async fn clear(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let (message, reaction) = named(&request.head)?;
    clear_reactions(&app, &request.head, message, Some(reaction)).await
}

async fn clear_all(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let message = input::path_number(&request.head, "id")?;
    clear_reactions(&app, &request.head, message, None).await
}

async fn clear_reactions(
    app: &Community,
    head: &Head,
    message: i64,
    reaction: Option<&str>,
) -> Result<Response, ApiError> {
    let visit = app.visit(head).await?;
    visit.user_who_may(Need::Moderator)?;
    reaction.map_or(Ok(()), check)?;
    let mut write = app.write(head).await?;
    let reacted = write.clear_reactions(visit.room.no, message, reaction).await?;
    app.commit(head, write).await?;
    let answer = Removed {
        removed: reacted.count,
        seqno: reacted.seqno,
    };
    Ok(Response::json(StatusCode::OK, &answer))
}

async fn reactors(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let (message, reaction) = named(&request.head)?;
    let visit = app.visit(&request.head).await?;
    visit.require(Need::Read)?;
    check(reaction)?;
    // Nothing or less means all.
    let limit = match input::query_number(&request.head, "limit", 0, 0..=i64::MAX)? {
        0 => i64::MAX,
        limit => limit,
    };
    let reactors = app.store.reactors(visit.room.no, message, reaction, limit).await?;
    let reactors = reactors.ok_or(ApiError::NotFound("post"))?;
    Ok(Response::json(StatusCode::OK, &json!(reactors)))
}
