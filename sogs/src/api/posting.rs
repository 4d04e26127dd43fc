//! Posting and editing messages (`community-api.md` section 9).

use std::borrow::Cow;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use shared::crypto::UserId;
use shared::http::{Head, Request, Response, Route, Router};

use super::messages::{Base64, MessageObject, Reactions};
use super::{ApiError, input};
use crate::app::Community;
use crate::caller::Visit;
use crate::filtering::{self, Verdict, filtered};
use crate::model::{Need, Scope, User};
use crate::store::{ChangeError, MessageError, NewMessage, Posted, RateLimit};

const NO_TARGET: &str = "whisper_to must be a session id";

/// The most files that are attached in one request.
const MOST_FILES: usize = 1000;

/// What a client sends to post or to edit; an edit has no use for the last two.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
    #[serde(default)]
    files: Option<Vec<FileNumber>>,
    #[serde(default)]
    whisper_to: Option<Value>,
    #[serde(default, deserialize_with = "input::optional_truth")]
    whisper_mods: Option<bool>,
}

/// Content, signature and attachments, checked.
pub(super) struct Content {
    pub(super) data: Vec<u8>,
    pub(super) signature: Vec<u8>,
    files: Vec<i64>,
}

/// For whose eyes only a message is; by default for everybody's.
#[derive(Default)]
pub(super) struct Whisper {
    /// For this person's.
    to: Option<UserId>,
    /// For those of the moderators.
    mods: bool,
}

/// The number of a file, as a number or as text; `None` is one that no file can have.
struct FileNumber(Option<i64>);

impl<'de> Deserialize<'de> for FileNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(serde::de::Error::custom("a file is named by its number"));
        }
        Ok(Self(text.parse().ok()))
    }
}

impl Body<'_> {
    pub(super) fn content(&self, app: &Community) -> Result<Content, ApiError> {
        let data = self.data.as_deref().ok_or(ApiError::bad("data is missing"))?;
        let signature = self.signature.as_deref().ok_or(ApiError::bad("signature is missing"))?;
        let (data, signature) = (input::base64(data)?, input::base64(signature)?);
        if signature.len() != 64 {
            return Err(ApiError::bad("a signature is 64 bytes"));
        }
        if data.len() as u64 > app.settings.messages.max_size.0 {
            return Err(ApiError::TooLarge("The message is too large"));
        }
        let files = self.files.as_deref().unwrap_or_default();
        if files.len() > MOST_FILES {
            return Err(ApiError::bad("too many files"));
        }
        Ok(Content {
            data,
            signature,
            files: files.iter().filter_map(|file| file.0).collect(),
        })
    }

    /// Whom it is whispered to.
    fn target(&self) -> Result<Option<UserId>, ApiError> {
        let bad = || ApiError::bad(NO_TARGET);
        match &self.whisper_to {
            None => Ok(None),
            Some(Value::String(id)) => id.to_ascii_lowercase().parse().map(Some).map_err(|_| bad()),
            Some(_) => Err(bad()),
        }
    }
}

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router.path(
        "/room/{token}/message",
        [Route::new(Method::POST, post).body_limit(super::JSON_LIMIT)],
    )
}

async fn post(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = app.visit(&request.head).await?;
    let author = visit.user_who_may(Need::Write)?;
    let body: Body<'_> = input::body(&request)?;
    let content = body.content(&app)?;
    let whisper_mods = body.whisper_mods.unwrap_or(false);
    if whisper_mods || body.whisper_to.is_some() {
        visit.require(Need::Moderator)?;
    }
    let whisper = Whisper {
        to: body.target()?,
        mods: whisper_mods,
    };
    let (posted, target) = publish(&app, &request.head, &visit, &content, &whisper).await?;
    let whisper = whisper_mods || target.is_some();
    let object = MessageObject {
        id: posted.id,
        session_id: &author.user.session_id,
        posted: posted.posted,
        edited: None,
        seqno: posted.seqno,
        data: Some(Base64(&content.data, 0)),
        signature: Some(Base64(&content.signature, 0)),
        deleted: false,
        whisper,
        whisper_mods: whisper.then_some(whisper_mods),
        whisper_to: target.as_ref().map(|user| user.session_id.as_str()),
        reactions: Some(Reactions::default()),
    };
    Ok(Response::json(StatusCode::CREATED, &object))
}

/// Posts what has been checked, unless a filter or the rate limit of the room is against it. The answer is the message
/// and whom it is whispered to.
pub(super) async fn publish(
    app: &Community,
    head: &Head,
    visit: &Visit,
    content: &Content,
    whisper: &Whisper,
) -> Result<(Posted, Option<User>), ApiError> {
    let (room, author) = (&visit.room, visit.user()?);
    let caught = match filtered(app, visit, &content.data).await? {
        Verdict::Pass => None,
        Verdict::Silent(caught) => Some(caught),
        Verdict::Refused(caught, why) => {
            filtering::reply(app, head, visit, author, &caught).await?;
            return Err(ApiError::Refused(StatusCode::TOO_MANY_REQUESTS, why));
        }
    };
    let limit = RateLimit {
        size: room.rate_limit_size,
        interval: room.rate_limit_interval,
    };
    let mut write = app.write(head).await?;
    let target: Option<User> = match &whisper.to {
        Some(target) => {
            let room = Scope::Rooms(vec![visit.room.no]);
            write.lock_people(std::slice::from_ref(target), &room).await?;
            let named = write.named(target).await;
            Some(named.map_err(|error| match error {
                ChangeError::Nobody => ApiError::bad(NO_TARGET),
                error => error.into(),
            })?)
        }
        None => None,
    };
    let new = NewMessage {
        room: room.no,
        author: author.user.no,
        data: &content.data,
        signature: &content.signature,
        whisper: target.as_ref().map(|user| user.no),
        whisper_mods: whisper.mods,
        filtered: caught.is_some(),
        limit: (!visit.may.admin).then_some(limit),
    };
    let posted = write.post(&new).await?;
    let lifetime = app.settings.files.lifetime();
    write
        .attach(room.no, author.user.no, posted.id, &content.files, lifetime)
        .await?;
    app.commit(head, write).await?;
    if let Some(caught) = &caught
        && let Err(error) = filtering::reply(app, head, visit, author, caught).await
    {
        // The message itself is stored, and its author is told so.
        tracing::warn!(%error, "a filtered message was not replied to");
    }
    Ok((posted, target))
}

pub(super) async fn edit(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_number(&request.head, "id")?;
    let visit = app.visit(&request.head).await?;
    let author = visit.user_who_may(Need::Write)?;
    let body: Body<'_> = input::body(&request)?;
    let content = body.content(&app)?;
    let (room, user) = (visit.room.no, author.user.no);
    match app.store.author(room, id, user, visit.may.moderator).await? {
        None => return Err(MessageError::Missing.into()),
        Some(other) if other != user => return Err(MessageError::Foreign.into()),
        Some(_) => {}
    }
    match filtered(&app, &visit, &content.data).await? {
        Verdict::Pass => {}
        Verdict::Silent(_) => return Ok(Response::json(StatusCode::OK, &json!({}))),
        Verdict::Refused(_, why) => return Err(ApiError::Refused(StatusCode::TOO_MANY_REQUESTS, why)),
    }
    let mut write = app.write(&request.head).await?;
    write.edit(room, id, user, &content.data, &content.signature).await?;
    write
        .attach(room, user, id, &content.files, app.settings.files.lifetime())
        .await?;
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::OK, &json!({})))
}

impl From<MessageError> for ApiError {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::NoRoom => Self::NotFound("room"),
            MessageError::Missing => Self::NotFound("post"),
            MessageError::Foreign => Self::Forbidden("Permission denied"),
            // The moment itself still counts.
            MessageError::TooMany(wait) => Self::TooMany("Rate limited".into(), wait.as_secs() + 1),
            MessageError::TooManyReactions => Self::bad("The message has too many different reactions"),
            MessageError::Database(error) => error.into(),
        }
    }
}
