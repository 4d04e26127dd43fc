//! The database as the rest of the program sees it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::lease::{Lease, Share};
use super::options::Target;
use super::postgres::PostgresBackend;
use super::sqlite::{self, SqliteBackend};
use super::transaction::{Glance, Glancing, Inner};
use super::watch::Watch;
use super::{DbError, DbOptions, Dialect, Migrations, PerDialect, Schema, Tx};
use crate::run;

/// The pause after a failed attempt; it doubles from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_millis(500);

/// An open database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Database(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    backend: Backend,
    patience: Duration,
}

#[derive(Debug)]
enum Backend {
    Sqlite(SqliteBackend),
    Postgres(PostgresBackend),
}

/// How hard [`Database::problems`] looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoroughness {
    /// The structure of the file.
    Quick,
    /// The structure and every index against its table, which takes several times as long.
    Full,
}

impl Database {
    /// Opens a database and brings it up to date. A SQLite file that is not there is made, readable by its owner only;
    /// its directory must be there.
    ///
    /// # Errors
    /// [`DbError::Newer`] if a newer program has changed the database, which is then left as it is;
    /// [`DbError::Unavailable`] if it cannot be reached within the acquire timeout.
    pub async fn open(options: &DbOptions, migrations: &Migrations) -> Result<Self, DbError> {
        Self::open_target(options.url.parse()?, options, migrations, true).await
    }

    /// The same for a database that must be there already.
    ///
    /// # Errors
    /// As for [`Database::open`], and [`DbError::Missing`] if there is no SQLite file.
    pub async fn open_existing(options: &DbOptions, migrations: &Migrations) -> Result<Self, DbError> {
        Self::open_target(options.url.parse()?, options, migrations, false).await
    }

    async fn open_target(
        target: Target,
        options: &DbOptions,
        migrations: &Migrations,
        create: bool,
    ) -> Result<Self, DbError> {
        let patience = options.acquire_timeout;
        let backend = match target {
            Target::Sqlite(path) => {
                if create {
                    sqlite::ensure_file(&path)?;
                } else if !path.exists() {
                    return Err(DbError::Missing(path));
                }
                let open = || SqliteBackend::open(&path, options, migrations.sqlite);
                Backend::Sqlite(persist(patience, open).await?)
            }
            Target::Postgres(connect) => {
                let open = || PostgresBackend::open((*connect).clone(), options, migrations.postgres);
                Backend::Postgres(persist(patience, open).await?)
            }
        };
        Ok(Self(Arc::new(Shared { backend, patience })))
    }

    /// Opens a database as it is, to look at it: it is neither made nor brought up to date, and nothing can be changed
    /// through what this gives. Says how its schema stands to what this program knows.
    ///
    /// # Errors
    /// As for [`Database::open_existing`]; a newer schema is none.
    pub async fn look(options: &DbOptions, migrations: &Migrations) -> Result<(Self, Schema), DbError> {
        let patience = options.acquire_timeout;
        let (backend, schema) = match options.url.parse()? {
            Target::Sqlite(path) if !path.exists() => return Err(DbError::Missing(path)),
            Target::Sqlite(path) => {
                let open = || SqliteBackend::look(&path, options, migrations.sqlite);
                let (backend, schema) = persist(patience, open).await?;
                (Backend::Sqlite(backend), schema)
            }
            Target::Postgres(connect) => {
                let open = || PostgresBackend::look((*connect).clone(), options, migrations.postgres);
                let (backend, schema) = persist(patience, open).await?;
                (Backend::Postgres(backend), schema)
            }
        };
        Ok((Self(Arc::new(Shared { backend, patience })), schema))
    }

    /// The version of SQLite or of the PostgreSQL server.
    ///
    /// # Errors
    /// As for [`Database::read`].
    pub async fn engine(&self) -> Result<String, DbError> {
        const VERSION: PerDialect = PerDialect {
            sqlite: "SELECT sqlite_version()",
            postgres: "SELECT current_setting('server_version')",
        };
        let mut tx = self.read().await?;
        run!(tx, fetch_one, query_scalar::<_, String>, VERSION)
    }

    /// Which of the two databases this is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.0.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The SQLite file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => Some(sqlite.path()),
            Backend::Postgres(_) => None,
        }
    }

    /// Begins a transaction that only reads. All its statements see the state at the first of them.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] if there is no turn, or no database, within the acquire timeout.
    pub async fn read(&self) -> Result<Tx, DbError> {
        self.begin(Mode::Read).await
    }

    /// Begins a transaction that writes. SQLite has one at a time; on PostgreSQL they run side by side and see what
    /// others have committed before each statement. Other processes that write to a SQLite file are waited for by the
    /// first statement, with which the transaction begins.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] if there is no turn, or no database, within the acquire timeout.
    pub async fn write(&self) -> Result<Tx, DbError> {
        self.begin(Mode::Write).await
    }

    /// The same for a short change that somebody waits for, and that waits for nothing but the database itself: on SQLite
    /// it may become lasting together with others, with one flush to the disk for all. [`Tx::commit`] returns when it
    /// has, as always.
    ///
    /// # Errors
    /// As for [`Database::write`].
    pub async fn write_with_others(&self) -> Result<Tx, DbError> {
        self.begin(Mode::WriteWithOthers).await
    }

    /// For a single statement that only reads: it costs less than a transaction around it.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] if there is no turn, or no database, within the acquire timeout.
    pub async fn glance(&self) -> Result<Glance, DbError> {
        self.patiently(|| self.glance_once()).await
    }

    async fn begin(&self, mode: Mode) -> Result<Tx, DbError> {
        self.patiently(|| self.begin_once(mode)).await
    }

    async fn patiently<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T, DbError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let patience = self.0.patience;
        match tokio::time::timeout(patience, persist(patience, attempt)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(DbError::timed_out("no transaction could begin in time")),
        }
    }

    async fn glance_once(&self) -> Result<Glance, DbError> {
        Ok(Glance(match &self.0.backend {
            Backend::Sqlite(sqlite) => Glancing::Sqlite(sqlite.readers().take().await?),
            Backend::Postgres(postgres) => Glancing::Postgres(postgres.pool().acquire().await?),
        }))
    }

    async fn begin_once(&self, mode: Mode) -> Result<Tx, DbError> {
        let tx = match (&self.0.backend, mode) {
            (Backend::Sqlite(sqlite), Mode::Read) => {
                Inner::Sqlite(sqlite.readers().take().await?.begin("BEGIN DEFERRED"))
            }
            (Backend::Sqlite(sqlite), Mode::Write) => Inner::Sqlite(sqlite.writer().take().await?.begin(BEGIN_WRITING)),
            (Backend::Sqlite(sqlite), Mode::WriteWithOthers) => {
                Inner::Sqlite(sqlite.writer().join(BEGIN_WRITING).await?)
            }
            (Backend::Postgres(postgres), Mode::Read) => Inner::Postgres(
                postgres
                    .begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            ),
            (Backend::Postgres(postgres), Mode::Write | Mode::WriteWithOthers) => {
                Inner::Postgres(postgres.begin("BEGIN ISOLATION LEVEL READ COMMITTED").await?)
            }
        };
        Ok(Tx(tx))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// As for [`Database::read`].
    pub async fn ping(&self) -> Result<(), DbError> {
        let mut tx = self.read().await?;
        run!(tx, fetch_one, query_scalar::<_, i64>, "SELECT CAST(1 AS BIGINT)")?;
        Ok(())
    }

    /// Takes the lease of this name (lower-case letters, digits, hyphens), or `None` if it is held already.
    ///
    /// # Errors
    /// If the database, or the lock file beside it, cannot be used.
    pub async fn lease(&self, name: &str) -> Result<Option<Lease>, DbError> {
        self.take_lease(name, Share::Alone).await
    }

    /// Takes a share in the lease of this name, or `None` if somebody has it alone. While anybody shares it nobody gets
    /// it alone.
    ///
    /// # Errors
    /// As for [`Database::lease`].
    pub async fn share(&self, name: &str) -> Result<Option<Lease>, DbError> {
        self.take_lease(name, Share::WithOthers).await
    }

    async fn take_lease(&self, name: &str, share: Share) -> Result<Option<Lease>, DbError> {
        debug_assert!(
            name.bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        );
        match &self.0.backend {
            Backend::Sqlite(sqlite) => Lease::take_file(sqlite.path(), name, share),
            Backend::Postgres(postgres) => Lease::take_session(postgres.connect_options(), name, share).await,
        }
    }

    /// Begins to watch for what is committed, by this process or by another, on a connection of its own.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn watch(&self) -> Result<Watch, DbError> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => Watch::file(sqlite.connect_options().clone()).await,
            Backend::Postgres(postgres) => Watch::server(postgres.connect_options()).await,
        }
    }

    /// Moves SQLite's write-ahead log into the database file; to be called every few seconds, for nothing else does it.
    /// PostgreSQL looks after itself.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn checkpoint(&self) -> Result<(), DbError> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.checkpoint().await,
            Backend::Postgres(_) => Ok(()),
        }
    }

    /// What is wrong with the database, a line each; nothing, if all is well. On SQLite this reads the whole file; on
    /// PostgreSQL it only asks whether the server answers, which checks its own pages.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub async fn problems(&self, thoroughness: Thoroughness) -> Result<Vec<String>, DbError> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.problems(thoroughness == Thoroughness::Full).await,
            Backend::Postgres(_) => self.ping().await.map(|()| Vec::new()),
        }
    }

    /// Writes a consistent copy of a SQLite database to a file that is not there yet, while work goes on.
    ///
    /// # Errors
    /// [`DbError::Unsupported`] on PostgreSQL, which has its own tools; [`DbError::File`] if the file cannot be made.
    pub async fn copy_to(&self, target: &Path) -> Result<(), DbError> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.copy_to(target).await,
            Backend::Postgres(_) => Err(DbError::Unsupported("a PostgreSQL database is copied with pg_dump")),
        }
    }

    /// Closes all connections, after a few seconds even those in use. On SQLite the write-ahead log is emptied first.
    pub async fn close(&self) {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close().await,
        }
    }
}

#[derive(Clone, Copy)]
enum Mode {
    Read,
    Write,
    WriteWithOthers,
}

const BEGIN_WRITING: &str = "BEGIN IMMEDIATE";

/// Tries again, after growing pauses, while the database is not available and patience lasts.
async fn persist<T, F>(patience: Duration, mut attempt: impl FnMut() -> F) -> Result<T, DbError>
where
    F: Future<Output = Result<T, DbError>>,
{
    let deadline = Instant::now() + patience;
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt().await {
            Err(error @ DbError::Unavailable(_)) if Instant::now() + pause < deadline => {
                tracing::debug!(%error, "trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
            }
            outcome => return outcome,
        }
    }
}
