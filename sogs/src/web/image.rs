//! Room images. The API hands them out as bytes of no kind; a browser is told what they are, if they are pictures.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::{HeaderValue, StatusCode, header};
use mime::Mime;
use shared::blob::{Blob, BlobError};
use shared::http::{Body, BodyError, ByteStream, Head, Response, Source};

use super::answer::{NoPage, etag, is_known, protect};
use crate::app::Community;
use crate::model::Room;

/// Another image has another address.
const CACHING: &str = "max-age=86400";

/// The image of a room.
pub(super) async fn answer(app: &Community, room: &Room, head: &Head) -> Result<Response, NoPage> {
    let id = room.image.ok_or(NoPage::NotFound)?;
    let etag = etag(&id.to_string());
    let caching = |response: Response| {
        response
            .with(header::CACHE_CONTROL, HeaderValue::from_static(CACHING))
            .with(header::ETAG, etag.clone())
    };
    if is_known(head, &etag) {
        return Ok(caching(Response::empty(StatusCode::NOT_MODIFIED)));
    }
    let (_, blob) = app.files.open(room.no, id).await?.ok_or(NoPage::NotFound)?;
    let picture = Picture::open(blob.ok_or(NoPage::NotFound)?)
        .await
        .map_err(crate::api::ApiError::from)?;
    let content_type = kind(&picture.begin).ok_or(NoPage::NotFound)?;
    let response = Response::new(StatusCode::OK, &content_type, Body::source(picture));
    Ok(caching(protect(response)))
}

/// The kind of picture, by how its bytes begin. Nothing that could hold a script is one.
fn kind(begin: &[u8]) -> Option<Mime> {
    let is_webp = begin.starts_with(b"RIFF") && begin.get(8..12) == Some(b"WEBP");
    if begin.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(mime::IMAGE_PNG)
    } else if begin.starts_with(b"\xff\xd8\xff") {
        Some(mime::IMAGE_JPEG)
    } else if begin.starts_with(b"GIF87a") || begin.starts_with(b"GIF89a") {
        Some(mime::IMAGE_GIF)
    } else if is_webp {
        "image/webp".parse().ok()
    } else {
        None
    }
}

/// A blob of which the first bytes were looked at.
struct Picture {
    length: u64,
    begin: Bytes,
    rest: BoxStream<'static, Result<Bytes, BlobError>>,
}

impl Picture {
    async fn open(blob: Blob) -> Result<Self, BlobError> {
        let length = blob.size();
        let mut rest = blob.into_stream();
        let begin = rest.next().await.transpose()?.unwrap_or_default();
        Ok(Self { length, begin, rest })
    }
}

impl Source for Picture {
    fn length(&self) -> u64 {
        self.length
    }

    fn stream(self: Box<Self>) -> ByteStream {
        let Self { begin, rest, .. } = *self;
        let rest = rest.map_err(|error| BodyError(Box::new(error)));
        stream::once(async { Ok(begin) }).chain(rest).boxed()
    }
}
