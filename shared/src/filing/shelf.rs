//! Going through all files that have bytes, for backups and checks.

use crate::blob::{BlobError, BlobKey, BlobStore};
use crate::clock::Timestamp;
use crate::db::{Database, DbError};
use crate::run;

/// A file that has bytes.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Filed {
    /// Its id.
    pub id: String,
    /// Where its bytes are.
    pub blob: String,
    /// How many there are.
    pub bytes: i64,
    /// What is known about its content; empty if nothing is.
    pub content: String,
    /// When it ends, in nanoseconds; `None` for never.
    pub ends: Option<i64>,
}

impl Filed {
    /// How many bytes there should be.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.unsigned_abs()
    }

    /// Whether it has ended, and so is on its way out with whatever there is of it.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends <= now.as_nanos())
    }

    /// Where its bytes are; `None` if that is nowhere.
    #[must_use]
    pub fn key(&self) -> Option<BlobKey> {
        self.blob.parse().ok()
    }
}

/// Where the rows of files stand.
pub trait Shelf {
    /// Selects the columns of [`Filed`], of up to `$2` files whose `blob` follows `$1`, in the order of `blob`.
    const PAGE: &'static str;
    /// The same for the one file whose `blob` is `$1`.
    const ONE: &'static str;
}

const TOTAL: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM files WHERE blob IS NOT NULL";

/// Up to `most` files whose bytes are at a place that follows `after`, in the order of the places; begin with an empty
/// text.
///
/// # Errors
///
/// When the database fails.
pub async fn filed<S: Shelf>(db: &Database, after: &str, most: u32) -> Result<Vec<Filed>, DbError> {
    let mut tx = db.read().await?;
    run!(tx, fetch_all, query_as::<_, Filed>, S::PAGE, after, i64::from(most))
}

/// The file whose bytes are at this place.
///
/// # Errors
///
/// When the database fails.
pub async fn filed_at<S: Shelf>(db: &Database, blob: &str) -> Result<Option<Filed>, DbError> {
    let mut tx = db.read().await?;
    run!(tx, fetch_optional, query_as::<_, Filed>, S::ONE, blob)
}

/// How many files have bytes, and how many bytes together.
///
/// # Errors
///
/// When the database fails.
pub async fn filed_in_all(db: &Database) -> Result<(u64, u64), DbError> {
    let mut tx = db.read().await?;
    let (files, bytes) = run!(tx, fetch_one, query_as::<_, (i64, i64)>, TOTAL)?;
    Ok((files.unsigned_abs(), bytes.unsigned_abs()))
}

/// What the bytes at a place turn out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// As many as there should be.
    Bytes(bytes::Bytes),
    /// None.
    Missing,
    /// So many instead.
    Other(u64),
}

/// Reads the bytes of a file, if there are as many as there should be.
///
/// # Errors
///
/// When they cannot be read, which does not say what they are.
pub async fn read(blobs: &BlobStore, file: &Filed) -> Result<Found, BlobError> {
    let Some(key) = file.key() else {
        return Ok(Found::Missing);
    };
    let blob = match blobs.get(&key).await {
        Ok(blob) if blob.size() == file.size() => blob,
        Ok(blob) => return Ok(Found::Other(blob.size())),
        Err(BlobError::NotFound(_)) => return Ok(Found::Missing),
        Err(error) => return Err(error),
    };
    match blob.read_into(Vec::new()).await {
        Ok(bytes) => Ok(Found::Bytes(bytes.into())),
        // It was cut off or taken away between the two steps.
        Err(BlobError::NotFound(_) | BlobError::TooShort(_)) => Ok(Found::Missing),
        Err(error) => Err(error),
    }
}
