//! `/file`: upload, download, info and extension.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shared::clock::Timestamp;
use shared::http::{Body, Entrance, Head, Request, Response};

use super::{ApiError, refusal};
use crate::app::FileServer;
use crate::model::{FileId, Spent};
use crate::settings::IdMode;
use crate::store::FileRow;

/// The header in which an uploader asks for a life, in seconds.
const TTL: &str = "x-fs-ttl";

/// The time is that of this request, also if somebody had uploaded the same bytes before: that is nobody's business.
#[derive(Serialize)]
struct Uploaded<'a> {
    id: &'a str,
    uploaded: Timestamp,
    expires: Timestamp,
    size: u64,
}

#[derive(Serialize)]
struct Info {
    size: u64,
    uploaded: Timestamp,
    expires: Timestamp,
}

/// What can be refused before the body of an upload is read: its size, its life, a full disk, a spent allowance.
pub(super) fn admit(app: &FileServer, head: &mut Head, length: Option<u64>) -> Result<(), Response> {
    if length == Some(0) {
        return Err(ApiError::BadSize.into());
    }
    admit_any(app, head)
}

pub(super) fn admit_any(app: &FileServer, head: &Head) -> Result<(), Response> {
    expiry(app, head, app.clock.now())?;
    if !app.space.is_enough() {
        tracing::warn!("an upload was refused: the disk is nearly full (abuse.free_space_floor)");
        return Err(refusal(StatusCode::INSUFFICIENT_STORAGE));
    }
    let wait = app.spent.wait(app.clock.now());
    if wait.is_zero() {
        Ok(())
    } else {
        Err(ApiError::Spent(wait).into())
    }
}

/// Takes the bytes of an upload that has arrived out of the allowance. What a head merely announces costs nobody
/// anything; but once the allowance is spent, uploads are refused by their heads.
pub(super) fn take_allowance(app: &FileServer, bytes: &[u8]) -> Result<(), ApiError> {
    app.allowance.take(bytes.len() as u64).map_err(|Spent { retry }| {
        app.spent.until(app.clock.now().plus(retry));
        ApiError::Spent(retry)
    })
}

/// When a file ends whose uploader sent this head.
pub(super) fn expiry(app: &FileServer, head: &Head, now: Timestamp) -> Result<Timestamp, ApiError> {
    // A value that is no text is as malformed as one that is no number.
    let asked = head.headers.get(TTL).map(|value| value.to_str().unwrap_or("?"));
    app.settings
        .lifetimes()
        .expiry(now, asked)
        .map_err(|_| ApiError::BadRequest)
}

/// The id in the path.
pub(super) fn id(request: &Request) -> Result<FileId, ApiError> {
    request.param("id").parse().map_err(|_| ApiError::NotFound)
}

pub(super) async fn upload(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let expires = expiry(&app, &request.head, now)?;
    let bytes = request.body.clone();
    take_allowance(&app, &bytes)?;
    let row = match app.settings.files.id_mode {
        IdMode::Hash => app.files.store_by_content(bytes, now, expires).await?,
        IdMode::Numeric => app.files.store_by_number(bytes, now, expires).await?.1,
    };
    let FileRow { id, size, expires, .. } = &row;
    let answer = Uploaded {
        id,
        uploaded: now,
        expires: *expires,
        size: *size,
    };
    Ok(Response::json(StatusCode::OK, &answer))
}

pub(super) async fn download(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let id = id(&request)?;
    let (row, blob) = app.files.open(&id).await?.ok_or(ApiError::NotFound)?;
    let expires = httpdate::fmt_http_date(row.expires.into());
    let expires = HeaderValue::from_str(&expires).map_err(|_| ApiError::NotFound)?;
    let response = Response::bytes(Body::source(blob)).with(header::EXPIRES, expires);
    Ok(for_browsers(response, &request.head))
}

/// Nobody is meant to open a file in a browser; if somebody does, it must not run there. What is inside an onion request
/// goes to no browser.
pub(super) fn for_browsers(response: Response, head: &Head) -> Response {
    match head.entrance {
        Entrance::Direct(_) => {}
        Entrance::Onion | Entrance::Batch => return response,
    }
    response
        .with(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"))
        .with(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"))
}

pub(super) async fn info(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let id = id(&request)?;
    let row = app.files.find(&id).await?.ok_or(ApiError::NotFound)?;
    Ok(describe(&row))
}

pub(super) async fn extend(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let id = id(&request)?;
    if id.number().is_some() {
        // An expired number may belong to somebody else's file by now.
        return Err(ApiError::NotFound);
    }
    let now = app.clock.now();
    let expires = expiry(&app, &request.head, now)?;
    let row = app.files.extend(&id, now, expires).await?.ok_or(ApiError::NotFound)?;
    Ok(describe(&row))
}

fn describe(row: &FileRow) -> Response {
    let FileRow {
        size,
        uploaded,
        expires,
        ..
    } = *row;
    Response::json(
        StatusCode::OK,
        &Info {
            size,
            uploaded,
            expires,
        },
    )
}
