//! The endpoints: decode, call, encode. One file for each area, as in `community-api.md`.

mod batch;
mod capabilities;
mod deletion;
mod error;
mod files;
mod inbox;
mod input;
mod legacy;
mod messages;
mod pages;
mod permissions;
mod pins;
mod posting;
mod reactions;
mod rooms;
mod users;

use http::StatusCode;
use shared::http::{Response, Router};

use crate::app::Community;
use crate::settings::Settings;

pub use error::ApiError;
pub use pages::Renderings;
pub use rooms::RoomObject;

/// The most bytes of a JSON body where no more is expected.
pub(crate) const JSON_LIMIT: u64 = 2 * 1024 * 1024;

/// The route table.
#[must_use]
pub fn router(_settings: &Settings) -> Router<Community> {
    let router = Router::default();
    let router = capabilities::routes(router);
    let router = batch::routes(router);
    let router = messages::routes(router);
    let router = posting::routes(router);
    let router = reactions::routes(router);
    let router = pins::routes(router);
    let router = deletion::routes(router);
    let router = files::routes(router);
    let router = rooms::routes(router);
    let router = permissions::routes(router);
    let router = users::routes(router);
    let router = inbox::routes(router);
    let router = legacy::routes(router);
    crate::web::routes(router)
}

/// The standard error: a short text.
#[must_use]
pub fn refusal(status: StatusCode) -> Response {
    Response::text(status, status.canonical_reason().unwrap_or("Error"))
}
