//! What goes around a page: headers, conditional requests, and pages that say why there is none.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use mime::Mime;
use shared::http::{Head, Response};

use super::site::{Pages, digest};
use super::view::ErrorPage;
use crate::api::ApiError;

/// Pages load nothing but what stands beside them, run nothing, and are part of no other page.
const POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'self'; font-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Nobody is sent an old page once something has been deleted from it; asking whether it has changed costs little.
const ASK_AGAIN: &str = "no-cache";

/// Seconds after which a browser may come back when too many ask at once.
const RETRY_SECONDS: u64 = 5;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoPage {
    #[error("There is no such room here.")]
    NoRoom,
    #[error("This room is not open to everybody.")]
    NotPublic,
    #[error("Whoever runs this server does not show this.")]
    SwitchedOff,
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("The place to begin at must be the number of a message.")]
    BadCursor,
    #[error("The link is too long for a QR code.")]
    NoCode,
    #[error("Too many pages are being read right now. Try again in a few seconds.")]
    Busy,
    #[error("page: {0}")]
    Render(#[from] askama::Error),
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<shared::db::DbError> for NoPage {
    fn from(error: shared::db::DbError) -> Self {
        Self::Api(error.into())
    }
}

impl NoPage {
    fn status(&self) -> Option<(StatusCode, &'static str)> {
        Some(match self {
            Self::NoRoom | Self::NotFound | Self::NoCode => (StatusCode::NOT_FOUND, "Not found"),
            Self::NotPublic | Self::SwitchedOff => (StatusCode::FORBIDDEN, "Not shown"),
            Self::BadCursor => (StatusCode::BAD_REQUEST, "Not understood"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Busy"),
            Self::Render(_) | Self::Api(_) => return None,
        })
    }

    /// The page that says so.
    pub(super) fn answer(self, pages: &Pages) -> Response {
        let Some((status, title)) = self.status() else {
            let error = match self {
                Self::Api(error) => error,
                other => {
                    tracing::error!(error = %other, "a page could not be written");
                    ApiError::Panicked
                }
            };
            return error.into();
        };
        let page = ErrorPage {
            site: pages.site(),
            status: status.as_u16(),
            title: title.to_owned(),
            text: self.to_string(),
        };
        let Ok(text) = pages.render(&page) else {
            return ApiError::Panicked.into();
        };
        let response = Response::new(status, &mime::TEXT_HTML_UTF_8, Bytes::from(text));
        let response = protect(response).with(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Busy => response.retry_after(RETRY_SECONDS),
            _ => response,
        }
    }
}

/// Something to be sent, with what it is recognised by.
#[derive(Clone, Debug)]
pub(super) struct Content {
    content_type: Mime,
    bytes: Bytes,
    etag: HeaderValue,
    /// How long it may be kept without asking.
    caching: &'static str,
}

impl Content {
    pub(super) fn new(content_type: Mime, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            etag: etag(&digest(&bytes)),
            content_type,
            bytes,
            caching: ASK_AGAIN,
        }
    }

    /// The same, which may be kept for so long without asking.
    pub(super) fn kept(mut self, caching: &'static str) -> Self {
        self.caching = caching;
        self
    }

    /// How many bytes it takes in memory, roughly.
    pub(super) fn weight(&self) -> u32 {
        u32::try_from(self.bytes.len() + 256).unwrap_or(u32::MAX)
    }

    /// The answer to a request for it: nothing but a nod if the browser has it.
    pub(super) fn answer(self, head: &Head) -> Response {
        let response = if is_known(head, &self.etag) {
            Response::empty(StatusCode::NOT_MODIFIED)
        } else {
            protect(Response::new(StatusCode::OK, &self.content_type, self.bytes))
        };
        response
            .with(header::CACHE_CONTROL, HeaderValue::from_static(self.caching))
            .with(header::ETAG, self.etag)
    }
}

/// An `ETag` of letters, digits, `-` and `_`.
pub(super) fn etag(text: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{text}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether the browser has it already. Proxies that compress make tags weak, which means the same here.
pub(super) fn is_known(head: &Head, etag: &HeaderValue) -> bool {
    let known = head.header("if-none-match").unwrap_or_default();
    let wanted = etag.to_str().unwrap_or_default();
    known.split(',').map(str::trim).any(|known| {
        let known = known.strip_prefix("W/").unwrap_or(known);
        known == "*" || known == wanted
    })
}

/// The same answer with the headers that keep browsers from doing harm with it.
pub(super) fn protect(response: Response) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    headers.into_iter().fold(response, |response, (name, value)| {
        response.with(name, HeaderValue::from_static(value))
    })
}
