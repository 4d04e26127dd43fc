//! Whether a database and a place of files belong together. Both have the same random name, so that no setting gone
//! wrong and no disk that is missing makes a server take the files of another for strays and delete them.

use crate::blob::{BlobError, BlobStore};
use crate::db::{Database, DbError};
use crate::run;

const FIND: &str = "SELECT id FROM installation";

const NAME: &str = "INSERT INTO installation (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING";

const ANY_BYTES: &str = "SELECT blob FROM files WHERE blob IS NOT NULL LIMIT 1";

/// Why a database and a place of files are not used together.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// The files are those of another database.
    #[error(
        "these files belong to another database; check --database-url and --blob-url. If that database is gone for good \
         and the files are to be this one's, remove what is called `installation` among them"
    )]
    OtherDatabase,
    /// The database has files, but this is not where they are.
    #[error(
        "the files are not where they were: is the disk mounted? Check --blob-url; if they are gone for good or were \
         copied here without it, make a file `installation` with the content {0} among them"
    )]
    FilesGone(String),
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] DbError),
    /// The blob store failed.
    #[error("the place for the files cannot be read, so nothing can be said about them: {0}")]
    Blobs(#[from] BlobError),
}

/// Makes sure that the two belong together, and lets them if neither belongs to anything yet. A crash in between is
/// made up for by the next attempt, and of several at the same time all come to the same name.
///
/// # Errors
///
/// [`InstallationError`] if they do not belong together or that cannot be found out.
pub async fn meet(db: &Database, blobs: &BlobStore) -> Result<(), InstallationError> {
    // In this order: the name is given to the database first, so one that the files have the database has by then.
    let owner = blobs.owner().await?;
    if owner.is_none() {
        // Some stores would make a bucket that is not there when something is put into it.
        blobs.ping().await?;
    }
    let name = match (installation(db).await?, owner) {
        (Some(name), Some(owner)) => return same(&name, &owner),
        (None, Some(_)) => return Err(InstallationError::OtherDatabase),
        (Some(name), None) if has_bytes(db).await? => {
            // Another process may have been about to give it and has files by now.
            return match blobs.owner().await? {
                Some(owner) => same(&name, &owner),
                None => Err(InstallationError::FilesGone(name)),
            };
        }
        (Some(name), None) => name,
        (None, None) => {
            let new = format!("{:032x}", rand::random::<u128>());
            name_installation(db, &new).await?
        }
    };
    same(&name, &blobs.claim(&name).await?)
}

/// Whether the two belong together still; nothing is changed. Asked before anything is taken for a stray.
///
/// # Errors
///
/// [`InstallationError`] if not.
pub async fn verify(db: &Database, blobs: &BlobStore) -> Result<(), InstallationError> {
    match (blobs.owner().await?, installation(db).await?) {
        (Some(owner), Some(name)) => same(&name, &owner),
        (None, Some(name)) => Err(InstallationError::FilesGone(name)),
        (_, None) => Err(InstallationError::OtherDatabase),
    }
}

fn same(name: &str, owner: &str) -> Result<(), InstallationError> {
    if name == owner {
        Ok(())
    } else {
        Err(InstallationError::OtherDatabase)
    }
}

/// The name of the database, if it has one yet.
///
/// # Errors
///
/// When the database fails.
pub async fn installation(db: &Database) -> Result<Option<String>, DbError> {
    let mut tx = db.read().await?;
    run!(tx, fetch_optional, query_scalar::<_, String>, FIND)
}

/// Gives the database this name unless it has one. The answer is the name it has then.
///
/// # Errors
///
/// When the database fails.
pub async fn name_installation(db: &Database, id: &str) -> Result<String, DbError> {
    let mut tx = db.write().await?;
    run!(tx, execute, query, NAME, id)?;
    let name = run!(tx, fetch_one, query_scalar::<_, String>, FIND)?;
    tx.commit().await?;
    Ok(name)
}

/// Whether any file of the database has bytes.
async fn has_bytes(db: &Database) -> Result<bool, DbError> {
    let mut tx = db.read().await?;
    let found = run!(tx, fetch_optional, query_scalar::<_, String>, ANY_BYTES)?;
    Ok(found.is_some())
}
