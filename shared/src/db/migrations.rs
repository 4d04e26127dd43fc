//! Bringing a database to the version this program knows, never backwards.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::DbError;

/// The numbered changes that make up a schema, as embedded by `sqlx::migrate!`.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// For SQLite.
    pub sqlite: &'static Migrator,
    /// For PostgreSQL, with the same numbers.
    pub postgres: &'static Migrator,
}

impl Migrations {
    /// The version a database has once all of them are applied; 0 if there are none.
    #[must_use]
    pub fn newest(&self) -> i64 {
        newest(self.sqlite).max(newest(self.postgres))
    }
}

/// How the schema of a database stands to what this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// It is what this program makes of it.
    Current(i64),
    /// The next start brings it up to date.
    Older {
        /// The version recorded in the database; 0 for an empty one.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// A newer program has changed it.
    Newer {
        /// The version recorded in the database.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The change with this number was another one when it was made than it is in this program.
    Foreign(i64),
}

impl Schema {
    /// `applied` has the numbers and checksums of the changes that were made, the earliest first.
    fn compare(applied: &[(i64, Vec<u8>)], migrator: &Migrator) -> Self {
        let known = newest(migrator);
        let found = applied.last().map_or(0, |(version, _)| *version);
        if found > known {
            return Self::Newer { found, known };
        }
        let of_program = |version| migrator.iter().find(|migration| migration.version == version);
        let foreign = applied
            .iter()
            .find(|(version, checksum)| of_program(*version).is_none_or(|ours| *ours.checksum != **checksum));
        match foreign {
            Some((version, _)) => Self::Foreign(*version),
            None if found < known => Self::Older { found, known },
            None => Self::Current(found),
        }
    }
}

fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
}

fn refuse_newer(found: i64, migrator: &Migrator) -> Result<(), DbError> {
    let known = newest(migrator);
    if found > known {
        Err(DbError::Newer { found, known })
    } else {
        Ok(())
    }
}

/// Applies what is missing in one transaction, so that a second process waits and then finds everything done.
///
/// The connection has foreign keys off, as SQLite asks for when tables are rebuilt (dropping a table would otherwise
/// delete the rows that refer to it); references are checked before the changes are made to last.
pub(super) async fn migrate_sqlite(connection: &mut SqliteConnection, migrator: &Migrator) -> Result<(), DbError> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found = sqlite_version(&mut tx).await?;
    refuse_newer(found, migrator)?;
    migrator.run_direct(None, &mut *tx, false).await?;
    if found != newest(migrator) {
        let dangling = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *tx).await?.len();
        if dangling > 0 {
            return Err(DbError::DanglingReferences(dangling));
        }
    }
    Ok(tx.commit().await?)
}

/// How the schema of a database stands; nothing is changed.
pub(super) async fn sqlite_schema(connection: &mut SqliteConnection, migrator: &Migrator) -> Result<Schema, DbError> {
    let mut applied = Vec::new();
    if sqlite_version(&mut *connection).await? > 0 {
        applied = sqlx::query_as(APPLIED).fetch_all(connection).await?;
    }
    Ok(Schema::compare(&applied, migrator))
}

/// How the schema of a database stands; nothing is changed.
pub(super) async fn postgres_schema(connection: &mut PgConnection, migrator: &Migrator) -> Result<Schema, DbError> {
    let mut applied = Vec::new();
    if postgres_version(&mut *connection).await? > 0 {
        applied = sqlx::query_as(APPLIED).fetch_all(connection).await?;
    }
    Ok(Schema::compare(&applied, migrator))
}

async fn sqlite_version(connection: &mut SqliteConnection) -> Result<i64, DbError> {
    const RECORDED: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let recorded: i64 = sqlx::query_scalar(RECORDED).fetch_one(&mut *connection).await?;
    if recorded == 0 {
        return Ok(0);
    }
    Ok(sqlx::query_scalar(NEWEST_APPLIED).fetch_one(connection).await?)
}

/// Applies what is missing, each step in a transaction of its own, under a lock of the whole database.
///
/// The lock belongs to the connection: the caller closes it, so that the lock goes even when this fails.
pub(super) async fn migrate_postgres(connection: &mut PgConnection, migrator: &Migrator) -> Result<(), DbError> {
    refuse_newer(postgres_version(connection).await?, migrator)?;
    let outcome = migrator.run_direct(None, &mut *connection, false).await;
    if let Err(MigrateError::VersionMissing(_)) = outcome {
        // A newer program was at work while this one waited for the lock.
        refuse_newer(postgres_version(connection).await?, migrator)?;
    }
    Ok(outcome?)
}

async fn postgres_version(connection: &mut PgConnection) -> Result<i64, DbError> {
    const RECORDED: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let recorded: bool = sqlx::query_scalar(RECORDED).fetch_one(&mut *connection).await?;
    if !recorded {
        return Ok(0);
    }
    Ok(sqlx::query_scalar(NEWEST_APPLIED).fetch_one(connection).await?)
}

const NEWEST_APPLIED: &str = "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM _sqlx_migrations";

const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
