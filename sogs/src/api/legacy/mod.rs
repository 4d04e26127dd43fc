//! What clients used before 2022 (`community-api.md` section 18). Rooms are named by a header, statuses are repeated in
//! the body, people go by their account's id. Where blinded ids are demanded only the public list of rooms is left.

mod files;
mod messages;
mod moderation;
mod rooms;

use http::{HeaderName, Method, StatusCode};
use serde_json::{Value, json};
use shared::crypto::UserId;
use shared::crypto::sogs_auth::AuthError;
use shared::http::{Head, Response, Route, Router};

use super::{ApiError, JSON_LIMIT};
use crate::app::Community;
use crate::caller::{Caller, Visit};
use crate::settings::LARGEST_REQUEST;

/// The header that names the room.
const ROOM: HeaderName = HeaderName::from_static("room");

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    let router = router
        .path("/legacy/rooms", [Route::new(Method::GET, rooms::list)])
        .path("/legacy/rooms/{token}", [Route::new(Method::GET, rooms::show)])
        .path(
            "/legacy/rooms/{token}/image",
            [
                Route::new(Method::GET, files::image),
                Route::new(Method::POST, files::set_image).body_limit(LARGEST_REQUEST),
            ],
        )
        .path(
            "/legacy/claim_auth_token",
            [Route::new(Method::POST, rooms::claim_token)],
        )
        .path(
            "/legacy/auth_token_challenge",
            [Route::new(Method::GET, rooms::token_challenge)],
        )
        .path("/legacy/member_count", [Route::new(Method::GET, rooms::member_count)]);
    let router = router
        .path(
            "/legacy/files",
            [Route::new(Method::POST, files::upload).body_limit(LARGEST_REQUEST)],
        )
        .path("/legacy/files/{id}", [Route::new(Method::GET, files::download)])
        .path(
            "/legacy/messages",
            [
                Route::new(Method::GET, messages::read),
                Route::new(Method::POST, messages::post).body_limit(JSON_LIMIT),
            ],
        )
        .path("/legacy/messages/{id}", [Route::new(Method::DELETE, messages::delete)])
        .path(
            "/legacy/delete_messages",
            [Route::new(Method::POST, messages::delete_several).body_limit(JSON_LIMIT)],
        )
        .path(
            "/legacy/compact_poll",
            [Route::new(Method::POST, messages::compact_poll).body_limit(JSON_LIMIT)],
        );
    router
        .path(
            "/legacy/block_list",
            [
                Route::new(Method::GET, moderation::banned),
                Route::new(Method::POST, moderation::ban),
            ],
        )
        .path(
            "/legacy/block_list/{id}",
            [Route::new(Method::DELETE, moderation::unban)],
        )
        .path(
            "/legacy/ban_and_delete_all",
            [Route::new(Method::POST, moderation::ban_and_delete_all)],
        )
        .path(
            "/legacy/moderators",
            [
                Route::new(Method::GET, moderation::moderators),
                Route::new(Method::POST, moderation::appoint),
            ],
        )
        .path(
            "/legacy/moderators/{id}",
            [Route::new(Method::DELETE, moderation::dismiss)],
        )
}

/// Refuses everything that has to do with people where they are to use blinded ids, and those who use one.
fn refuse_blinded(app: &Community, head: &Head) -> Result<(), ApiError> {
    if app.settings.users.require_blind_keys {
        return Err(AuthError::BlindingRequired.into());
    }
    match Caller::of(head).id() {
        Some(UserId::Blinded(_)) => Err(ApiError::bad("This endpoint is for ids that are not blinded")),
        Some(UserId::Session(_)) | None => Ok(()),
    }
}

/// The room that the header names.
async fn visit(app: &Community, head: &Head) -> Result<Visit, ApiError> {
    refuse_blinded(app, head)?;
    let token = head
        .header(ROOM.as_str())
        .ok_or(ApiError::bad("the header Room is missing"))?;
    app.visit_token(head, token).await
}

/// The answer to what went well: these keys and the status.
fn done(mut fields: Value) -> Response {
    if let Value::Object(fields) = &mut fields {
        fields.insert("status_code".to_owned(), json!(200));
    }
    Response::json(StatusCode::OK, &fields)
}
