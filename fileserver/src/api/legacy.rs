//! `/files`: what old clients use, with files as base64 inside JSON.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose::STANDARD};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use shared::http::{App, Body, Head, Request, Response};

use super::ApiError;
use super::files::{admit_any, expiry, id};
use crate::app::FileServer;

/// Room for the JSON around the text.
pub(super) const JSON_ROOM: u64 = 16 * 1024;

/// Base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
struct Upload<'a> {
    #[serde(borrow)]
    file: Cow<'a, str>,
}

/// The most characters that the base64 of a file may have.
pub(super) fn text_limit(max_size: u64) -> u64 {
    max_size.div_ceil(3) * 4
}

pub(super) fn admit(app: &FileServer, head: &mut Head, length: Option<u64>) -> Result<(), Response> {
    let text = length.unwrap_or(text_limit(app.settings.files.max_size.0));
    admit_any(app, head, text / 4 * 3)
}

pub(super) async fn upload(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let expires = expiry(&app, &request.head, now)?;
    let max_size = app.settings.files.max_size.0;
    let body = request.body.clone();
    let bytes = tokio::task::spawn_blocking(move || decode(&body, max_size))
        .await
        .map_err(|_| ApiError::BadRequest)??;
    // The caller wants a number, whatever ids are made otherwise.
    let (number, _row) = app.files.store_by_number(bytes, now, expires).await?;
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "result": number, "status_code": 200 }),
    ))
}

fn decode(body: &[u8], max_size: u64) -> Result<Bytes, ApiError> {
    let Upload { file } = serde_json::from_slice(body).map_err(|_| ApiError::BadRequest)?;
    if file.is_empty() || file.len() as u64 > text_limit(max_size) {
        return Err(ApiError::BadSize);
    }
    let bytes = LENIENT.decode(file.as_bytes()).map_err(|_| ApiError::BadRequest)?;
    if bytes.is_empty() || bytes.len() as u64 > max_size {
        return Err(ApiError::BadSize);
    }
    Ok(bytes.into())
}

pub(super) async fn download(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let (row, blob) = app.files.open(&id(&request)?).await?.ok_or(ApiError::NotFound)?;
    // The file and its text are in memory at the same time.
    let Ok(permit) = app.budget().take(row.size + text_limit(row.size)).await else {
        return Ok(app
            .refusal(StatusCode::SERVICE_UNAVAILABLE)
            .retry_after(super::RETRY_SECONDS));
    };
    let bytes = Body::source(blob).collect().await.map_err(|error| {
        tracing::error!(%error, "a file could not be read");
        ApiError::NotFound
    })?;
    let text = tokio::task::spawn_blocking(move || encode(&bytes))
        .await
        .map_err(|_| ApiError::BadRequest)?;
    let body = Body::from(text).holding(Some(permit));
    Ok(Response::new(StatusCode::OK, &mime::APPLICATION_JSON, body))
}

fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4 + 64);
    text.push_str("{\"status_code\": 200, \"result\": \"");
    STANDARD.encode_string(bytes, &mut text);
    text.push_str("\"}");
    text.into_bytes()
}
