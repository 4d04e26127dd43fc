//! Connections to a SQLite file that are used in turn.
//!
//! Each is a thread, and every word with it wakes two threads, which costs more than most statements. The driver's own
//! pool exchanges four words around a transaction besides those of the transaction itself.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Error, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many connections at most, opened when they are needed. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Lanes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    connect: SqliteConnectOptions,
    patience: Duration,
    count: u32,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection that nobody else uses. Unless it is said to be [`Lane::done`] with, it is looked at before somebody else
/// gets it, for a statement may have been given up half-way.
#[derive(Debug)]
pub(super) struct Lane {
    /// Gone once the lane is done with.
    connection: Option<SqliteConnection>,
    lanes: Lanes,
    turn: Option<OwnedSemaphorePermit>,
    /// What has to be run before somebody else gets the connection.
    cleaning: &'static str,
}

const LOOK: &str = "SELECT 1";
const ROLLBACK: &str = "ROLLBACK";

impl Lanes {
    pub(super) fn new(count: u32, patience: Duration, connect: SqliteConnectOptions) -> Self {
        let count = count.max(1);
        Self(Arc::new(Shared {
            connect,
            patience,
            count,
            turns: Arc::new(Semaphore::new(count as usize)),
            idle: Mutex::default(),
        }))
    }

    /// A connection, if one becomes free in time.
    pub(super) async fn take(&self) -> Result<Lane, Error> {
        let turn = tokio::time::timeout(self.0.patience, Arc::clone(&self.0.turns).acquire_owned());
        let turn = turn.await.map_err(|_| Error::PoolTimedOut)?;
        let turn = turn.map_err(|_| Error::PoolClosed)?;
        let idle = self.0.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.0.connect.connect().await?,
        };
        Ok(Lane {
            connection: Some(connection),
            lanes: self.clone(),
            turn: Some(turn),
            cleaning: LOOK,
        })
    }

    /// Waits until no connection is in use, but not for longer than this, and closes all.
    pub(super) async fn close(&self, patience: Duration) {
        let all = tokio::time::timeout(patience, self.0.turns.acquire_many(self.0.count)).await;
        self.0.turns.close();
        drop(all);
        let idle = mem::take(&mut *self.0.idle());
        for connection in idle {
            let _ = connection.close().await;
        }
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, connection: SqliteConnection, turn: OwnedSemaphorePermit) {
        // Nothing is kept of what has been closed; a connection that is dropped ends by itself.
        if !self.turns.is_closed() {
            self.idle().push(connection);
        }
        drop(turn);
    }
}

impl Lane {
    /// Begins a transaction, which lasts until [`Lane::end`] or until the lane is dropped.
    pub(super) async fn begin(mut self, statement: &'static str) -> Result<Self, Error> {
        // It may have begun even if nobody waits for the answer any more.
        self.cleaning = ROLLBACK;
        match sqlx::query(statement).execute(&mut *self).await {
            Ok(_) => Ok(self),
            Err(error) => {
                if matches!(error, Error::Database(_)) {
                    self.cleaning = LOOK;
                }
                Err(error)
            }
        }
    }

    /// Ends a transaction with this statement.
    pub(super) async fn end(mut self, statement: &'static str) -> Result<(), Error> {
        sqlx::query(statement).execute(&mut *self).await?;
        self.done();
        Ok(())
    }

    /// Lets others have the connection. All that was asked of it has been answered.
    pub(super) fn done(mut self) {
        if let (Some(connection), Some(turn)) = (self.connection.take(), self.turn.take()) {
            self.lanes.0.keep(connection, turn);
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let (Some(mut connection), Some(turn)) = (self.connection.take(), self.turn.take()) else {
            return;
        };
        // Without a runtime the connection is dropped, which undoes what it has begun.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (lanes, cleaning) = (self.lanes.clone(), self.cleaning);
        runtime.spawn(async move {
            // What cannot be cleaned is closed, and opened anew for whoever comes next.
            match sqlx::query(cleaning).execute(&mut connection).await {
                Ok(_) => lanes.0.keep(connection, turn),
                Err(_) => drop(connection.close().await),
            }
        });
    }
}

/// While it lives a lane has a connection: only what takes the lane itself takes that too.
#[expect(clippy::expect_used, reason = "see above")]
impl Deref for Lane {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("the lane is not done with")
    }
}

#[expect(clippy::expect_used, reason = "see above")]
impl DerefMut for Lane {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("the lane is not done with")
    }
}
