//! Connections to a SQLite file that are used in turn.
//!
//! Each is a thread, and every word with it wakes two threads, which costs more than most statements. The driver's own
//! pool exchanges four words around a transaction besides those of the transaction itself.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error, SqlSafeStr, SqlStr, SqliteConnection};
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
    state: State,
}

/// How far a transaction has come that begins with its first statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was said yet; this has to come first.
    Pending(&'static str),
    /// What begins it was said, but not yet answered with success.
    Beginning,
    /// It has begun, or the lane is used without a transaction.
    Open,
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
            state: State::Open,
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
    /// Makes a transaction of it, which lasts until [`Lane::end`] or until the lane is dropped. It begins with its first
    /// statement, in one word with it if that can be.
    pub(super) fn begin(mut self, statement: &'static str) -> Self {
        self.state = State::Pending(statement);
        self
    }

    /// Begins the transaction if it has not begun.
    pub(super) async fn begun(&mut self) -> Result<(), Error> {
        let State::Pending(statement) = self.state else {
            return self.check();
        };
        self.start();
        sqlx::query(statement).execute(&mut **self).await?;
        self.has_begun();
        Ok(())
    }

    /// The text of the next statement, with what begins the transaction ahead of it if it has not begun. If the statement
    /// succeeds, [`Lane::has_begun`] has to be told.
    pub(super) fn opening(&mut self, text: &'static str) -> Result<SqlStr, Error> {
        let State::Pending(statement) = self.state else {
            return self.check().map(|()| text.into_sql_str());
        };
        self.start();
        Ok(AssertSqlSafe(format!("{statement};{text}")).into_sql_str())
    }

    /// Notes that what was said has been answered with success.
    pub(super) fn has_begun(&mut self) {
        self.state = State::Open;
    }

    fn start(&mut self) {
        // It may have begun even if nobody waits for the answer any more.
        self.cleaning = ROLLBACK;
        self.state = State::Beginning;
    }

    /// Whatever follows a failed beginning would be a change of its own, which lasts at once.
    fn check(&self) -> Result<(), Error> {
        match self.state {
            State::Beginning => Err(Error::BeginFailed),
            State::Pending(_) | State::Open => Ok(()),
        }
    }

    /// Ends a transaction with this statement.
    pub(super) async fn end(mut self, statement: &'static str) -> Result<(), Error> {
        self.check()?;
        if self.state == State::Open {
            sqlx::query(statement).execute(&mut *self).await?;
        }
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
