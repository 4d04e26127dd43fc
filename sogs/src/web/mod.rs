//! Pages for browsers: the list of public rooms, and for each room how to join it (`community-api.md` section 17).

mod qr;

use std::sync::Arc;

use askama::Template;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use shared::http::{Request, Response, Route, Router};

use crate::api::ApiError;
use crate::app::Community;
use crate::model::Room;

/// Pages load nothing but their own images and run nothing.
const POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "index.html")]
struct Index<'a> {
    rooms: Vec<&'a Room>,
}

#[derive(Template)]
#[template(path = "room.html")]
struct RoomPage<'a> {
    room: &'a Room,
    link: String,
}

pub(crate) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path("/", [Route::new(Method::GET, index)])
        .path("/r/{token}", [Route::new(Method::GET, redirect)])
        .path("/r/{token}/", [Route::new(Method::GET, room)])
        .path("/r/{token}/invite.png", [Route::new(Method::GET, invite)])
}

async fn index(app: Arc<Community>, _request: Request) -> Result<Response, ApiError> {
    if !app.settings.web.show_index {
        return Err(ApiError::Forbidden("This server does not list its rooms"));
    }
    let rooms = app.directory.rooms().await?;
    let listed = |room: &&Arc<Room>| room.defaults.read || room.defaults.accessible;
    let rooms = rooms.iter().filter(listed).map(AsRef::as_ref).collect();
    page(&Index { rooms })
}

async fn redirect(_app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let token = request.param("token");
    let place = percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC);
    let place = HeaderValue::from_str(&format!("/r/{place}/")).map_err(|_| ApiError::NotFound("room"))?;
    Ok(Response::empty(StatusCode::PERMANENT_REDIRECT).with(header::LOCATION, place))
}

async fn room(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let room = public_room(&app, &request).await?;
    page(&RoomPage {
        room: &room,
        link: app.join_link(&room.token),
    })
}

async fn invite(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let room = public_room(&app, &request).await?;
    let link = app.join_link(&room.token);
    let image = tokio::task::spawn_blocking(move || qr::png(&link))
        .await
        .map_err(|_| ApiError::Panicked)?
        .ok_or(ApiError::Refused(
            StatusCode::NOT_FOUND,
            "The link is too long for a QR code",
        ))?;
    Ok(Response::new(StatusCode::OK, &mime::IMAGE_PNG, Bytes::from(image)))
}

/// The room of a page: one that everybody may read. One that everybody may only know of is 403.
async fn public_room(app: &Community, request: &Request) -> Result<Arc<Room>, ApiError> {
    let rooms = app.directory.rooms().await?;
    let room = rooms.find(request.param("token")).ok_or(ApiError::NotFound("room"))?;
    if room.defaults.read {
        Ok(Arc::clone(room))
    } else if room.defaults.accessible {
        Err(ApiError::Forbidden("This room is not public"))
    } else {
        Err(ApiError::NotFound("room"))
    }
}

fn page(template: &impl Template) -> Result<Response, ApiError> {
    let text = template.render().map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        ApiError::Panicked
    })?;
    let response = Response::new(StatusCode::OK, &mime::TEXT_HTML_UTF_8, Bytes::from(text));
    Ok(response
        .with(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
        .with(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
}
