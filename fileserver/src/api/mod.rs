//! The endpoints: decode, call, encode.

mod files;
mod legacy;
mod token_info;
mod versions;

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use shared::http::{Response, Route, Router, json_file_limit};

use crate::app::FileServer;
use crate::files::FilesError;

pub use token_info::TokenInfo;

/// Seconds after which a client may come back when something of ours is down.
const RETRY_SECONDS: u64 = 5;

/// The route table.
#[must_use]
pub fn router(max_size: u64) -> Router<FileServer> {
    let legacy_limit = json_file_limit(max_size);
    Router::default()
        .path(
            "/file",
            [Route::new(Method::POST, files::upload)
                .body_limit(max_size)
                .guard(files::admit)],
        )
        .path("/file/{id}", [Route::new(Method::GET, files::download)])
        .path("/file/{id}/info", [Route::new(Method::GET, files::info)])
        .path("/file/{id}/extend", [Route::new(Method::POST, files::extend)])
        .path(
            "/files",
            [Route::new(Method::POST, legacy::upload)
                .body_limit(legacy_limit)
                .guard(legacy::admit)],
        )
        .path("/files/{id}", [Route::new(Method::GET, legacy::download)])
        .path("/session_version", [Route::new(Method::GET, versions::latest)])
        .path("/token_info", [Route::new(Method::GET, token_info::token_info)])
}

/// The standard error: the status once more in a JSON body.
#[must_use]
pub fn refusal(status: StatusCode) -> Response {
    Response::json(status, &json!({ "status_code": status.as_u16() }))
}

/// A reason not to do what was asked. Each knows the status that a client gets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("no such file")]
    NotFound,
    #[error("malformed request")]
    BadRequest,
    #[error("the body is empty or too large")]
    BadSize,
    #[error("the upload allowance is spent for another {} s", .0.as_secs())]
    Spent(Duration),
    #[error("work on another thread panicked")]
    Panicked,
    #[error("nothing is known about that")]
    NothingKnown,
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    Auth(#[from] shared::crypto::fs_auth::AuthError),
}

impl From<shared::db::DbError> for ApiError {
    fn from(error: shared::db::DbError) -> Self {
        FilesError::from(error).into()
    }
}

impl From<ApiError> for Response {
    fn from(error: ApiError) -> Self {
        let status = match &error {
            ApiError::NotFound => StatusCode::NOT_FOUND,
            ApiError::BadRequest => StatusCode::BAD_REQUEST,
            ApiError::BadSize => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::NothingKnown => StatusCode::BAD_GATEWAY,
            ApiError::Spent(wait) => {
                return refusal(StatusCode::SERVICE_UNAVAILABLE).retry_after(wait.as_secs() + 1);
            }
            ApiError::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            ApiError::Files(FilesError::Blocked) => StatusCode::FORBIDDEN,
            ApiError::Files(FilesError::QuotaReached | FilesError::NoFreeId) => StatusCode::INSUFFICIENT_STORAGE,
            ApiError::Files(error) if error.is_full() => StatusCode::INSUFFICIENT_STORAGE,
            ApiError::Files(error) if error.is_unavailable() => {
                tracing::warn!(%error, "a request was put off");
                return refusal(StatusCode::SERVICE_UNAVAILABLE).retry_after(RETRY_SECONDS);
            }
            ApiError::Files(error) => {
                tracing::error!(%error, "a request failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            ApiError::Auth(error) => {
                let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
                return Self::text(status, error.to_string());
            }
        };
        refusal(status)
    }
}
