//! Reading messages (`community-api.md` section 9).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use shared::clock::Timestamp;
use shared::http::{Head, Request, Response, Route, Router};

use super::{ApiError, input, pages};
use crate::app::Community;
use crate::caller::Visit;
use crate::model::Need;
use crate::store::{MessageRow, OwnReaction, Query, ReactionRow, Selection, Viewer};

/// The most people who are named for one reaction.
pub(super) const MOST_NAMED: i64 = 20;

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
#[derive(Clone, Copy, Default)]
pub(super) struct Reactions<'a> {
    pub(super) rows: &'a [ReactionRow],
    /// How many people are named for each, at most.
    pub(super) named: usize,
    /// If the rows do not tell which are the reader's: their id, by which they are named.
    pub(super) reader: Option<&'a str>,
    /// Which are the reader's where they may not be among the first, who are named.
    pub(super) own: &'a [OwnReaction],
}

impl Reactions<'_> {
    fn is_own(&self, row: &ReactionRow) -> bool {
        let listed = |own: &OwnReaction| own.message == row.message && own.reaction.as_ref() == Some(&row.reaction);
        row.you || self.reader.is_some_and(|id| row.names(id)) || self.own.iter().any(listed)
    }
}

#[derive(Serialize)]
struct ReactionObject<'a> {
    index: usize,
    count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reactors: Option<Reactors<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    you: bool,
}

/// The first so many of the ids with commas between them, as a list.
struct Reactors<'a>(&'a str, usize);

impl Serialize for Reactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.rows.len()))?;
        for (index, row) in self.rows.iter().enumerate() {
            let reactors = row.reactors.as_deref().filter(|_| self.named > 0);
            let object = ReactionObject {
                index,
                count: row.count,
                reactors: reactors.map(|ids| Reactors(ids, self.named)),
                you: self.is_own(row),
            };
            map.serialize_entry(&row.reaction, &object)?;
        }
        map.end()
    }
}

impl Serialize for Reactors<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.split(',').take(self.1))
    }
}

impl<'a> MessageObject<'a> {
    /// Without its reactions.
    pub(super) fn new(row: &'a MessageRow) -> Self {
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
            reactions: None,
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
    pages::page(&app, &visit, &query).await
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
    let query = query(head, &visit, selection)?;
    pages::page(app, &visit, &query).await
}

async fn one(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_number(&request.head, "id")?;
    let visit = visit(&app, &request.head).await?;
    let query = query(&request.head, &visit, Selection::One(id))?;
    let page = app.store.messages(&query).await?;
    let row = page.messages.first().ok_or(ApiError::NotFound("post"))?;
    let object = MessageObject {
        reactions: Some(Reactions {
            rows: page.reactions.message(row.id),
            named: usize::try_from(query.reactors).unwrap_or(0),
            ..Reactions::default()
        }),
        ..MessageObject::new(row)
    };
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
        reactors: input::query_number(head, "reactors", 4, 0..=MOST_NAMED)?,
    })
}
