//! `/files`: what old clients use, with files as base64 inside JSON.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use shared::blob::Blob;
use shared::http::{Body, ByteStream, Head, Request, Response, Source, base64_length, base64_text};

use super::ApiError;
use super::files::{admit_any, expiry, id, take_allowance};
use crate::app::FileServer;

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
fn text_limit(max_size: u64) -> u64 {
    base64_length(max_size)
}

/// The most bytes of JSON that are read: the text, every slash in it perhaps escaped, and what is around it.
pub(super) fn body_limit(max_size: u64) -> u64 {
    let text = text_limit(max_size);
    text + text / 32 + 16 * 1024
}

pub(super) fn admit(app: &FileServer, head: &mut Head, _length: Option<u64>) -> Result<(), Response> {
    admit_any(app, head)
}

pub(super) async fn upload(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let expires = expiry(&app, &request.head, now)?;
    let max_size = app.settings.files.max_size.0;
    let body = request.body.clone();
    let bytes = tokio::task::spawn_blocking(move || decode(&body, max_size))
        .await
        .map_err(|_| ApiError::Panicked)??;
    take_allowance(&app, &bytes)?;
    // The caller wants a number, whatever ids are made otherwise.
    let (number, _row) = app.files.store_by_number(bytes, now, expires).await?;
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "result": number, "status_code": 200 }),
    ))
}

fn decode(body: &[u8], max_size: u64) -> Result<Bytes, ApiError> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        // An array of one text would do for serde.
        return Err(ApiError::BadRequest);
    }
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
    let (_row, blob) = app.files.open(&id(&request)?).await?.ok_or(ApiError::NotFound)?;
    Ok(Response::new(
        StatusCode::OK,
        &mime::APPLICATION_JSON,
        Body::source(AsJson(blob)),
    ))
}

/// A file as base64 in JSON, encoded while it is sent.
struct AsJson(Blob);

const BEFORE: &str = r#"{"status_code": 200, "result": ""#;
const AFTER: &str = r#""}"#;

impl Source for AsJson {
    fn length(&self) -> u64 {
        (BEFORE.len() + AFTER.len()) as u64 + base64_length(self.0.size())
    }

    fn stream(self: Box<Self>) -> ByteStream {
        let end = |text: &'static str| stream::iter([Ok(Bytes::from_static(text.as_bytes()))]);
        let text = base64_text(Source::stream(Box::new(self.0)));
        end(BEFORE).chain(text).chain(end(AFTER)).boxed()
    }
}
