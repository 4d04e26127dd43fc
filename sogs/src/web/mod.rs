//! Pages for browsers: the list of public rooms, and for each room how to join it, what was said last, and a feed
//! (`community-api.md` section 17).

mod answer;
mod cache;
mod feed;
mod files;
mod image;
mod messages;
mod pages;
mod qr;
mod reading;
mod samples;
mod site;
mod text;
mod view;

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use shared::clock::Clock;
use shared::http::{Request, Response, Route, Router};

use self::answer::{Content, NoPage};
use self::cache::Shelf;
use self::site::Pages;
use crate::api::{ApiError, refusal};
use crate::app::Community;
use crate::settings::Settings;

pub(crate) use self::cache::LIFE;
pub use self::site::{BadTemplates, check, write_built_in};

/// First segments of the API's paths, which name no room here whatever rooms there are.
const RESERVED: [&str; 13] = [
    "batch",
    "capabilities",
    "inbox",
    "legacy",
    "loki",
    "outbox",
    "oxen",
    "r",
    "room",
    "rooms",
    "sequence",
    "static",
    "user",
];

/// What need not be written in another way in a path.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// How long browsers keep what stands beside the pages; its address changes with it.
const KEPT: &str = "max-age=86400";

/// What the pages need.
pub(crate) struct Web {
    pages: Pages,
    shelf: Shelf,
}

impl Web {
    /// Reads the templates.
    ///
    /// # Errors
    ///
    /// When those of the settings cannot be used.
    pub(crate) fn new(settings: &Settings, clock: Clock) -> Result<Self, BadTemplates> {
        Ok(Self {
            pages: Pages::open(settings)?,
            shelf: Shelf::new(clock),
        })
    }
}

pub(crate) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path("/", [Route::new(Method::GET, index)])
        .path("/r/{token}", [Route::new(Method::GET, complete)])
        .path("/r/{token}/", [Route::new(Method::GET, room)])
        .path("/r/{token}/feed.atom", [Route::new(Method::GET, feed)])
        .path("/r/{token}/image", [Route::new(Method::GET, room_image)])
        .path("/r/{token}/invite.png", [Route::new(Method::GET, invite)])
        .path("/static/{name}", [Route::new(Method::GET, beside)])
        .path(
            "/{token}",
            [
                Route::new(Method::GET, opened_link),
                Route::new(Method::POST, nothing_here),
                Route::new(Method::PUT, nothing_here),
                Route::new(Method::DELETE, nothing_here),
            ],
        )
}

async fn index(app: Arc<Community>, request: Request) -> Result<Response, Response> {
    finish(&app, &request, pages::index(&app).await)
}

async fn room(app: Arc<Community>, request: Request) -> Result<Response, Response> {
    finish(&app, &request, pages::room(&app, &request).await)
}

async fn feed(app: Arc<Community>, request: Request) -> Result<Response, Response> {
    finish(&app, &request, pages::feed(&app, &request).await)
}

async fn invite(app: Arc<Community>, request: Request) -> Result<Response, Response> {
    finish(&app, &request, pages::invite(&app, &request).await)
}

async fn room_image(app: Arc<Community>, request: Request) -> Result<Response, Response> {
    let image = async {
        let rooms = app.directory.rooms().await?;
        let room = pages::known(&rooms, request.param("token"))?;
        image::answer(&app, room, &request.head).await
    };
    image.await.map_err(|error| error.answer(&app.web.pages))
}

/// A file that stands beside the pages.
async fn beside(app: Arc<Community>, request: Request) -> Result<Response, Response> {
    let found = app.web.pages.file(request.param("name")).ok_or(NoPage::NotFound);
    let content = found.and_then(|file| {
        let content_type = file.content_type.parse().map_err(|_| NoPage::NotFound)?;
        Ok(Content::new(content_type, file.bytes.clone()).kept(KEPT))
    });
    finish(&app, &request, content)
}

fn finish(app: &Community, request: &Request, made: Result<Content, NoPage>) -> Result<Response, Response> {
    match made {
        Ok(content) => Ok(content.answer(&request.head)),
        Err(error) => Err(error.answer(&app.web.pages)),
    }
}

/// Adds the slash at the end.
async fn complete(_app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    moved(StatusCode::PERMANENT_REDIRECT, request.param("token"))
}

/// Somebody has opened a join link in a browser.
async fn opened_link(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let token = request.param("token");
    let rooms = app.directory.rooms().await?;
    let room = pages::known(&rooms, token).ok();
    let is_reserved = RESERVED.iter().any(|word| word.eq_ignore_ascii_case(token));
    match room.filter(|_| !is_reserved) {
        Some(room) => moved(StatusCode::TEMPORARY_REDIRECT, &room.token),
        None => Ok(refusal(StatusCode::NOT_FOUND)),
    }
}

/// There are only pages at `/TOKEN`; other methods find nothing there, as at any address that is not taken.
async fn nothing_here(_app: Arc<Community>, _request: Request) -> Result<Response, ApiError> {
    Ok(refusal(StatusCode::NOT_FOUND))
}

fn moved(status: StatusCode, token: &str) -> Result<Response, ApiError> {
    let place = utf8_percent_encode(token, &PLAIN);
    let place = HeaderValue::from_str(&format!("/r/{place}/")).map_err(|_| ApiError::NotFound("room"))?;
    Ok(Response::empty(status).with(header::LOCATION, place))
}
