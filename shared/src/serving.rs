//! That a server works on a database, so that nobody fills the database meanwhile, and the other way round.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::db::{Database, DbError, Lease};
use crate::jobs::{Turns, report};

/// Name of the lease that all servers on a database share, and that whoever fills it has alone.
const LEASE: &str = "serving";

/// How often it is made sure that the share is still there. A connection to PostgreSQL can be lost, and the share with it.
const INTERVAL: Duration = Duration::from_secs(10);

/// No server can start.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    /// A database that is half full is nothing to serve from.
    #[error("a restore or an import into this database is under way; start the server when it is done")]
    Filling,
    /// The database failed.
    #[error("the database cannot be used")]
    Database(#[from] DbError),
}

/// What keeps a database from being filled while a server works on it; until it is dropped, or sooner.
#[derive(Debug)]
pub struct Serving {
    database: Database,
    share: Mutex<Option<Lease>>,
}

impl Serving {
    /// Says that a server begins to work; to be called before anything is made that a restore brings, such as keys.
    ///
    /// # Errors
    ///
    /// [`ServingError`].
    pub async fn begin(database: &Database) -> Result<Self, ServingError> {
        let share = database.share(LEASE).await?.ok_or(ServingError::Filling)?;
        Ok(Self {
            database: database.clone(),
            share: Mutex::new(Some(share)),
        })
    }

    /// The job that sees to it that it stays so.
    pub async fn keep(self: Arc<Self>) {
        let mut turns = Turns::every(INTERVAL);
        loop {
            turns.next().await;
            report(self.renew().await, "keeping the database from being filled by others");
        }
    }

    /// Says that the server has ended its work, and waits until the database may be filled.
    pub async fn end(&self) {
        if let Some(share) = self.share.lock().await.take() {
            share.release().await;
        }
    }

    async fn renew(&self) -> Result<(), ServingError> {
        let mut share = self.share.lock().await;
        if let Some(share) = share.as_mut()
            && share.still_held().await
        {
            return Ok(());
        }
        // Given back first: the old one may be held after all, by a connection that does not answer.
        *share = None;
        *share = Some(self.database.share(LEASE).await?.ok_or(ServingError::Filling)?);
        Ok(())
    }
}

/// Keeps servers from starting for as long as a database is filled. `None` if one runs, or if somebody else fills it.
///
/// # Errors
///
/// As for [`Database::lease`].
pub async fn keep_out(database: &Database) -> Result<Option<Lease>, DbError> {
    database.lease(LEASE).await
}
