//! Attachments and room images (`community-api.md` section 12).

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use shared::clock::Timestamp;
use shared::http::{Body, Entrance, Request, Response, Route, Router};

use super::{ApiError, input};
use crate::app::Community;
use crate::caller::Visit;
use crate::files::{UNATTACHED, Upload};
use crate::model::{Need, UserNo, filename};
use crate::settings::LARGEST_REQUEST;
use crate::store::FileRow;

#[derive(Serialize)]
struct Uploaded {
    id: i64,
}

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path(
            "/room/{token}/file",
            [Route::new(Method::POST, upload).body_limit(LARGEST_REQUEST)],
        )
        .path("/room/{token}/file/{id}", [Route::new(Method::GET, download)])
        .path("/room/{token}/file/{id}/{name}", [Route::new(Method::GET, download)])
}

async fn upload(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = app.visit(&request.head).await?;
    let uploader = visit.user_who_may(Need::Upload)?.user.no;
    admit(&app, &visit, uploader, request.body.len())?;
    let disposition = request.head.headers.get(header::CONTENT_DISPOSITION);
    let upload = Upload {
        room: visit.room.no,
        uploader,
        filename: disposition.and_then(|value| filename::from_disposition(value.as_bytes())),
        bytes: request.body.clone(),
        lifetime: Some(UNATTACHED),
    };
    let id = app.store_file(&request.head, upload).await?;
    Ok(Response::json(StatusCode::CREATED, &Uploaded { id }))
}

/// What stands in the way of somebody who may upload: the size of the file, a full disk, a spent allowance.
pub(super) fn admit(app: &Community, visit: &Visit, uploader: UserNo, size: usize) -> Result<(), ApiError> {
    if size as u64 > app.settings.files.max_size.0 {
        return Err(ApiError::TooLarge("The file is too large"));
    }
    if !app.files.space.is_enough() {
        tracing::warn!("an upload was refused: the disk is nearly full (files.free_space_floor)");
        return Err(ApiError::Refused(
            StatusCode::INSUFFICIENT_STORAGE,
            "No room is left for files",
        ));
    }
    if visit.may.admin {
        return Ok(());
    }
    app.files.allowance.take(uploader).map_err(|wait| {
        let seconds = wait.as_secs_f64().ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an hour at most")]
        ApiError::TooMany("Too many uploads".into(), seconds as u64)
    })
}

async fn download(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_number(&request.head, "id")?;
    let visit = app.visit(&request.head).await?;
    visit.require(Need::Read)?;
    let found = app.files.open(visit.room.no, id).await?;
    let (file, blob) = found.ok_or(ApiError::NotFound("file"))?;
    let body = blob.map_or_else(Body::empty, Body::source);
    let response = describe(Response::bytes(body), &file);
    Ok(match request.head.entrance {
        Entrance::Direct(_) => for_browsers(response),
        Entrance::Onion | Entrance::Batch => response,
    })
}

fn describe(mut response: Response, file: &FileRow) -> Response {
    let disposition = filename::to_disposition(file.filename.as_deref());
    let headers = [
        (header::CONTENT_DISPOSITION, Some(disposition)),
        (header::DATE, Some(http_date(file.uploaded))),
        (header::EXPIRES, file.expiry.map(http_date)),
    ];
    for (name, value) in headers {
        // What is written here is ASCII without line ends.
        if let Some(Ok(value)) = value.as_deref().map(HeaderValue::from_str) {
            response.headers.insert(name, value);
        }
    }
    response
}

fn http_date(time: Timestamp) -> String {
    httpdate::fmt_http_date(time.into())
}

/// Nobody is meant to open a file in a browser; if somebody does, it must not run there.
fn for_browsers(response: Response) -> Response {
    response
        .with(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"))
}
