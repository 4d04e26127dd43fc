//! Rooms as the oldest clients see them, and the tokens that they sign in with.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::crypto::{SessionId, UserId};
use shared::http::{Request, Response};

use super::{ApiError, ROOM, done, refuse_blinded, visit};
use crate::app::Community;
use crate::auth_token;
use crate::model::{Need, Room};

/// The room in few words.
fn brief(room: &Room) -> Value {
    json!({ "id": room.token, "name": room.name })
}

pub(super) async fn list(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let member = app.member(&request.head).await?;
    let rooms = app.directory.rooms().await?;
    let visible: Vec<Value> = rooms
        .iter()
        .filter(|room| room.permissions(member.as_deref()).allows(Need::Access))
        .map(|room| brief(room))
        .collect();
    Ok(done(json!({ "rooms": visible })))
}

pub(super) async fn show(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = app.visit(&request.head).await?;
    if !visit.may.allows(Need::Access) {
        // Somebody banned from a room does not find it.
        return Err(ApiError::NotFound("room"));
    }
    Ok(done(json!({ "room": brief(&visit.room) })))
}

/// Tokens hold without being claimed.
pub(super) async fn claim_token(_app: Arc<Community>, _request: Request) -> Result<Response, ApiError> {
    Ok(done(json!({})))
}

/// Hands out a token that only the account of that id can read. Whoever knows the id may ask: that tells as much as a
/// post of the account does.
pub(super) async fn token_challenge(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let head = &request.head;
    refuse_blinded(&app, head)?;
    let token = head
        .header(ROOM.as_str())
        .ok_or(ApiError::bad("the header Room is missing"))?;
    let bad = || ApiError::bad("public_key must be a session id");
    let account: SessionId = head
        .query_value("public_key")
        .ok_or_else(bad)?
        .parse()
        .map_err(|_| bad())?;
    let rooms = app.directory.rooms().await?;
    let room = rooms.find(token).ok_or(ApiError::NotFound("room"))?;
    let member = app.directory.member(&UserId::Session(account)).await?;
    let may = room.permissions(member.as_deref());
    if !may.knows_of_it() {
        return Err(ApiError::NotFound("room"));
    }
    if may.banned {
        return Err(ApiError::Forbidden("Banned"));
    }
    let sealed = auth_token::challenge(&app.key, &account).map_err(|_| bad())?;
    Ok(done(json!({
        "challenge": {
            "ciphertext": STANDARD.encode(sealed),
            "ephemeral_public_key": STANDARD.encode(app.key.public().as_bytes()),
        }
    })))
}

pub(super) async fn member_count(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = visit(&app, &request.head).await?;
    visit.require(Need::Access)?;
    Ok(done(json!({ "member_count": visit.room.counters.active_users() })))
}
