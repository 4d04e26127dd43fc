//! Finding out that something has been committed, by this process or by another.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use super::{DbError, Runner, Tx};
use crate::run;

/// How often a SQLite file is asked; it answers from shared memory.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long a PostgreSQL server may be silent before it is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(5);

/// How long it may take to answer then, and to let itself be connected to.
const PATIENCE: Duration = Duration::from_secs(2);

/// What transactions announce themselves under on PostgreSQL.
const CHANNEL: &str = "committed";

/// Tells that something has been committed. On SQLite that is every transaction, whoever made it; on PostgreSQL those
/// that were [announced](Tx::announce).
#[derive(Debug)]
pub struct Watch(Watching);

#[derive(Debug)]
enum Watching {
    Sqlite {
        connection: Box<SqliteConnection>,
        version: i64,
    },
    Postgres(Box<PgListener>),
}

impl Watch {
    pub(super) async fn file(connect: SqliteConnectOptions) -> Result<Self, DbError> {
        let mut connection = SqliteConnection::connect_with(&connect.pragma("query_only", "ON")).await?;
        let version = data_version(&mut connection).await?;
        Ok(Self(Watching::Sqlite {
            connection: Box::new(connection),
            version,
        }))
    }

    pub(super) async fn server(connect: &PgConnectOptions) -> Result<Self, DbError> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(connect.clone());
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            // What happens until a connection is made anew is unknown, so that is not done unseen.
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok(Self(Watching::Postgres(Box::new(listener))))
        };
        within(PATIENCE, listening).await
    }

    /// Waits until something has been committed, a fifth of a second longer at most on SQLite. Something may have been
    /// missed after an error: begin anew then. May be dropped at any time.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn changed(&mut self) -> Result<(), DbError> {
        match &mut self.0 {
            Watching::Sqlite { connection, version } => loop {
                tokio::time::sleep(INTERVAL).await;
                let now = data_version(connection).await?;
                if std::mem::replace(version, now) != now {
                    return Ok(());
                }
            },
            Watching::Postgres(listener) => {
                match tokio::time::timeout(SILENCE, listener.try_recv()).await {
                    Ok(Ok(Some(_))) => Ok(()),
                    Ok(Ok(None)) => Err(DbError::timed_out("the connection was lost")),
                    Ok(Err(error)) => Err(error.into()),
                    // A server that has vanished does not say so.
                    Err(_silent) => {
                        let asked = sqlx::query("SELECT 1").execute(&mut **listener);
                        within(PATIENCE, asked).await?;
                        Ok(())
                    }
                }
            }
        }
    }
}

async fn within<T>(limit: Duration, answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DbError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(DbError::timed_out("it did not answer in time")),
    }
}

async fn data_version(connection: &mut SqliteConnection) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await?)
}

impl Tx {
    /// Lets those who watch know about this transaction once it is committed. SQLite does so by itself.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn announce(&mut self) -> Result<(), DbError> {
        const ANNOUNCE: super::PerDialect = super::PerDialect {
            sqlite: "SELECT '' WHERE FALSE",
            postgres: "SELECT CAST(pg_notify('committed', '') AS TEXT)",
        };
        if self.dialect() == super::Dialect::Postgres {
            run!(self, fetch_all, query_scalar::<_, String>, ANNOUNCE)?;
        }
        Ok(())
    }
}
