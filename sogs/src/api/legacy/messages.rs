//! Messages of a room, posting and deleting them.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::crypto::UserId;
use shared::http::{Request, Response};

use super::{ApiError, done, moderation, refuse_blinded, visit};
use crate::api::messages::Base64;
use crate::api::{input, posting};
use crate::app::Community;
use crate::auth_token;
use crate::caller::{Visit, admit};
use crate::model::Need;
use crate::store::{MessageError, MessageRow, Query, Selection, Viewer};

/// The most messages, and the most deletions, in one answer.
const MOST: i64 = 256;

/// The most messages that are deleted in one request.
const MOST_DELETED: usize = 256;

#[derive(Serialize)]
struct MessageObject<'a> {
    server_id: i64,
    public_key: &'a str,
    /// Milliseconds.
    timestamp: i64,
    data: Base64<'a>,
    signature: Base64<'a>,
}

#[derive(Serialize)]
struct Deletion {
    /// When, in the count of the room.
    id: i64,
    deleted_message_id: i64,
}

impl<'a> MessageObject<'a> {
    fn new(row: &'a MessageRow) -> Self {
        Self {
            server_id: row.id,
            public_key: &row.author,
            timestamp: milliseconds(row.posted),
            data: Base64(row.data.as_deref().unwrap_or_default(), row.zeros()),
            signature: Base64(row.signature.as_deref().unwrap_or_default(), 0),
        }
    }
}

fn milliseconds(nanos: i64) -> i64 {
    nanos.div_euclid(1_000_000)
}

pub(super) async fn read(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let head = &request.head;
    let visit = visit(&app, head).await?;
    visit.require(Need::Read)?;
    let limit = input::query_number(head, "limit", MOST, 1..=MOST)?;
    let after = match head.query_value("from_server_id") {
        Some(_) => Some(input::query_number(head, "from_server_id", 0, 0..=i64::MAX)?),
        None => None,
    };
    let rows = messages(&app, &visit, after, limit).await?;
    let messages: Vec<MessageObject<'_>> = rows.iter().map(MessageObject::new).collect();
    Ok(done(json!({ "messages": messages })))
}

/// Messages after this one, the oldest first, or the newest.
async fn messages(app: &Community, visit: &Visit, after: Option<i64>, limit: i64) -> Result<Vec<MessageRow>, ApiError> {
    if let Some(member) = &visit.member {
        app.activity.read_in(visit.room.no, member.user.no, app.clock.now());
    }
    select(app, visit, after.map_or(Selection::Recent, Selection::After), limit).await
}

async fn select(app: &Community, visit: &Visit, selection: Selection, limit: i64) -> Result<Vec<MessageRow>, ApiError> {
    let query = Query {
        room: visit.room.no,
        viewer: Viewer {
            user: visit.member.as_ref().map(|member| member.user.no),
            moderator: visit.may.moderator,
        },
        selection,
        limit,
        reactors: 0,
    };
    Ok(app.store.messages(&query).await?.messages)
}

pub(super) async fn post(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = visit(&app, &request.head).await?;
    let author = visit.user_who_may(Need::Write)?;
    let body: posting::Body<'_> = input::body(&request)?;
    let content = body.content(&app)?;
    let (posted, _) = posting::publish(&app, &request.head, &visit, &content, &posting::Whisper::default()).await?;
    let message = MessageObject {
        server_id: posted.id,
        public_key: &author.user.session_id,
        timestamp: milliseconds(posted.posted.as_nanos()),
        data: Base64(&content.data, 0),
        signature: Base64(&content.signature, 0),
    };
    Ok(done(json!({ "message": message })))
}

pub(super) async fn delete(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_number(&request.head, "id")?;
    let visit = visit(&app, &request.head).await?;
    let user = visit.user_who_may(Need::Read)?;
    let author = (!visit.may.moderator).then_some(user.user.no);
    let mut write = app.write(&request.head).await?;
    write.delete_message(visit.room.no, id, author).await?;
    app.commit(&request.head, write).await?;
    Ok(done(json!({})))
}

#[derive(Deserialize)]
struct Several {
    ids: Vec<i64>,
}

/// Deletes all of them or none. Those that are not there are passed over.
pub(super) async fn delete_several(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = visit(&app, &request.head).await?;
    let user = visit.user_who_may(Need::Read)?;
    let Several { ids } = input::parsed(&request)?;
    if ids.len() > MOST_DELETED {
        return Err(ApiError::bad("too many messages to delete at a time"));
    }
    let author = (!visit.may.moderator).then_some(user.user.no);
    let mut write = app.write_much(&request.head).await?;
    for id in ids {
        match write.delete_message(visit.room.no, id, author).await {
            Ok(()) | Err(MessageError::Missing) => {}
            Err(error) => return Err(error.into()),
        }
    }
    app.commit(&request.head, write).await?;
    Ok(done(json!({})))
}

#[derive(Deserialize)]
struct Poll {
    requests: Vec<RoomPoll>,
}

#[derive(Deserialize)]
struct RoomPoll {
    room_id: String,
    auth_token: Option<String>,
    from_message_server_id: Option<i64>,
    from_deletion_server_id: Option<i64>,
}

/// What is new in one room. All keys are there also if the room is refused.
#[derive(Serialize)]
struct RoomNews<'a> {
    status_code: u16,
    room_id: &'a str,
    messages: Vec<MessageObject<'a>>,
    deletions: Vec<Deletion>,
    moderators: Vec<&'a str>,
}

pub(super) async fn compact_poll(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    refuse_blinded(&app, &request.head)?;
    let Poll { requests } = input::parsed(&request)?;
    if requests.len() > app.settings.limits.batch_elements as usize {
        return Err(ApiError::TooLarge("too many rooms in one request"));
    }
    let mut results = Vec::with_capacity(requests.len());
    for poll in &requests {
        let news = match enter(&app, &request, poll).await {
            Ok(visit) => news(&app, &visit, poll).await,
            Err(error) => Err(error),
        };
        results.push(news.unwrap_or_else(|error| {
            let status = Response::from(error).status.as_u16();
            json!(RoomNews {
                status_code: status,
                room_id: &poll.room_id,
                messages: Vec::new(),
                deletions: Vec::new(),
                moderators: Vec::new(),
            })
        }));
    }
    Ok(done(json!({ "results": results })))
}

/// The room, as the owner of the token may see it, or else the caller.
async fn enter(app: &Community, request: &Request, poll: &RoomPoll) -> Result<Visit, ApiError> {
    let member = match poll.auth_token.as_deref().filter(|token| !token.is_empty()) {
        None => app.member(&request.head).await?,
        Some(token) => {
            let account = auth_token::account(&app.key, token).ok_or(ApiError::Refused(
                StatusCode::UNAUTHORIZED,
                "the token was not made by this server",
            ))?;
            let member = admit(app, &UserId::Session(account)).await?;
            if member.user.standing.banned {
                return Err(ApiError::Forbidden("Banned"));
            }
            Some(member)
        }
    };
    let visit = app.visit_as(member, &poll.room_id).await?;
    visit.require(Need::Read)?;
    Ok(visit)
}

async fn news(app: &Community, visit: &Visit, poll: &RoomPoll) -> Result<serde_json::Value, ApiError> {
    let messages = messages(app, visit, poll.from_message_server_id, MOST).await?;
    let deleted = Selection::Deleted {
        after: poll.from_deletion_server_id,
    };
    let deleted = select(app, visit, deleted, MOST).await?;
    Ok(json!(RoomNews {
        status_code: 200,
        room_id: &poll.room_id,
        messages: messages.iter().map(MessageObject::new).collect(),
        deletions: deleted
            .iter()
            .map(|row| Deletion {
                id: row.seqno_data,
                deleted_message_id: row.id,
            })
            .collect(),
        moderators: moderation::visible(visit),
    }))
}
