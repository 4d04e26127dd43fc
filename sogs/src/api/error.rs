//! Reasons not to do what was asked.

use std::borrow::Cow;

use http::StatusCode;
use shared::blob::BlobError;
use shared::crypto::sogs_auth::AuthError;
use shared::db::DbError;
use shared::http::Response;

use super::refusal;

/// Seconds after which a client may come back when something of ours is down.
const RETRY_SECONDS: u64 = 5;

/// A reason not to do what was asked. Each knows the status and the text that a client gets.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Authentication.
    #[error(transparent)]
    Auth(AuthError),
    /// 404: there is no such room, post, file or user, as far as the caller can know.
    #[error("No such {0}")]
    NotFound(&'static str),
    /// 403.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 400, with what is wrong.
    #[error("{0}")]
    BadRequest(Cow<'static, str>),
    /// Another status, with its text.
    #[error("{1}")]
    Refused(StatusCode, &'static str),
    /// 413.
    #[error("{0}")]
    TooLarge(&'static str),
    /// 429, with what is wrong and the seconds after which to try again.
    #[error("{0}")]
    TooMany(Cow<'static, str>, u64),
    /// The row of somebody who has just signed is gone.
    #[error("the user has vanished")]
    Vanished,
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] DbError),
    /// The blob store failed.
    #[error("files: {0}")]
    Blobs(#[from] BlobError),
    /// What was to be answered could not be written as JSON.
    #[error("an answer could not be written: {0}")]
    Unwritten(#[from] serde_json::Error),
    /// Work on another thread panicked.
    #[error("work on another thread panicked")]
    Panicked,
}

impl ApiError {
    /// 400 with this text.
    pub fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self::BadRequest(text.into())
    }

    fn is_full(&self) -> bool {
        matches!(self, Self::Blobs(BlobError::Full(_)) | Self::Database(DbError::Full(_)))
    }

    /// Whether it is not known if what was asked for was done, and the same request may succeed later.
    pub(crate) fn is_unavailable(&self) -> bool {
        match self {
            Self::Database(error) => error.is_unavailable(),
            Self::Blobs(error) => error.is_unavailable(),
            _ => false,
        }
    }
}

impl From<ApiError> for Response {
    fn from(error: ApiError) -> Self {
        let status = match &error {
            ApiError::Auth(auth) => StatusCode::from_u16(auth.status()).unwrap_or(StatusCode::BAD_REQUEST),
            ApiError::NotFound(_) => StatusCode::NOT_FOUND,
            ApiError::Forbidden(_) => StatusCode::FORBIDDEN,
            ApiError::BadRequest(_) => StatusCode::BAD_REQUEST,
            ApiError::Refused(status, _) => *status,
            ApiError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::TooMany(text, seconds) => {
                return Self::text(StatusCode::TOO_MANY_REQUESTS, text.clone()).retry_after(*seconds);
            }
            error if error.is_full() => {
                tracing::error!(%error, "no room is left");
                return refusal(StatusCode::INSUFFICIENT_STORAGE);
            }
            error if error.is_unavailable() => {
                tracing::warn!(%error, "a request was put off");
                return refusal(StatusCode::SERVICE_UNAVAILABLE).retry_after(RETRY_SECONDS);
            }
            error => {
                tracing::error!(%error, "a request failed");
                return refusal(StatusCode::INTERNAL_SERVER_ERROR);
            }
        };
        Self::text(status, error.to_string())
    }
}
