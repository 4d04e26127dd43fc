//! A transaction on either database, and the macro that writes a query for both.

use std::future::ready;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, SqlSafeStr, SqlStr, SqliteConnection, Transaction};

use super::DbError;
use super::lanes::Lane;

/// Longer than the server's own limit on a statement, so that it only strikes when the server has gone silent.
const SILENCE_LIMIT: Duration = Duration::from_secs(20);

/// Which of the two databases is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// One file on this machine.
    Sqlite,
    /// A server, possibly shared by many machines.
    Postgres,
}

/// One statement in two texts, for where the dialects differ.
#[derive(Clone, Copy, Debug)]
pub struct PerDialect {
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
}

/// What [`run!`](crate::run) accepts as a statement: one text for both databases, or one for each.
pub trait SqlText {
    /// The text in this dialect.
    fn text(&self, dialect: Dialect) -> &'static str;
}

impl SqlText for &'static str {
    fn text(&self, _dialect: Dialect) -> &'static str {
        self
    }
}

impl SqlText for PerDialect {
    fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

/// An open transaction. Dropping it undoes what it did.
#[derive(Debug)]
pub struct Tx(pub(super) Inner);

#[derive(Debug)]
pub(super) enum Inner {
    Sqlite(Lane),
    Postgres(Transaction<'static, Postgres>),
}

/// A connection for one statement that only reads, which is a snapshot of its own.
#[derive(Debug)]
pub struct Glance(pub(super) Glancing);

#[derive(Debug)]
pub(super) enum Glancing {
    Sqlite(Lane),
    Postgres(PoolConnection<Postgres>),
}

/// The connection of the driver at work, for what [`run!`](crate::run) cannot express.
#[derive(Debug)]
pub enum Parts<'a> {
    /// SQLite is in use.
    Sqlite(&'a mut SqliteConnection),
    /// PostgreSQL is in use.
    Postgres(&'a mut PgConnection),
}

/// What [`run!`](crate::run) runs statements on.
pub trait Runner: Send {
    /// Which database it is.
    fn dialect(&self) -> Dialect;

    /// The driver's own connection as it is, even if a transaction has not begun on it yet.
    fn connection(&mut self) -> Parts<'_>;

    /// Makes ready for a statement what has to be.
    ///
    /// # Errors
    /// If that fails, or an earlier statement has.
    fn ready(&mut self) -> impl Future<Output = Result<(), DbError>> + Send {
        ready(Ok(()))
    }

    /// The text of the next statement with whatever has to go ahead of it, if [`Runner::ready`] was not asked for.
    ///
    /// # Errors
    /// If an earlier statement has failed.
    fn opening(&mut self, text: &'static str) -> Result<SqlStr, DbError> {
        Ok(text.into_sql_str())
    }

    /// Notes how a statement has ended.
    fn has_answered(&mut self, _error: Option<&DbError>) {}

    /// The driver's own connection, ready for any statement.
    ///
    /// # Errors
    /// As for [`Runner::ready`].
    fn parts(&mut self) -> impl Future<Output = Result<Parts<'_>, DbError>> + Send {
        async {
            self.ready().await?;
            Ok(self.connection())
        }
    }
}

impl Tx {
    /// Makes the changes last: they are on disk when this returns.
    ///
    /// # Errors
    /// If the answer is [`DbError::Unavailable`], the changes may have been made or not; otherwise they were not.
    pub async fn commit(self) -> Result<(), DbError> {
        match self.0 {
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Postgres(tx) => bounded(tx.commit()).await,
        }
    }

    /// Undoes the changes and waits until that is done, which dropping does not.
    ///
    /// # Errors
    /// When the database fails; the changes are undone all the same.
    pub async fn rollback(self) -> Result<(), DbError> {
        match self.0 {
            Inner::Sqlite(tx) => Ok(tx.rollback().await?),
            Inner::Postgres(tx) => bounded(tx.rollback()).await,
        }
    }
}

impl Runner for Tx {
    fn dialect(&self) -> Dialect {
        match self.0 {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    fn connection(&mut self) -> Parts<'_> {
        match &mut self.0 {
            Inner::Sqlite(tx) => Parts::Sqlite(tx),
            Inner::Postgres(tx) => Parts::Postgres(tx),
        }
    }

    fn opening(&mut self, text: &'static str) -> Result<SqlStr, DbError> {
        match &mut self.0 {
            Inner::Sqlite(lane) => Ok(lane.opening(text)?),
            Inner::Postgres(_) => Ok(text.into_sql_str()),
        }
    }

    async fn ready(&mut self) -> Result<(), DbError> {
        if let Inner::Sqlite(lane) = &mut self.0 {
            lane.begun().await?;
        }
        Ok(())
    }

    fn has_answered(&mut self, error: Option<&DbError>) {
        if let Inner::Sqlite(lane) = &mut self.0 {
            lane.has_answered(error.is_none_or(DbError::is_of_what_was_found));
        }
    }

    async fn parts(&mut self) -> Result<Parts<'_>, DbError> {
        self.ready().await?;
        if let Inner::Sqlite(lane) = &mut self.0 {
            lane.keep_to_itself();
        }
        Ok(self.connection())
    }
}

impl Glance {
    /// Lets others have the connection. The statement has been answered; without this that is made sure of first.
    pub fn done(self) {
        if let Glancing::Sqlite(lane) = self.0 {
            lane.done();
        }
    }
}

impl Runner for Glance {
    fn dialect(&self) -> Dialect {
        match self.0 {
            Glancing::Sqlite(_) => Dialect::Sqlite,
            Glancing::Postgres(_) => Dialect::Postgres,
        }
    }

    fn connection(&mut self) -> Parts<'_> {
        match &mut self.0 {
            Glancing::Sqlite(connection) => Parts::Sqlite(connection),
            Glancing::Postgres(connection) => Parts::Postgres(connection),
        }
    }
}

/// Waits for a server's answer, but not for ever.
#[doc(hidden)]
pub async fn bounded<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DbError> {
    match tokio::time::timeout(SILENCE_LIMIT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(DbError::timed_out("it did not answer a statement")),
    }
}

/// Runs one statement in a transaction, on whichever database it belongs to.
///
/// ```text
/// run!(tx, fetch_optional, query_as::<_, Row>, "SELECT a, b FROM t WHERE id = $1", id)?; // Option<Row>
/// run!(tx, fetch_one, query_scalar::<_, i64>, "SELECT COUNT(*) FROM t")?;                // i64
/// run!(tx, fetch_all, query_as::<_, Row>, IN_BOTH_DIALECTS, json)?;                      // Vec<Row>
/// run!(tx, execute, query, "DELETE FROM t WHERE id = $1", id)?;                          // u64, rows changed
/// ```
///
/// `tx` is a [`Runner`] or a `&mut` to one, the text a `&'static str` or a [`PerDialect`] with `$1` placeholders on both. The
/// outcome is a `Result` with [`DbError`].
#[macro_export]
macro_rules! run {
    ($tx:expr, execute, query, $sql:expr $(, $arg:expr)* $(,)?) => {{
        use $crate::db::Runner as _;
        let sql = $crate::db::SqlText::text(&$sql, $tx.dialect());
        // With another statement ahead of it the number of rows would not be known.
        match $tx.ready().await {
            Ok(()) => {
                let answer = match $tx.connection() {
                    $crate::db::Parts::Sqlite(connection) => {
                        let answer = $crate::db::sqlx::query(sql)$(.bind($arg))*.execute(connection).await;
                        answer.map(|done| done.rows_affected()).map_err($crate::db::DbError::from)
                    }
                    $crate::db::Parts::Postgres(connection) => {
                        let query = $crate::db::sqlx::query(sql)$(.bind($arg))*;
                        $crate::db::bounded(query.execute(connection)).await.map(|done| done.rows_affected())
                    }
                };
                $tx.has_answered(answer.as_ref().err());
                answer
            }
            Err(error) => Err(error),
        }
    }};
    ($tx:expr, $how:ident, $kind:ident::<_, $ty:ty>, $sql:expr $(, $arg:expr)* $(,)?) => {{
        use $crate::db::Runner as _;
        let sql = $crate::db::SqlText::text(&$sql, $tx.dialect());
        match $tx.opening(sql) {
            Ok(sql) => {
                let answer = match $tx.connection() {
                    $crate::db::Parts::Sqlite(connection) => {
                        let answer = $crate::db::sqlx::$kind::<_, $ty>(sql)$(.bind($arg))*.$how(connection).await;
                        answer.map_err($crate::db::DbError::from)
                    }
                    $crate::db::Parts::Postgres(connection) => {
                        let query = $crate::db::sqlx::$kind::<_, $ty>(sql)$(.bind($arg))*;
                        $crate::db::bounded(query.$how(connection)).await
                    }
                };
                $tx.has_answered(answer.as_ref().err());
                answer
            }
            Err(error) => Err(error),
        }
    }};
}
