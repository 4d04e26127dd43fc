//! `/files`: what old clients use, with files as base64 inside JSON.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;
use shared::http::{Body, Head, JsonFile, JsonFileError, Request, Response, read_json_file};

use super::ApiError;
use super::files::{admit_any, expiry, for_browsers, id, take_allowance};
use crate::app::FileServer;

pub(super) fn admit(app: &FileServer, head: &mut Head, _length: Option<u64>) -> Result<(), Response> {
    admit_any(app, head)
}

pub(super) async fn upload(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let expires = expiry(&app, &request.head, now)?;
    let max_size = app.settings.files.max_size.0;
    let body = request.body.clone();
    let bytes = tokio::task::spawn_blocking(move || read_json_file(&body, max_size))
        .await
        .map_err(|_| ApiError::Panicked)?
        .map_err(|error| match error {
            JsonFileError::Malformed => ApiError::BadRequest,
            JsonFileError::TooLarge => ApiError::BadSize,
        })?;
    if bytes.is_empty() {
        return Err(ApiError::BadSize);
    }
    take_allowance(&app, &bytes)?;
    // The caller wants a number, whatever ids are made otherwise.
    let (number, _row) = app.files.store_by_number(bytes, now, expires).await?;
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "result": number, "status_code": 200 }),
    ))
}

pub(super) async fn download(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let (_row, blob) = app.files.open(&id(&request)?).await?.ok_or(ApiError::NotFound)?;
    let response = Response::new(StatusCode::OK, &mime::APPLICATION_JSON, Body::source(JsonFile(blob)));
    Ok(for_browsers(response, &request.head))
}
