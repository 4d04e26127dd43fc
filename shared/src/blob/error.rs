//! What can go wrong with a blob, and whether asking again later may help.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use super::BlobKey;

/// Why a blob was not stored, found or removed. The text is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The URL or a setting names no store we know how to open.
    #[error("the blob URL or its settings are not usable: {0}")]
    Settings(String),
    /// The client for S3 cannot be set up.
    #[error(
        "cannot set up the S3 client: {0}; if certificates are missing, install the package ca-certificates or name a \
         file of them in SSL_CERT_FILE"
    )]
    Client(String),
    /// The directory cannot be used.
    #[error("cannot use {}: {source}", .path.display())]
    Directory {
        /// Which directory or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such blob.
    #[error("there is no blob {0}")]
    NotFound(BlobKey),
    /// There is such a blob already; it was left alone.
    #[error("there is a blob {0} already")]
    Exists(BlobKey),
    /// The blob is shorter than the part that was asked for, or than it says itself.
    #[error("blob {0} does not have all the bytes that were asked for")]
    TooShort(BlobKey),
    /// There is no room left.
    #[error("no room is left for blobs: {0}")]
    Full(#[source] Box<dyn StdError + Send + Sync>),
    /// The store is busy or cannot be reached; the same request may succeed later.
    #[error("the blob store is not available: {0}")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The store does not accept our credentials, or they do not suffice.
    #[error("the blob store refuses access: {0}")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
    /// Anything else.
    #[error("the blob store failed: {0}")]
    Failed(#[source] Box<dyn StdError + Send + Sync>),
}

impl BlobError {
    /// Whether the same request may succeed later: the caller answers 503 rather than 500.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether there is no such blob.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    pub(super) fn timed_out() -> Self {
        Self::Unavailable("it did not answer in time".into())
    }

    /// What a failure of the store means for this key.
    pub(super) fn about(key: &BlobKey, error: object_store::Error) -> Self {
        use object_store::Error as E;
        match error {
            E::NotFound { .. } if is_missing_bucket(&error) => Self::Unavailable(error.into()),
            E::NotFound { .. } => Self::NotFound(key.clone()),
            E::AlreadyExists { .. } | E::Precondition { .. } => Self::Exists(key.clone()),
            other => Self::from_store(other),
        }
    }

    /// What a failure of the store means when it is not about one key.
    pub(super) fn from_store(error: object_store::Error) -> Self {
        use object_store::Error as E;
        match error {
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => Self::Refused(error.into()),
            E::NotFound { .. } => Self::Unavailable(error.into()),
            E::Generic { store, source } => from_generic(store, source),
            other => Self::Failed(other.into()),
        }
    }

    pub(super) fn from_io(key: &BlobKey, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound(key.clone()),
            io::ErrorKind::UnexpectedEof => Self::TooShort(key.clone()),
            _ => Self::Failed(error.into()),
        }
    }

    pub(super) fn directory(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Directory { path, source }
    }
}

/// Without its bucket the store knows nothing about any blob, so nothing may be taken for lost.
fn is_missing_bucket(error: &object_store::Error) -> bool {
    causes(error).any(|cause| cause.to_string().contains("NoSuchBucket"))
}

fn from_generic(store: &'static str, source: Box<dyn StdError + Send + Sync>) -> BlobError {
    if causes(&*source).any(is_full) {
        return BlobError::Full(source);
    }
    if store != "S3" {
        return BlobError::Failed(source);
    }
    match status_of(&*source) {
        Some(401 | 403) => BlobError::Refused(source),
        Some(status) if status < 500 && ![408, 429].contains(&status) => BlobError::Failed(source),
        // What the client reports without a status went wrong on the network.
        _ => BlobError::Unavailable(source),
    }
}

/// The status the S3 server has answered with, if it has. The client's error type is private, so its text must do.
fn status_of(error: &(dyn StdError + Send + Sync + 'static)) -> Option<u16> {
    let text = error.to_string();
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

fn is_full(cause: &(dyn StdError + 'static)) -> bool {
    let kind = cause.downcast_ref().map(io::Error::kind);
    matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> BlobKey {
        "ab/abcdef0123456789abcdef0123456789".parse().unwrap()
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let generic = |kind| object_store::Error::Generic {
            store: "LocalFileSystem",
            source: io::Error::from(kind).into(),
        };
        assert!(matches!(
            BlobError::about(&key(), generic(io::ErrorKind::StorageFull)),
            BlobError::Full(_)
        ));
        assert!(matches!(
            BlobError::about(&key(), generic(io::ErrorKind::PermissionDenied)),
            BlobError::Failed(_)
        ));
    }

    #[test]
    fn a_refused_request_is_told_from_a_server_in_trouble() {
        let answer = |status: &str| {
            let text =
                format!("Error performing GET http://[::1]/ in 1ms - Server returned non-2xx status code: {status}");
            BlobError::from_store(object_store::Error::Generic {
                store: "S3",
                source: text.into(),
            })
        };
        assert!(matches!(answer("400 Bad Request: "), BlobError::Failed(_)));
        assert!(matches!(answer("403 Forbidden: "), BlobError::Refused(_)));
        assert!(answer("503 Service Unavailable: ").is_unavailable());
        assert!(answer("429 Too Many Requests: ").is_unavailable());
        let silent = object_store::Error::Generic {
            store: "S3",
            source: "connection refused".into(),
        };
        assert!(BlobError::from_store(silent).is_unavailable());
    }

    #[test]
    fn a_missing_bucket_does_not_make_its_blobs_missing() {
        let not_found = |text: &str| object_store::Error::NotFound {
            path: "ab/abcdef0123456789abcdef0123456789".to_owned(),
            source: text.into(),
        };
        assert!(BlobError::about(&key(), not_found("<Code>NoSuchBucket</Code>")).is_unavailable());
        assert!(BlobError::about(&key(), not_found("<Code>NoSuchKey</Code>")).is_not_found());
    }
}
