//! The PostgreSQL side: a pool whose sessions never wait without limit.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{ConnectOptions, Connection, Postgres, Transaction};

use super::migrations::{Schema, migrate_postgres, postgres_schema};
use super::{DbError, DbOptions};

/// How long closing may wait for transactions that are still open.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Limits of every session, so that neither side can hold the other up for ever.
const SESSION: [(&str, &str); 6] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "60s"),
    // Lets the server notice within half a minute that a machine has gone, with the locks it held.
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
];

/// A start may wait this long while another machine brings the database up to date, which itself may take any time.
const MIGRATION: [(&str, &str); 2] = [("statement_timeout", "0"), ("lock_timeout", "120s")];

#[derive(Debug)]
pub(super) struct PostgresBackend {
    connect: PgConnectOptions,
    pool: PgPool,
}

impl PostgresBackend {
    /// Connects and brings the database up to date.
    pub(super) async fn open(
        connect: PgConnectOptions,
        options: &DbOptions,
        migrator: &Migrator,
    ) -> Result<Self, DbError> {
        let connect = connect.options(SESSION).disable_statement_logging();
        let mut connection = connect_within(&connect.clone().options(MIGRATION), options.acquire_timeout).await?;
        let migrated = migrate_postgres(&mut connection, migrator).await;
        // The lock goes with the connection, if need be by dropping it.
        let _ = connection.close().await;
        migrated?;
        Ok(Self::on(connect, options))
    }

    /// Connects to the database as it is: nothing can be changed through what this gives.
    pub(super) async fn look(
        connect: PgConnectOptions,
        options: &DbOptions,
        migrator: &Migrator,
    ) -> Result<(Self, Schema), DbError> {
        const READ_ONLY: [(&str, &str); 1] = [("default_transaction_read_only", "on")];
        let connect = connect.options(SESSION).options(READ_ONLY).disable_statement_logging();
        let mut connection = connect_within(&connect, options.acquire_timeout).await?;
        let schema = postgres_schema(&mut connection, migrator).await;
        let _ = connection.close().await;
        Ok((Self::on(connect, options), schema?))
    }

    fn on(connect: PgConnectOptions, options: &DbOptions) -> Self {
        let pool = PoolOptions::new()
            .max_connections(options.pg_max_connections.max(1))
            .acquire_timeout(options.acquire_timeout)
            // After a restart of the server the connections left over from before are found out and replaced.
            .test_before_acquire(true)
            .connect_lazy_with(connect.clone());
        Self { connect, pool }
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Begins a transaction. The driver leaves one open that is given up while it begins, and whoever got the connection
    /// next would be in it, so it is begun to the end and then undone.
    pub(super) async fn begin(&self, statement: &'static str) -> Result<Transaction<'static, Postgres>, DbError> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(statement).await });
        Ok(begun.await.map_err(|error| DbError::Unavailable(error.into()))??)
    }

    /// How to open a connection of one's own, for what must not share one.
    pub(super) fn connect_options(&self) -> &PgConnectOptions {
        &self.connect
    }

    pub(super) async fn close(&self) {
        let _ = tokio::time::timeout(CLOSE_PATIENCE, self.pool.close()).await;
    }
}

/// Opens one connection, or gives up after `limit`.
pub(super) async fn connect_within(options: &PgConnectOptions, limit: Duration) -> Result<sqlx::PgConnection, DbError> {
    match tokio::time::timeout(limit, options.connect()).await {
        Ok(connection) => Ok(connection?),
        Err(_) => Err(DbError::timed_out("it did not accept a connection in time")),
    }
}
