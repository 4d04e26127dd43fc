//! The SQLite side: one connection that writes, several that read, one that keeps the write-ahead log short.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::lanes::Lanes;
use super::migrations::{Schema, migrate_sqlite, sqlite_schema};
use super::{DbError, DbOptions};

/// While a checkpoint waits for readers it holds up the writer, so it does not wait long.
const CHECKPOINT_PATIENCE: Duration = Duration::from_millis(200);
/// How long closing may wait for transactions that are still open.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct SqliteBackend {
    path: PathBuf,
    writer: Lanes,
    readers: Lanes,
    upkeep: Lanes,
    /// For work on a connection of its own.
    connect: SqliteConnectOptions,
    wal_limit: u64,
}

impl SqliteBackend {
    /// Opens the file, which must be there, and brings it up to date.
    pub(super) async fn open(path: &Path, options: &DbOptions, migrator: &Migrator) -> Result<Self, DbError> {
        let connect = connect_options(path, options);
        let writing = connect
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("wal_autocheckpoint", "0")
            // What is deleted is overwritten with zeros, not only forgotten.
            .pragma("secure_delete", "ON")
            .pragma("journal_size_limit", options.wal_limit.to_string());

        let mut connection = writing.clone().foreign_keys(false).connect().await?;
        let migrated = migrate_sqlite(&mut connection, migrator).await;
        connection.close().await?;
        migrated?;

        let lanes = |count, connect| Lanes::new(count, options.acquire_timeout, connect);
        let writer = lanes(1, writing.clone());
        writer.take().await?.done();
        Ok(Self {
            path: path.to_owned(),
            upkeep: lanes(1, writing.busy_timeout(CHECKPOINT_PATIENCE)),
            writer,
            readers: lanes(options.read_connections, connect.clone().pragma("query_only", "ON")),
            connect,
            wal_limit: options.wal_limit,
        })
    }

    /// Opens the file, which must be there, as it is: nothing can be changed through what this gives.
    pub(super) async fn look(path: &Path, options: &DbOptions, migrator: &Migrator) -> Result<(Self, Schema), DbError> {
        let connect = connect_options(path, options).pragma("query_only", "ON");
        let mut connection = connect.connect().await?;
        let schema = sqlite_schema(&mut connection, migrator).await;
        connection.close().await?;
        let lanes = |count| Lanes::new(count, options.acquire_timeout, connect.clone());
        let backend = Self {
            path: path.to_owned(),
            upkeep: lanes(1),
            writer: lanes(1),
            readers: lanes(options.read_connections),
            connect: connect.clone(),
            wal_limit: options.wal_limit,
        };
        Ok((backend, schema?))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn connect_options(&self) -> &SqliteConnectOptions {
        &self.connect
    }

    pub(super) fn readers(&self) -> &Lanes {
        &self.readers
    }

    pub(super) fn writer(&self) -> &Lanes {
        &self.writer
    }

    /// Moves what the write-ahead log holds into the database file, without holding anybody up; a log that has grown
    /// beyond its limit is also emptied, if no reader is in the way.
    pub(super) async fn checkpoint(&self) -> Result<(), DbError> {
        let mut upkeep = self.upkeep.take().await?;
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(&mut *upkeep)
            .await?;
        if self.wal_size() > self.wal_limit {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&mut *upkeep)
                .await?;
        }
        upkeep.done();
        Ok(())
    }

    /// Bytes in the write-ahead log's file; zero if there is none.
    pub(super) fn wal_size(&self) -> u64 {
        fs::metadata(beside(&self.path, "-wal")).map_or(0, |metadata| metadata.len())
    }

    /// What SQLite finds wrong with the file, at most a hundred lines.
    pub(super) async fn problems(&self, thorough: bool) -> Result<Vec<String>, DbError> {
        let check = if thorough {
            "PRAGMA integrity_check(100)"
        } else {
            "PRAGMA quick_check(100)"
        };
        let mut reader = self.readers.take().await?;
        let mut found: Vec<String> = match sqlx::query_scalar(check).fetch_all(&mut *reader).await {
            Ok(lines) => lines,
            Err(error) => match DbError::from(error) {
                // Damage can be such that the check itself fails.
                DbError::Query(error) => return Ok(vec![error.to_string()]),
                other => return Err(other),
            },
        };
        found.retain(|line| line != "ok");
        if found.is_empty() {
            let dangling = sqlx::query("PRAGMA foreign_key_check")
                .fetch_all(&mut *reader)
                .await?
                .len();
            if dangling > 0 {
                found.push(format!("{dangling} rows refer to rows that are not there"));
            }
        }
        Ok(found)
    }

    /// Writes a compact copy of the database to a file that is not there yet.
    pub(super) async fn copy_to(&self, target: &Path) -> Result<(), DbError> {
        let invalid = || DbError::file(target)(io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"));
        let text = target.to_str().ok_or_else(invalid)?;
        create_private(target).map_err(DbError::file(target))?;
        let mut connection = self.connect.connect().await?;
        let copied = sqlx::query("VACUUM INTO $1").bind(text).execute(&mut connection).await;
        connection.close().await?;
        if let Err(error) = copied {
            let _ = fs::remove_file(target);
            return Err(error.into());
        }
        let file = fs::File::open(target).map_err(DbError::file(target))?;
        file.sync_all().map_err(DbError::file(target))
    }

    /// Empties the write-ahead log and closes the file.
    pub(super) async fn close(&self) {
        self.readers.close(CLOSE_PATIENCE).await;
        if let Err(error) = self.empty_log().await {
            tracing::debug!(%error, "the write-ahead log could not be emptied; the next start reads it");
        }
        self.upkeep.close(CLOSE_PATIENCE).await;
        self.writer.close(CLOSE_PATIENCE).await;
    }

    async fn empty_log(&self) -> Result<(), sqlx::Error> {
        let upkeep = self.upkeep.take().await?;
        upkeep.end("PRAGMA wal_checkpoint(TRUNCATE)").await
    }
}

fn connect_options(path: &Path, options: &DbOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.acquire_timeout)
        // A page of messages fits, so that the thread that reads it does not wait for the one that takes it.
        .row_buffer_size(512)
        .disable_statement_logging()
}

/// Makes an empty file that only its owner can read, unless there is one; it survives a power cut.
pub(super) fn ensure_file(path: &Path) -> Result<(), DbError> {
    match create_private(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(DbError::file(path)(error)),
    }
}

fn create_private(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .sync_all()?;
    path.parent()
        .map_or(Ok(()), |directory| fs::File::open(directory)?.sync_all())
}

/// The file of this name with something appended, where SQLite and we keep what belongs to it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
