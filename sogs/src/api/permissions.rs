//! What single people may in a room, now and later (`community-api.md` section 14).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use shared::clock::Timestamp;
use shared::http::{Request, Response, Route, Router};

use super::{ApiError, input};
use crate::app::Community;
use crate::caller::Visit;
use crate::model::{FlagChange, LaterFlags, Need, Override, PermissionChange, User};
use crate::store::Planned;

/// The longest time ahead, in seconds, that something can be scheduled.
const FURTHEST: f64 = 1e9;

/// What differs for somebody. What does not is left out.
#[derive(Serialize)]
struct PermissionObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    accessible: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<bool>,
    #[serde(skip_serializing_if = "is_false")]
    banned: bool,
    #[serde(skip_serializing_if = "is_false")]
    moderator: bool,
    #[serde(skip_serializing_if = "is_false")]
    admin: bool,
    #[serde(skip_serializing_if = "is_false")]
    hidden: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl From<Override> for PermissionObject {
    fn from(local: Override) -> Self {
        Self {
            accessible: local.accessible,
            read: local.read,
            write: local.write,
            upload: local.upload,
            banned: local.banned,
            moderator: local.moderator && !local.admin,
            admin: local.admin,
            hidden: local.moderator && !local.visible_mod,
        }
    }
}

/// Something that is to happen to somebody.
#[derive(Serialize)]
struct PlannedObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    banned: Option<bool>,
}

impl PlannedObject {
    fn named(planned: Planned) -> Self {
        Self {
            session_id: Some(planned.session_id),
            at: Timestamp::from_nanos(planned.at),
            read: planned.read,
            write: planned.write,
            upload: planned.upload,
            banned: planned.banned,
        }
    }

    fn unnamed(planned: Planned) -> Self {
        Self {
            session_id: None,
            ..Self::named(planned)
        }
    }
}

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path("/room/{token}/permissions", [Route::new(Method::GET, list)])
        .path(
            "/room/{token}/permissions/{id}",
            [
                Route::new(Method::GET, show),
                Route::new(Method::POST, change).body_limit(super::JSON_LIMIT),
            ],
        )
        .path(
            "/room/{token}/futurePermissions",
            [Route::new(Method::GET, list_planned)],
        )
        .path(
            "/room/{token}/futurePermissions/{id}",
            [
                Route::new(Method::GET, show_planned),
                Route::new(Method::POST, plan).body_limit(super::JSON_LIMIT),
            ],
        )
}

/// The room, for those who moderate it.
async fn moderated(app: &Community, request: &Request) -> Result<Visit, ApiError> {
    let visit = app.visit(&request.head).await?;
    visit.user_who_may(Need::Moderator)?;
    Ok(visit)
}

async fn list(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = moderated(&app, &request).await?;
    let mut people = Map::new();
    for (id, local) in app.store.overrides_in(visit.room.no).await? {
        let object = serde_json::to_value(PermissionObject::from(local)).unwrap_or_default();
        people.insert(id, object);
    }
    Ok(Response::json(StatusCode::OK, &people))
}

async fn show(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let visit = moderated(&app, &request).await?;
    let local = match app.store.find_user(&id).await? {
        Some(user) => app.store.override_of(visit.room.no, user.no).await?,
        None => Override::default(),
    };
    Ok(Response::json(StatusCode::OK, &PermissionObject::from(local)))
}

async fn change(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let visit = moderated(&app, &request).await?;
    let fields = input::object(&request)?;
    let change = PermissionChange {
        read: flag_change(&fields, "read")?,
        accessible: flag_change(&fields, "accessible")?,
        write: flag_change(&fields, "write")?,
        upload: flag_change(&fields, "upload")?,
    };
    if change.is_empty() {
        return Err(ApiError::bad("no permission is given"));
    }
    let keep_scheduled = fields.get("unschedule") == Some(&Value::Bool(false));
    let mut write = app.write(&request.head).await?;
    let local = write
        .change_permissions(visit.room.no, &id, &change, keep_scheduled)
        .await?;
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::OK, &PermissionObject::from(local)))
}

/// `NAME` sets a permission, `default_NAME` lets that of the room count again.
fn flag_change(fields: &Map<String, Value>, name: &str) -> Result<FlagChange, ApiError> {
    let reset = fields.get(&format!("default_{name}")).is_some_and(input::truthy);
    match (input::truth(fields, name), reset) {
        (Some(_), true) => Err(ApiError::bad(format!("{name} and default_{name} exclude each other"))),
        (Some(value), false) => Ok(FlagChange::Set(value)),
        (None, true) => Ok(FlagChange::Reset),
        (None, false) => Ok(FlagChange::Keep),
    }
}

async fn list_planned(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = moderated(&app, &request).await?;
    let planned = app.store.planned(visit.room.no, None).await?;
    let planned: Vec<PlannedObject> = planned.into_iter().map(PlannedObject::named).collect();
    Ok(Response::json(StatusCode::OK, &planned))
}

async fn show_planned(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let visit = moderated(&app, &request).await?;
    let user = app.store.find_user(&id).await?;
    planned_for(&app, &visit, user).await
}

async fn plan(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_user(&request.head, "id")?;
    let visit = moderated(&app, &request).await?;
    let fields = input::object(&request)?;
    let flags = LaterFlags {
        read: input::truth(&fields, "read"),
        write: input::truth(&fields, "write"),
        upload: input::truth(&fields, "upload"),
    };
    if flags == LaterFlags::default() {
        return Err(ApiError::bad("read, write or upload must be given"));
    }
    let seconds = fields
        .get("in")
        .and_then(Value::as_f64)
        .filter(|seconds| *seconds > 0.0 && *seconds < FURTHEST)
        .ok_or(ApiError::bad("in must be a number of seconds ahead"))?;
    let at = input::after(app.clock.now(), seconds);
    let mut write = app.write(&request.head).await?;
    let user = write.schedule_permissions(visit.room.no, &id, at, flags).await?;
    app.commit(&request.head, write).await?;
    planned_for(&app, &visit, Some(user)).await
}

async fn planned_for(app: &Community, visit: &Visit, user: Option<User>) -> Result<Response, ApiError> {
    let planned = match user {
        Some(user) => app.store.planned(visit.room.no, Some(user.no)).await?,
        None => Vec::new(),
    };
    let planned: Vec<PlannedObject> = planned.into_iter().map(PlannedObject::unnamed).collect();
    Ok(Response::json(StatusCode::OK, &planned))
}
