//! Direct messages (`community-api.md` section 16).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;
use shared::clock::Timestamp;
use shared::crypto::UserId;
use shared::http::{Request, Response, Route, Router};

use super::{ApiError, input};
use crate::app::Community;
use crate::store::{DirectMessage, Mailbox};

/// A direct message. Its sender, who knows what it says, is not told that again.
#[derive(Serialize)]
struct MessageObject<'a> {
    id: i64,
    posted_at: Timestamp,
    expires_at: Timestamp,
    sender: &'a str,
    recipient: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl<'a> MessageObject<'a> {
    fn new(message: &'a DirectMessage) -> Self {
        Self {
            id: message.id,
            posted_at: Timestamp::from_nanos(message.posted_at),
            expires_at: Timestamp::from_nanos(message.expiry),
            sender: &message.sender,
            recipient: &message.recipient,
            message: None,
        }
    }

    fn with_body(message: &'a DirectMessage) -> Self {
        Self {
            message: Some(input::to_base64(&message.body)),
            ..Self::new(message)
        }
    }
}

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path(
            "/inbox",
            [Route::new(Method::GET, inbox), Route::new(Method::DELETE, clear)],
        )
        .path("/inbox/since/{since}", [Route::new(Method::GET, inbox_since)])
        .path("/outbox", [Route::new(Method::GET, outbox)])
        .path("/outbox/since/{since}", [Route::new(Method::GET, outbox_since)])
        .path(
            "/inbox/{id}",
            [Route::new(Method::POST, send).body_limit(super::JSON_LIMIT)],
        )
}

async fn inbox(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    all(&app, &request, Mailbox::Inbox).await
}

async fn outbox(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    all(&app, &request, Mailbox::Outbox).await
}

async fn inbox_since(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    news(&app, &request, Mailbox::Inbox).await
}

async fn outbox_since(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    news(&app, &request, Mailbox::Outbox).await
}

async fn all(app: &Community, request: &Request, mailbox: Mailbox) -> Result<Response, ApiError> {
    let messages = read(app, request, mailbox, 0).await?;
    Ok(answer(&messages))
}

async fn news(app: &Community, request: &Request, mailbox: Mailbox) -> Result<Response, ApiError> {
    let since = input::path_number(&request.head, "since")?;
    let messages = read(app, request, mailbox, since).await?;
    if messages.is_empty() {
        return Ok(Response::empty(StatusCode::NOT_MODIFIED));
    }
    Ok(answer(&messages))
}

fn answer(messages: &[DirectMessage]) -> Response {
    let objects: Vec<MessageObject<'_>> = messages.iter().map(MessageObject::with_body).collect();
    Response::json(StatusCode::OK, &objects)
}

/// Where there is nothing new, that is known without asking the database.
async fn read(
    app: &Community,
    request: &Request,
    mailbox: Mailbox,
    since: i64,
) -> Result<Vec<DirectMessage>, ApiError> {
    let user = app.blind_user(&request.head).await?.user.no;
    let limit = input::query_number(&request.head, "limit", 100, 1..=256)?;
    if app.directory.latest_direct(user).await?.of(mailbox) <= since {
        return Ok(Vec::new());
    }
    let now = app.clock.now();
    Ok(app.store.direct_messages(user, mailbox, since, limit, now).await?)
}

async fn clear(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let user = app.blind_user(&request.head).await?;
    let mut write = app.write(&request.head).await?;
    let deleted = write.empty_inbox(user.user.no).await?;
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::OK, &json!({ "deleted": deleted })))
}

async fn send(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let caller = app.user(&request.head).await?;
    let recipient = match app.directory.member(&id).await? {
        Some(member) if matches!(id, UserId::Blinded(_)) && !member.user.standing.banned => member,
        _ => return Err(ApiError::NotFound("user")),
    };
    let fields = input::object(&request)?;
    let Some(text) = fields.get("message").and_then(serde_json::Value::as_str) else {
        return Err(ApiError::bad("message must be given, in base64"));
    };
    let body = input::base64(text)?;
    let settings = &app.settings.direct_messages;
    if body.is_empty() {
        return Err(ApiError::bad("the message is empty"));
    }
    if body.len() as u64 > settings.max_size.0 {
        return Err(ApiError::TooLarge("the message is too large"));
    }
    let mut write = app.write(&request.head).await?;
    // One after the other, or several at once would all be within the limit.
    write.lock_person(&caller.id).await?;
    if !caller.user.standing.admin
        && let Some(wait) = write.direct_message_wait(caller.user.no, settings.per_day).await?
    {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        return Err(ApiError::TooMany(
            "too many direct messages within a day".into(),
            seconds,
        ));
    }
    let sent = write
        .send_direct(&caller.user, &recipient.user, &body, settings.expiry.0)
        .await?;
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::CREATED, &MessageObject::new(&sent)))
}
