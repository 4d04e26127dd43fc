//! Reading messages (`community-api.md` section 9).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use shared::clock::Timestamp;
use shared::http::{Head, Request, Response, Route, Router};

use super::{ApiError, input};
use crate::app::Community;
use crate::caller::Visit;
use crate::model::Need;
use crate::store::{MessageRow, Query, ReactionRow, Selection, Viewer};

/// A message as a client sees it.
#[derive(Serialize)]
pub(super) struct MessageObject<'a> {
    pub(super) id: i64,
    pub(super) session_id: &'a str,
    pub(super) posted: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edited: Option<Timestamp>,
    pub(super) seqno: i64,
    /// Null once the message is deleted.
    pub(super) data: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) deleted: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) whisper: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) whisper_mods: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) whisper_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reactions: Option<Reactions<'a>>,
}

/// Says that only the reactions of a message have changed. Clients know it by its having these keys and no others.
#[derive(Serialize)]
struct ReactionUpdate<'a> {
    id: i64,
    seqno: i64,
    reactions: Reactions<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Message(MessageObject<'a>),
    Reactions(ReactionUpdate<'a>),
}

/// Bytes, and how many zeros follow them, in base64.
pub(super) struct Base64<'a>(pub(super) &'a [u8], pub(super) usize);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(bytes, zeros) = *self;
        if zeros == 0 {
            return serializer.serialize_str(&STANDARD.encode(bytes));
        }
        let mut padded = Vec::with_capacity(bytes.len() + zeros);
        padded.extend_from_slice(bytes);
        padded.resize(bytes.len() + zeros, 0);
        serializer.serialize_str(&STANDARD.encode(padded))
    }
}

/// What people reacted with, in the order in which it is shown.
pub(super) struct Reactions<'a>(pub(super) &'a [ReactionRow]);

#[derive(Serialize)]
struct ReactionObject<'a> {
    index: usize,
    count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reactors: Option<Reactors<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    you: bool,
}

/// Ids with commas between them, as a list.
struct Reactors<'a>(&'a str);

impl Serialize for Reactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (index, row) in self.0.iter().enumerate() {
            let object = ReactionObject {
                index,
                count: row.count,
                reactors: row.reactors.as_deref().map(Reactors),
                you: row.you,
            };
            map.serialize_entry(&row.reaction, &object)?;
        }
        map.end()
    }
}

impl Serialize for Reactors<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.split(','))
    }
}

impl<'a> MessageObject<'a> {
    fn new(row: &'a MessageRow, reactions: &'a [ReactionRow]) -> Self {
        let whisper = row.whisper_mods || row.whisper_to.is_some();
        Self {
            id: row.id,
            session_id: &row.author,
            posted: row.posted(),
            edited: row.edited(),
            seqno: row.seqno,
            data: row.data.as_deref().map(|data| Base64(data, row.zeros())),
            signature: row.signature.as_deref().map(|signature| Base64(signature, 0)),
            deleted: row.data.is_none(),
            whisper,
            whisper_mods: whisper.then_some(row.whisper_mods),
            whisper_to: row.whisper_to.as_deref(),
            reactions: row.data.is_some().then_some(Reactions(reactions)),
        }
    }
}

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path("/room/{token}/messages/since/{seqno}", [Route::new(Method::GET, since)])
        .path("/room/{token}/messages/before/{id}", [Route::new(Method::GET, before)])
        .path("/room/{token}/messages/recent", [Route::new(Method::GET, recent)])
        .path(
            "/room/{token}/message/{id}",
            [
                Route::new(Method::GET, one),
                Route::new(Method::PUT, super::posting::edit).body_limit(super::JSON_LIMIT),
                Route::new(Method::DELETE, super::deletion::delete),
            ],
        )
}

async fn since(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let seqno = input::path_number(&request.head, "seqno")?;
    let visit = visit(&app, &request.head).await?;
    let flags = request.head.query_value("t").unwrap_or_default();
    let selection = Selection::Since {
        seqno,
        reactions: flags.contains('r'),
    };
    let query = query(&request.head, &visit, selection)?;
    if seqno >= visit.room.counters.message_sequence() {
        return Ok(Response::json(StatusCode::OK, &[(); 0]));
    }
    let page = app.store.messages(&query).await?;
    let entries: Vec<Entry<'_>> = page
        .messages
        .iter()
        .map(|row| {
            let reactions = page.reactions.message(row.id);
            if row.seqno_data > seqno {
                return Entry::Message(MessageObject::new(row, reactions));
            }
            Entry::Reactions(ReactionUpdate {
                id: row.id,
                seqno: row.seqno,
                reactions: Reactions(reactions),
            })
        })
        .collect();
    Ok(Response::json(StatusCode::OK, &entries))
}

async fn before(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_number(&request.head, "id")?;
    list(&app, &request.head, Selection::Before(id)).await
}

async fn recent(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    list(&app, &request.head, Selection::Recent).await
}

async fn list(app: &Community, head: &Head, selection: Selection) -> Result<Response, ApiError> {
    let visit = visit(app, head).await?;
    let page = app.store.messages(&query(head, &visit, selection)?).await?;
    let messages: Vec<MessageObject<'_>> = page
        .messages
        .iter()
        .map(|row| MessageObject::new(row, page.reactions.message(row.id)))
        .collect();
    Ok(Response::json(StatusCode::OK, &messages))
}

async fn one(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_number(&request.head, "id")?;
    let visit = visit(&app, &request.head).await?;
    let query = query(&request.head, &visit, Selection::One(id))?;
    let page = app.store.messages(&query).await?;
    let row = page.messages.first().ok_or(ApiError::NotFound("post"))?;
    let object = MessageObject::new(row, page.reactions.message(row.id));
    Ok(Response::json(StatusCode::OK, &object))
}

/// A visit of somebody who reads, which counts as their being active in the room.
async fn visit(app: &Community, head: &Head) -> Result<Visit, ApiError> {
    let visit = app.visit(head).await?;
    visit.require(Need::Read)?;
    if let Some(member) = &visit.member {
        app.activity.read_in(visit.room.no, member.user.no, app.clock.now());
    }
    Ok(visit)
}

fn query(head: &Head, visit: &Visit, selection: Selection) -> Result<Query, ApiError> {
    Ok(Query {
        room: visit.room.no,
        viewer: Viewer {
            user: visit.member.as_ref().map(|member| member.user.no),
            moderator: visit.may.moderator,
        },
        selection,
        limit: input::query_number(head, "limit", 100, 1..=256)?,
        reactors: input::query_number(head, "reactors", 4, 0..=20)?,
    })
}
