//! Roles and bans (`community-api.md` section 15).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use shared::clock::Timestamp;
use shared::http::{Request, Response, Route, Router};

use super::{ApiError, input};
use crate::app::Community;
use crate::directory::Rooms;
use crate::model::{Member, Need, Permissions, RoleChange, Room, Scope, may_ban, resolve};
use crate::store::ChangeError;

const DENIED: ApiError = ApiError::Forbidden("Permission denied");

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path(
            "/user/{id}/moderator",
            [Route::new(Method::POST, moderator).body_limit(super::JSON_LIMIT)],
        )
        .path(
            "/user/{id}/ban",
            [Route::new(Method::POST, ban).body_limit(super::JSON_LIMIT)],
        )
        .path(
            "/user/{id}/unban",
            [Route::new(Method::POST, unban).body_limit(super::JSON_LIMIT)],
        )
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Banned => Self::bad(error.to_string()),
            ChangeError::Moderates => DENIED,
            // As for an id that is too short.
            ChangeError::Nobody => Self::Refused(StatusCode::NOT_FOUND, "Not Found"),
            ChangeError::RoomGone => Self::NotFound("room"),
            ChangeError::Database(error) => error.into(),
        }
    }
}

async fn moderator(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let caller = app.user(&request.head).await?;
    let fields = input::object(&request)?;
    let rooms = app.directory.rooms().await?;
    let place = Place::allowed(&rooms, &caller, Target::parse(&fields)?, Need::Admin)?;
    let change = role_change(&fields)?;
    let mut write = app.write(&request.head).await?;
    write.change_role(&id, &place.scope(), change).await?;
    app.commit(&request.head, write).await?;

    let rooms = app.directory.rooms().await?;
    let told: Map<String, Value> = rooms
        .iter()
        .filter(|room| place.holds_in(room))
        .map(|room| (room.token.clone(), room.info_updates.into()))
        .collect();
    Ok(Response::json(StatusCode::OK, &json!({ "info_updates": told })))
}

async fn ban(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let caller = app.user(&request.head).await?;
    let fields = input::object(&request)?;
    let rooms = app.directory.rooms().await?;
    let place = Place::allowed(&rooms, &caller, Target::parse(&fields)?, Need::Moderator)?;
    let until = timeout(&fields, app.clock.now())?;
    let mut write = app.write(&request.head).await?;
    write.lock_person(&id).await?;
    // Also what waits for a blinded id that has not shown up yet: the ban would take it over.
    for target in write.all_known(&id).await? {
        if target.no == caller.user.no {
            return Err(DENIED);
        }
        for room in place.rooms() {
            let local = write.override_of(room.no, target.no).await?;
            let theirs = resolve(target.standing, Some(&local), room.defaults);
            if !may_ban(&caller.permissions(room), &theirs) {
                return Err(DENIED);
            }
        }
    }
    write.ban(&id, &place.scope(), until).await?;
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::OK, &json!({})))
}

async fn unban(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let caller = app.user(&request.head).await?;
    let fields = input::object(&request)?;
    let rooms = app.directory.rooms().await?;
    let place = Place::allowed(&rooms, &caller, Target::parse(&fields)?, Need::Moderator)?;
    let mut write = app.write(&request.head).await?;
    write.unban(&id, &place.scope()).await?;
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::OK, &json!({})))
}

/// Where something is asked for.
enum Target<'a> {
    Server,
    /// Every room in which the caller has the role that it needs.
    AllRooms,
    Rooms(Vec<&'a str>),
}

impl<'a> Target<'a> {
    fn parse(fields: &'a Map<String, Value>) -> Result<Self, ApiError> {
        let given = |name| fields.get(name).filter(|value| input::truthy(value));
        let list = match (given("rooms"), given("global").is_some()) {
            (None, true) => return Ok(Self::Server),
            (Some(Value::Array(list)), false) => list,
            (Some(Value::Array(_)), true) => return Err(ApiError::bad("rooms and global exclude each other")),
            (Some(_), _) => return Err(ApiError::bad("rooms must be a list of tokens")),
            (None, false) => return Err(ApiError::bad("either rooms or global must be given")),
        };
        let tokens: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
        let tokens = tokens.ok_or(ApiError::NotFound("room"))?;
        match tokens.as_slice() {
            ["*"] => Ok(Self::AllRooms),
            some if some.contains(&"*") => Err(ApiError::bad("* stands for all rooms and must be the only one")),
            _ => Ok(Self::Rooms(tokens)),
        }
    }
}

/// Where something is done.
enum Place {
    Server,
    Rooms(Vec<Arc<Room>>),
}

impl Place {
    /// The place that is asked for, if the caller has the role that it needs there. Unknown rooms, hidden ones and those
    /// named twice are refused like all others.
    fn allowed(rooms: &Rooms, caller: &Member, target: Target<'_>, need: Need) -> Result<Self, ApiError> {
        let may = |room: &Arc<Room>| Permissions::allows(&caller.permissions(room), need);
        let rooms: Vec<Arc<Room>> = match target {
            Target::Server => {
                let standing = caller.user.standing;
                let may = standing.admin || (standing.moderator && need == Need::Moderator);
                return if may { Ok(Self::Server) } else { Err(DENIED) };
            }
            Target::AllRooms => rooms.iter().filter(|room| may(room)).cloned().collect(),
            Target::Rooms(tokens) => {
                let mut named: Vec<Arc<Room>> = Vec::with_capacity(tokens.len());
                for token in tokens {
                    let room = rooms.find(token).filter(|room| may(room)).ok_or(DENIED)?;
                    named.push(Arc::clone(room));
                }
                named.sort_unstable_by_key(|room| room.no);
                if named
                    .windows(2)
                    .any(|pair| matches!(pair, [one, other] if one.no == other.no))
                {
                    return Err(DENIED);
                }
                named
            }
        };
        if rooms.is_empty() {
            return Err(DENIED);
        }
        Ok(Self::Rooms(rooms))
    }

    fn rooms(&self) -> &[Arc<Room>] {
        match self {
            Self::Server => &[],
            Self::Rooms(rooms) => rooms,
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Self::Server => Scope::Server,
            Self::Rooms(rooms) => Scope::Rooms(rooms.iter().map(|room| room.no).collect()),
        }
    }

    fn holds_in(&self, room: &Room) -> bool {
        match self {
            Self::Server => true,
            Self::Rooms(rooms) => rooms.iter().any(|named| named.no == room.no),
        }
    }
}

/// What is to become of a role.
fn role_change(fields: &Map<String, Value>) -> Result<RoleChange, ApiError> {
    let visible = input::truth(fields, "visible");
    match (input::truth(fields, "admin"), input::truth(fields, "moderator")) {
        (Some(true), Some(false)) => Err(ApiError::bad("an admin is always a moderator too")),
        (Some(true), _) => Ok(RoleChange::Admin { visible }),
        (Some(false), Some(true)) => Ok(RoleChange::OnlyModerator { visible }),
        (None, Some(true)) => Ok(RoleChange::Moderator { visible }),
        (_, Some(false)) => Ok(RoleChange::Nothing),
        (Some(false), None) => Ok(RoleChange::NoAdmin),
        (None, None) => Err(ApiError::bad("moderator or admin must be given")),
    }
}

/// When a ban is to end; `None` if it is for good.
fn timeout(fields: &Map<String, Value>, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    match fields.get("timeout") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(seconds)) => {
            let seconds = seconds.as_f64().unwrap_or_default();
            Ok((seconds != 0.0).then(|| input::after(now, seconds)))
        }
        Some(_) => Err(ApiError::bad("timeout must be a number of seconds")),
    }
}
