//! Blobs whose row is gone. They are written down in the same transaction that takes the row away, so that a crash
//! between the two leaves nothing behind.

use std::time::Duration;

use tokio::time::Instant;

use super::deletion::{Failures, delete};
use crate::blob::BlobStore;
use crate::db::{Database, DbError, Lease, PerDialect, Tx};
use crate::run;

/// How many blobs are looked at and deleted in one step.
const BATCH: u32 = 500;

/// How many steps are taken before others get their turn.
const STEPS: u32 = 20;

/// Name of the lease that is shared while bytes are deleted, and held alone by whoever wants to keep them.
const DELETING: &str = "deleting";

/// How long to wait for deletions in progress, and how long from one look to the next.
const KEEP_PATIENCE: Duration = Duration::from_secs(60);
const KEEP_PAUSE: Duration = Duration::from_millis(100);

const DOOM: &str = "INSERT INTO doomed (blob) VALUES ($1) ON CONFLICT (blob) DO NOTHING";

const DOOMED: &str = "SELECT blob FROM doomed WHERE blob > $1 ORDER BY blob LIMIT $2";

const COUNT: &str = "SELECT COUNT(*) FROM doomed";

const FORGET: PerDialect = PerDialect {
    sqlite: "DELETE FROM doomed WHERE blob IN (SELECT value FROM json_each($1))",
    postgres: "DELETE FROM doomed WHERE blob IN (SELECT jsonb_array_elements_text($1::jsonb))",
};

/// Notes, in the transaction that takes its row away, that a blob is to be deleted.
///
/// # Errors
///
/// When the database fails.
pub async fn doom(tx: &mut Tx, blob: &str) -> Result<(), DbError> {
    run!(tx, execute, query, DOOM, blob)?;
    Ok(())
}

/// Up to `most` blobs that are to be deleted and that follow `after`, in the order of the database; begin with an empty
/// text.
///
/// # Errors
///
/// When the database fails.
pub async fn doomed(db: &Database, after: &str, most: u32) -> Result<Vec<String>, DbError> {
    let mut tx = db.read().await?;
    run!(tx, fetch_all, query_scalar::<_, String>, DOOMED, after, i64::from(most))
}

/// Number of blobs that are still to be deleted.
///
/// # Errors
///
/// When the database fails.
pub async fn count_doomed(db: &Database) -> Result<u64, DbError> {
    let mut tx = db.read().await?;
    Ok(run!(tx, fetch_one, query_scalar::<_, i64>, COUNT)?.unsigned_abs())
}

/// Why bytes cannot be kept from being deleted.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Somebody else does, or deletes some all the time.
    #[error("another backup of this server is being made, or it is busy deleting files; try again later")]
    Busy,
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] DbError),
}

/// Keeps all bytes that rows name now from being deleted, by whichever process, as long as the lease is held. Rows may go
/// meanwhile; their bytes follow afterwards.
///
/// # Errors
///
/// [`KeepError`]
pub async fn keep_bytes(db: &Database) -> Result<Lease, KeepError> {
    let deadline = Instant::now() + KEEP_PATIENCE;
    loop {
        match db.lease(DELETING).await? {
            Some(lease) => return Ok(lease),
            None if Instant::now() > deadline => return Err(KeepError::Busy),
            None => tokio::time::sleep(KEEP_PAUSE).await,
        }
    }
}

/// Deletes the bytes whose row is gone, as far as they can be deleted, and not too many at once: the others are tried
/// again the next time. Nothing is deleted while somebody keeps it ([`keep_bytes`]). The answer is how many were deleted.
///
/// # Errors
///
/// When the database fails.
pub async fn delete_doomed(db: &Database, blobs: &BlobStore) -> Result<usize, DbError> {
    let (mut deleted, mut failures) = (0, Failures::default());
    let mut after = String::new();
    for _ in 0..STEPS {
        let page = doomed(db, &after, BATCH).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        // Taken anew for each step, so that whoever wants to keep them gets a turn.
        let Some(_share) = db.share(DELETING).await? else { break };
        let gone = delete(blobs, page, &mut failures).await;
        if !gone.is_empty() {
            forget(db, &gone).await?;
            deleted += gone.len();
        }
        if failures.are_of_the_store() {
            break;
        }
        tokio::task::yield_now().await;
    }
    failures.report("bytes of deleted files could not be removed yet");
    Ok(deleted)
}

/// Strikes deleted blobs off the list.
async fn forget(db: &Database, blobs: &[String]) -> Result<(), DbError> {
    let mut tx = db.write().await?;
    run!(tx, execute, query, FORGET, serde_json::Value::from(blobs).to_string())?;
    tx.commit().await
}
