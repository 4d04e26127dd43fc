//! The right to do timed work, which at most one process has at a time.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgAdvisoryLock, PgConnectOptions};
use sqlx::{Connection, PgConnection};

use super::DbError;
use super::postgres::connect_within;
use super::sqlite::beside;
use crate::file_lock::FileLock;

/// How long the server may take to confirm that a lease is still held.
const PATIENCE: Duration = Duration::from_secs(5);

/// A lease under some name. It ends when it is dropped, when the process ends, or when the connection to the database
/// is lost; ask [`Lease::still_held`] before each piece of work.
#[derive(Debug)]
pub struct Lease(Holding);

/// Who else may have a lease of the same name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Share {
    /// Nobody.
    Alone,
    /// Whoever shares it too.
    WithOthers,
}

#[derive(Debug)]
enum Holding {
    /// The lock goes when it is given back.
    File { _lock: FileLock },
    /// The lock lives as long as the session on the server.
    Session(Box<PgConnection>),
}

impl Lease {
    /// Tries to lock a file beside the database file.
    pub(super) fn take_file(database: &Path, name: &str, share: Share) -> Result<Option<Self>, DbError> {
        let path = beside(database, &format!("-{name}.lock"));
        let lock = match share {
            Share::Alone => FileLock::alone(&path),
            Share::WithOthers => FileLock::with_others(&path),
        };
        let lock = lock.map_err(DbError::file(path))?;
        Ok(lock.map(|lock| Self(Holding::File { _lock: lock })))
    }

    /// Tries to take an advisory lock on a connection of its own.
    pub(super) async fn take_session(
        connect: &PgConnectOptions,
        name: &str,
        share: Share,
    ) -> Result<Option<Self>, DbError> {
        let lock = PgAdvisoryLock::new(format!("lease:{name}"));
        let key = lock.key().as_bigint();
        let mut connection = connect_within(connect, PATIENCE).await?;
        let lock = match share {
            Share::Alone => "SELECT pg_try_advisory_lock($1)",
            Share::WithOthers => "SELECT pg_try_advisory_lock_shared($1)",
        };
        let taken = sqlx::query_scalar(lock).bind(key).fetch_one(&mut connection);
        let taken: bool = within_patience(taken).await?;
        if taken {
            return Ok(Some(Self(Holding::Session(Box::new(connection)))));
        }
        let _ = within_patience(connection.close()).await;
        Ok(None)
    }

    /// Whether this process still has the lease. Once it does not, it must be taken anew.
    pub async fn still_held(&mut self) -> bool {
        match &mut self.0 {
            Holding::File { .. } => true,
            Holding::Session(connection) => within_patience(connection.ping()).await.is_ok(),
        }
    }

    /// Gives the lease back and waits until others can take it.
    pub async fn release(self) {
        match self.0 {
            Holding::File { .. } => {}
            Holding::Session(mut connection) => {
                // The server would see the end of the connection only a moment later. If this fails, that must do.
                let unlock = sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut *connection);
                let _ = within_patience(unlock).await;
                let _ = within_patience(connection.close()).await;
            }
        }
    }
}

async fn within_patience<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DbError> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(DbError::timed_out("it did not answer in time")),
    }
}
