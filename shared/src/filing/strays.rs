//! Bytes that no row has, as a crash leaves them behind.

use std::time::Duration;

use futures_util::StreamExt;

use super::deletion::{Failures, delete};
use super::installation::{InstallationError, verify};
use crate::blob::{BlobError, BlobStore, Listed};
use crate::clock::Timestamp;
use crate::db::{Database, DbError, PerDialect};
use crate::run;

/// How old bytes without a row must be before they are taken for strays: far older than any upload can be.
pub const STRAY_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// How old a leftover of an interrupted write must be before it is removed; other processes may be writing.
pub const LEFTOVER_AGE: Duration = Duration::from_secs(10 * 60);

/// How many blobs are asked about at a time.
const BATCH: usize = 500;

const UNKNOWN: PerDialect = PerDialect {
    sqlite: "SELECT listed.value FROM json_each($1) AS listed
        WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.blob = listed.value)
          AND NOT EXISTS (SELECT 1 FROM doomed WHERE doomed.blob = listed.value)",
    postgres: "SELECT value FROM jsonb_array_elements_text($1::jsonb) AS value
        WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.blob = value)
          AND NOT EXISTS (SELECT 1 FROM doomed WHERE doomed.blob = value)",
};

/// Those of the given blobs that no file has and that are not to be deleted already.
///
/// # Errors
///
/// When the database fails.
pub async fn without_row(db: &Database, blobs: &[String]) -> Result<Vec<String>, DbError> {
    let mut tx = db.read().await?;
    let list = serde_json::Value::from(blobs).to_string();
    run!(tx, fetch_all, query_scalar::<_, String>, UNKNOWN, list)
}

/// Deletes bytes that no row has and that are too old to belong to an upload in flight, as far as they can be deleted.
/// The answer is their number.
///
/// # Errors
///
/// [`InstallationError`] when the bytes are not known to be those of this database, or one of the two fails.
pub async fn remove_strays(db: &Database, blobs: &BlobStore, now: Timestamp) -> Result<usize, InstallationError> {
    verify(db, blobs).await?;
    let before = now.minus(STRAY_AGE);
    let (mut removed, mut failures) = (0, Failures::default());
    let mut listed = blobs.list().chunks(BATCH);
    while let Some(page) = listed.next().await {
        let page: Vec<_> = page.into_iter().collect::<Result<_, BlobError>>()?;
        let old = page.iter().filter_map(|listed| match listed {
            Listed::Blob(blob) if blob.modified < before => Some(blob.key.to_string()),
            Listed::Blob(_) | Listed::Foreign(_) => None,
        });
        let strays = without_row(db, &old.collect::<Vec<_>>()).await?;
        removed += delete(blobs, strays, &mut failures).await.len();
        if failures.are_of_the_store() {
            break;
        }
    }
    failures.report("bytes without a row could not be removed");
    Ok(removed)
}
