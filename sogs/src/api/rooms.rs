//! Rooms (`community-api.md` section 8).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::clock::Timestamp;
use shared::http::{Request, Response, Route, Router};

use super::{ApiError, input};
use crate::app::Community;
use crate::model::{Defaults, Need, Permissions, Pin, Room, RoomToken, room_description, room_name};
use crate::store::{NewRoom, RoomChange};

/// A room as a client sees it. Flags and lists are always there, false or empty: a client that merges answers would
/// keep what is left out.
#[derive(Serialize)]
pub struct RoomObject<'a> {
    token: &'a str,
    name: &'a str,
    description: &'a str,
    info_updates: i64,
    message_sequence: i64,
    created: Timestamp,
    active_users: i64,
    active_users_cutoff: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_id: Option<i64>,
    pinned_messages: Vec<PinObject<'a>>,
    moderators: &'a [String],
    admins: &'a [String],
    hidden_moderators: &'a [String],
    hidden_admins: &'a [String],
    #[serde(flatten)]
    flags: Flags,
}

/// A pinned message. The time is whole seconds, for one client cannot read anything else.
#[derive(Serialize)]
struct PinObject<'a> {
    id: i64,
    pinned_at: i64,
    pinned_by: &'a str,
}

impl<'a> From<&'a Pin> for PinObject<'a> {
    fn from(pin: &'a Pin) -> Self {
        Self {
            id: pin.message,
            pinned_at: pin.pinned_at.as_seconds(),
            pinned_by: &pin.pinned_by,
        }
    }
}

/// What the caller is and may.
#[derive(Serialize)]
struct Flags {
    read: bool,
    write: bool,
    upload: bool,
    moderator: bool,
    admin: bool,
    global_moderator: bool,
    global_admin: bool,
    #[serde(flatten)]
    defaults: Option<DefaultFlags>,
}

/// What everybody may, which only moderators are told.
#[derive(Serialize)]
struct DefaultFlags {
    default_read: bool,
    default_accessible: bool,
    default_write: bool,
    default_upload: bool,
}

/// What is new about a room.
#[derive(Serialize)]
struct PollInfo<'a> {
    token: &'a str,
    active_users: i64,
    #[serde(flatten)]
    flags: Flags,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<RoomObject<'a>>,
}

impl Flags {
    fn new(may: &Permissions, defaults: Defaults) -> Self {
        Self {
            read: may.allows(Need::Read),
            write: may.allows(Need::Write),
            upload: may.allows(Need::Upload),
            moderator: may.moderator,
            admin: may.admin,
            global_moderator: may.global_moderator,
            global_admin: may.global_admin,
            defaults: may.moderator.then_some(DefaultFlags {
                default_read: defaults.read,
                default_accessible: defaults.accessible,
                default_write: defaults.write,
                default_upload: defaults.upload,
            }),
        }
    }
}

impl<'a> RoomObject<'a> {
    /// The room as somebody with these permissions sees it.
    #[must_use]
    pub fn new(app: &Community, room: &'a Room, may: &Permissions) -> Self {
        let lists = &room.moderators;
        let hidden = |list: &'a [String]| if may.moderator { list } else { &[] };
        Self {
            token: &room.token,
            name: &room.name,
            description: room.description.as_deref().unwrap_or_default(),
            info_updates: room.info_updates,
            message_sequence: room.counters.message_sequence(),
            created: room.created,
            active_users: room.counters.active_users(),
            active_users_cutoff: app.settings.rooms.active_threshold.0.as_secs(),
            image_id: room.image,
            pinned_messages: room.pins.iter().map(Into::into).collect(),
            moderators: &lists.moderators,
            admins: &lists.admins,
            hidden_moderators: hidden(&lists.hidden_moderators),
            hidden_admins: hidden(&lists.hidden_admins),
            flags: Flags::new(may, room.defaults),
        }
    }
}

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path(
            "/rooms",
            [
                Route::new(Method::GET, list),
                Route::new(Method::POST, create).body_limit(super::JSON_LIMIT),
            ],
        )
        .path(
            "/room/{token}",
            [
                Route::new(Method::GET, show),
                Route::new(Method::PUT, change).body_limit(super::JSON_LIMIT),
                Route::new(Method::DELETE, delete),
            ],
        )
        .path("/room/{token}/pollInfo/{known}", [Route::new(Method::GET, poll)])
}

async fn list(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let member = app.member(&request.head).await?;
    let rooms = app.directory.rooms().await?;
    let visible: Vec<RoomObject<'_>> = rooms
        .iter()
        .filter_map(|room| {
            let may = room.permissions(member.as_deref());
            may.allows(Need::Access).then(|| RoomObject::new(&app, room, &may))
        })
        .collect();
    Ok(Response::json(StatusCode::OK, &visible))
}

async fn show(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = app.visit(&request.head).await?;
    if !visit.may.allows(Need::Access) {
        // Somebody banned from a room does not find it.
        return Err(ApiError::NotFound("room"));
    }
    let object = RoomObject::new(&app, &visit.room, &visit.may);
    Ok(Response::json(StatusCode::OK, &object))
}

async fn poll(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let known = input::path_number(&request.head, "known")?;
    let visit = app.visit(&request.head).await?;
    visit.require(Need::Read)?;
    if let Some(member) = &visit.member {
        app.activity.read_in(visit.room.no, member.user.no, app.clock.now());
    }
    let room = &visit.room;
    let info = PollInfo {
        token: &room.token,
        active_users: room.counters.active_users(),
        flags: Flags::new(&visit.may, room.defaults),
        details: (room.info_updates != known).then(|| RoomObject::new(&app, room, &visit.may)),
    };
    Ok(Response::json(StatusCode::OK, &info))
}

async fn create(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let user = app.user(&request.head).await?;
    if !user.user.standing.admin {
        return Err(ApiError::Forbidden("Permission denied"));
    }
    let fields = input::object(&request)?;
    let token: RoomToken = match fields.get("token") {
        Some(Value::String(token)) => token
            .parse()
            .map_err(|error: crate::model::InvalidToken| ApiError::bad(error.to_string()))?,
        _ => return Err(ApiError::bad("token must be a string")),
    };
    let name = match fields.get("name") {
        Some(Value::String(name)) => name_text(&app, name)?,
        _ => return Err(ApiError::bad("name must be a string")),
    };
    if name.is_empty() {
        return Err(ApiError::bad("name must not be empty"));
    }
    let description = match fields.get("description") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => description_text(&app, text)?,
        Some(_) => return Err(ApiError::bad("description must be a string or null")),
    };
    let mut write = app.write(&request.head).await?;
    let most = app.settings.rooms.max_count;
    if most > 0 && write.count_rooms().await? >= i64::from(most) {
        return Err(ApiError::Forbidden("There are as many rooms as this server allows"));
    }
    let new = NewRoom {
        token,
        name,
        description,
        defaults: Defaults::default(),
    };
    if write.create_room(&new).await?.is_none() {
        return Err(ApiError::Refused(
            StatusCode::CONFLICT,
            "There is a room with this token already",
        ));
    }
    app.commit(&request.head, write).await?;
    let visit = app.visit_token(&request.head, new.token.as_str()).await?;
    let object = RoomObject::new(&app, &visit.room, &visit.may);
    Ok(Response::json(StatusCode::CREATED, &object))
}

async fn delete(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = app.visit(&request.head).await?;
    let user = visit.user()?;
    if !user.user.standing.admin {
        return Err(ApiError::Forbidden("Permission denied"));
    }
    // Nothing is taken away for a request that was sent already.
    drop(app.write(&request.head).await?);
    app.store.empty_room(visit.room.no, app.clock.now()).await?;
    let mut write = app.write_much(&request.head).await?;
    if !write.delete_room(visit.room.no).await? {
        return Err(ApiError::NotFound("room"));
    }
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::OK, &json!({})))
}

async fn change(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = app.visit(&request.head).await?;
    visit.user_who_may(Need::Admin)?;
    let fields = input::object(&request)?;
    let (change, image) = read_change(&app, &fields)?;
    let room = visit.room.no;
    let mut write = app.write(&request.head).await?;
    if let Some(image) = image
        && !write.set_image(room, image, app.settings.files.lifetime()).await?
    {
        return Err(ApiError::Refused(
            StatusCode::NOT_ACCEPTABLE,
            "The image is not a file of this room",
        ));
    }
    let info_updates = write
        .change_room(room, &change)
        .await?
        .ok_or(ApiError::NotFound("room"))?;
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::OK, &json!({ "info_updates": info_updates })))
}

/// What is to be changed; the file that is to be the image comes apart.
fn read_change(app: &Community, fields: &Map<String, Value>) -> Result<(RoomChange, Option<i64>), ApiError> {
    let mut change = RoomChange::default();
    match fields.get("name") {
        None => {}
        Some(Value::String(name)) => change.name = Some(name_text(app, name)?),
        Some(_) => return Err(ApiError::bad("name must be a string")),
    }
    match fields.get("description") {
        None => {}
        Some(Value::Null) => change.description = Some(None),
        Some(Value::String(text)) => change.description = Some(description_text(app, text)?),
        Some(_) => return Err(ApiError::bad("description must be a string or null")),
    }
    let image = match fields.get("image") {
        None => None,
        Some(image) => Some(
            image
                .as_i64()
                .ok_or(ApiError::bad("image must be the number of a file"))?,
        ),
    };
    change.read = flag(fields, "default_read")?;
    change.accessible = flag(fields, "default_accessible")?;
    change.write = flag(fields, "default_write")?;
    change.upload = flag(fields, "default_upload")?;
    let flags = [change.read, change.accessible, change.write, change.upload];
    let nothing =
        change.name.is_none() && change.description.is_none() && image.is_none() && flags.iter().all(Option::is_none);
    if nothing {
        return Err(ApiError::bad("nothing to change"));
    }
    Ok((change, image))
}

fn flag(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(Some(number.as_i64() != Some(0))),
        Some(_) => Err(ApiError::bad(format!("{name} must be true or false"))),
    }
}

fn name_text(app: &Community, text: &str) -> Result<String, ApiError> {
    room_name(text, app.settings.rooms.max_name_length).map_err(|error| ApiError::bad(error.to_string()))
}

fn description_text(app: &Community, text: &str) -> Result<Option<String>, ApiError> {
    room_description(text, app.settings.rooms.max_description_length).map_err(|error| ApiError::bad(error.to_string()))
}
