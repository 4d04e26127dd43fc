//! Connections to a SQLite file that are used in turn.
//!
//! Each is a thread, and every word with it wakes two threads, which costs more than most statements. The driver's own
//! pool exchanges four words around a transaction besides those of the transaction itself.

use std::collections::VecDeque;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error, SqlSafeStr, SqlStr, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::DbError;
use super::group::{Group, Savepoint};

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
    /// Who can go on with a transaction of others. Some have got a turn of their own meanwhile.
    joining: Mutex<VecDeque<oneshot::Sender<Lane>>>,
    /// Where connections are cleaned: the one that opened the database, which ends after those that serve sockets.
    runtime: Option<Handle>,
}

/// A connection that nobody else uses. Unless it is said to be [`Lane::done`] with, it is looked at before somebody else
/// gets it, for a statement may have been given up half-way.
#[derive(Debug)]
pub(super) struct Lane(
    /// Gone once the lane is done with.
    Option<Held>,
);

#[derive(Debug)]
struct Held {
    connection: SqliteConnection,
    lanes: Lanes,
    turn: OwnedSemaphorePermit,
    state: State,
    /// What has to be run before somebody else gets the connection.
    cleaning: &'static str,
    /// Whether its transaction may become lasting together with others.
    sociable: bool,
    /// Where its transaction begins if those of others were made before it.
    savepoint: Option<Savepoint>,
    group: Group,
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
    /// A statement has failed, so SQLite may have undone everything by itself.
    Failed,
}

const LOOK: &str = "SELECT 1";
const COMMIT: &str = "COMMIT";
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
            joining: Mutex::default(),
            runtime: Handle::try_current().ok(),
        }))
    }

    /// A connection, if one becomes free in time.
    pub(super) async fn take(&self) -> Result<Lane, Error> {
        let turn = tokio::time::timeout(self.0.patience, Arc::clone(&self.0.turns).acquire_owned());
        let turn = turn.await.map_err(|_| Error::PoolTimedOut)?;
        self.lane(turn.map_err(|_| Error::PoolClosed)?).await
    }

    /// The only connection, for a transaction that begins with this statement and that may become lasting together with
    /// others, if its turn comes in time.
    pub(super) async fn join(&self, statement: &'static str) -> Result<Lane, Error> {
        debug_assert!(
            self.0.count == 1,
            "a turn and a transaction of others must not come at once"
        );
        if let Ok(turn) = Arc::clone(&self.0.turns).try_acquire_owned() {
            return Ok(self.lane(turn).await?.begin(statement).sociable());
        }
        let (joining, mut joined) = oneshot::channel();
        {
            let mut waiting = lock(&self.0.joining);
            while waiting.front().is_some_and(oneshot::Sender::is_closed) {
                waiting.pop_front();
            }
            waiting.push_back(joining);
        }
        let waiting = async {
            tokio::select! {
                biased;
                Ok(lane) = &mut joined => Ok(lane),
                turn = Arc::clone(&self.0.turns).acquire_owned() => {
                    let turn = turn.map_err(|_| Error::PoolClosed)?;
                    Ok(self.lane(turn).await?.begin(statement).sociable())
                }
            }
        };
        let waited = tokio::time::timeout(self.0.patience, waiting).await;
        waited.map_err(|_| Error::PoolTimedOut)?
    }

    async fn lane(&self, turn: OwnedSemaphorePermit) -> Result<Lane, Error> {
        let idle = lock(&self.0.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.0.connect.connect().await?,
        };
        Ok(Lane(Some(Held {
            connection,
            lanes: self.clone(),
            turn,
            state: State::Open,
            cleaning: LOOK,
            sociable: false,
            savepoint: None,
            group: Group::default(),
        })))
    }

    /// Waits until no connection is in use, but not for longer than this, and closes all.
    pub(super) async fn close(&self, patience: Duration) {
        let all = tokio::time::timeout(patience, self.0.turns.acquire_many(self.0.count)).await;
        self.0.turns.close();
        drop(all);
        let idle = mem::take(&mut *lock(&self.0.idle));
        for connection in idle {
            let _ = connection.close().await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lane {
    /// Makes a transaction of it, which lasts until it is ended or until the lane is dropped. It begins with its first
    /// statement, in one word with it if that can be.
    pub(super) fn begin(mut self, statement: &'static str) -> Self {
        self.held().state = State::Pending(statement);
        self
    }

    fn sociable(mut self) -> Self {
        self.held().sociable = true;
        self
    }

    /// Keeps the transaction to itself from here on, for what fails in it may not be heard of.
    pub(super) fn keep_to_itself(&mut self) {
        self.held().sociable = false;
    }

    /// Begins the transaction if it has not begun.
    pub(super) async fn begun(&mut self) -> Result<(), Error> {
        let held = self.held();
        let State::Pending(statement) = held.state else {
            return held.check();
        };
        held.start();
        sqlx::query(statement).execute(&mut held.connection).await?;
        held.state = State::Open;
        Ok(())
    }

    /// The text of the next statement, with what begins the transaction ahead of it if it has not begun.
    /// [`Lane::has_answered`] has to be told of the answer.
    pub(super) fn opening(&mut self, text: &'static str) -> Result<SqlStr, Error> {
        let held = self.held();
        let State::Pending(statement) = held.state else {
            return held.check().map(|()| text.into_sql_str());
        };
        held.start();
        Ok(AssertSqlSafe(format!("{statement};{text}")).into_sql_str())
    }

    /// Notes whether a statement has succeeded.
    pub(super) fn has_answered(&mut self, well: bool) {
        self.held().state = if well { State::Open } else { State::Failed };
    }

    /// Makes the transaction lasting, or has that done together with others.
    pub(super) async fn commit(mut self) -> Result<(), DbError> {
        let held = self.held();
        if matches!(held.state, State::Pending(_)) {
            self.settle().await;
            return Ok(());
        }
        held.check()?;
        if held.sociable && held.group.has_room() {
            let savepoint = held.savepoint;
            let lasting = held.group.add(savepoint);
            match self.pass_on() {
                None => {
                    return lasting
                        .await
                        .map_err(|_| DbError::Unavailable("a change could not be made lasting with others".into()));
                }
                Some(lane) => self = lane,
            }
            let held = self.held();
            held.group.remove_latest();
            held.savepoint = savepoint;
            held.state = State::Open;
        }
        sqlx::query(COMMIT).execute(&mut *self).await?;
        mem::take(&mut self.held().group).tell();
        self.done();
        Ok(())
    }

    /// Undoes the transaction and waits until that is done.
    pub(super) async fn rollback(mut self) -> Result<(), Error> {
        match self.0.take() {
            Some(held) => held.clean().await,
            None => Ok(()),
        }
    }

    /// Runs the last statement that the lane is needed for.
    pub(super) async fn end(mut self, statement: &'static str) -> Result<(), Error> {
        sqlx::query(statement).execute(&mut *self).await?;
        self.done();
        Ok(())
    }

    /// Lets others have the connection. All that was asked of it has been answered.
    pub(super) fn done(mut self) {
        if let Some(held) = self.0.take() {
            held.keep();
        }
    }

    /// Lets the next who waits go on with the transaction. If nobody does the lane comes back.
    fn pass_on(mut self) -> Option<Self> {
        let lanes = self.held().lanes.clone();
        let (savepoint, beginning) = self.held().group.next();
        self.held().savepoint = Some(savepoint);
        self.held().state = State::Pending(beginning);
        loop {
            let next = lock(&lanes.0.joining).pop_front();
            let Some(next) = next else {
                return Some(self);
            };
            match next.send(self) {
                Ok(()) => return None,
                Err(lane) => self = lane,
            }
        }
    }

    /// Sees to those who wait for a COMMIT, if anybody does. There is nothing else in the transaction.
    async fn settle(mut self) {
        if self.held().group.is_empty() {
            return self.done();
        }
        if self.held().group.has_room() {
            match self.pass_on() {
                None => return,
                Some(lane) => self = lane,
            }
        }
        self.held().start();
        if sqlx::query(COMMIT).execute(&mut *self).await.is_ok() {
            mem::take(&mut self.held().group).tell();
            self.done();
        } else {
            // They are told that nothing will come of it, and with their part everything is undone.
            self.held().group = Group::default();
            self.held().cleaning = ROLLBACK;
        }
    }

    /// While it lives a lane has a connection: only what takes the lane itself takes that too.
    #[expect(clippy::expect_used, reason = "see above")]
    fn held(&mut self) -> &mut Held {
        self.0.as_mut().expect("the lane is not done with")
    }
}

impl Held {
    fn start(&mut self) {
        // It may have begun even if nobody waits for the answer any more.
        self.cleaning = self.savepoint.map_or(ROLLBACK, Savepoint::undo);
        self.state = State::Beginning;
    }

    /// Whatever follows a failed beginning would be a change of its own, which lasts at once, and so would what follows a
    /// statement after whose failure SQLite has undone everything.
    fn check(&self) -> Result<(), Error> {
        match self.state {
            State::Pending(_) | State::Open => Ok(()),
            State::Beginning => Err(Error::BeginFailed),
            State::Failed => Err(Error::Protocol("a statement of this transaction has failed".into())),
        }
    }

    fn keep(self) {
        // Nothing is kept of what has been closed; a connection that is dropped ends by itself.
        if !self.lanes.0.turns.is_closed() {
            lock(&self.lanes.0.idle).push(self.connection);
        }
        drop(self.turn);
    }

    /// Undoes what was begun here, and nothing that others have made before.
    async fn clean(mut self) -> Result<(), Error> {
        if !matches!(self.state, State::Pending(_)) {
            if let Err(error) = sqlx::query(self.cleaning).execute(&mut self.connection).await {
                // What cannot be cleaned is closed, and opened anew for whoever comes next.
                let _ = self.connection.close().await;
                return Err(error);
            }
            self.group.undone();
        }
        Lane(Some(self)).settle().await;
        Ok(())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let Some(held) = self.0.take() else {
            return;
        };
        if matches!(held.state, State::Pending(_)) && held.group.is_empty() {
            return held.keep();
        }
        // Without a runtime the connection is dropped, which undoes what it has begun.
        if let Some(runtime) = held.lanes.0.runtime.clone() {
            runtime.spawn(held.clean());
        }
    }
}

/// See [`Lane::held`].
#[expect(clippy::expect_used, reason = "see above")]
impl Deref for Lane {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.0.as_ref().expect("the lane is not done with").connection
    }
}

impl DerefMut for Lane {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.held().connection
    }
}
