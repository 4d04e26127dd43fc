//! The old server's database, which is only read.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use shared::db::{Dialect, Parts, Runner, SqlText};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};

use super::ImportError;

/// Where the old database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    File(PathBuf),
    /// With its address, which may hold a password.
    Server(String),
}

/// The old database, of which one state is seen however long it takes.
pub(super) struct OldDatabase {
    connection: Driver,
    guard: Option<Guard>,
}

enum Driver {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// Sees that nobody changes a file that is read, and removes the copy of it.
struct Guard {
    files: Vec<(PathBuf, Option<(u64, SystemTime)>)>,
    copy: Option<PathBuf>,
}

/// What may stand beside a SQLite file and is part of it.
const LOGS: [&str; 2] = ["-wal", "-journal"];

const OTHERS: &str = "SELECT COUNT(*)
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";

impl Place {
    /// The database that PySOGS means by this address (`community-operations.md` section 2).
    pub(super) fn parse(url: &str, folder: &Path) -> Result<Self, ImportError> {
        if let Some(path) = url.strip_prefix("sqlite:///") {
            return Ok(Self::File(folder.join(path)));
        }
        // SQLAlchemy names its driver behind a plus.
        match url.split_once("://") {
            Some((scheme, rest)) if scheme == "postgres" || scheme.split('+').next() == Some("postgresql") => {
                Ok(Self::Server(format!("postgresql://{rest}")))
            }
            _ => Err(ImportError::BadUrl(url.to_owned())),
        }
    }

    /// Without what is nobody's business.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(url) => match url.rsplit_once('@') {
                Some((_, rest)) => format!("postgresql://…@{rest}"),
                None => url.clone(),
            },
        }
    }
}

impl Runner for OldDatabase {
    fn dialect(&self) -> Dialect {
        match self.connection {
            Driver::Sqlite(_) => Dialect::Sqlite,
            Driver::Postgres(_) => Dialect::Postgres,
        }
    }

    fn connection(&mut self) -> Parts<'_> {
        match &mut self.connection {
            Driver::Sqlite(connection) => Parts::Sqlite(connection),
            Driver::Postgres(connection) => Parts::Postgres(connection),
        }
    }
}

impl OldDatabase {
    /// Opens a database to read it. Nothing is written beside a SQLite file, so one whose write-ahead log holds something
    /// is copied into `work` first.
    pub(super) async fn open(place: &Place, work: &Path) -> Result<Self, ImportError> {
        match place {
            Place::File(path) => open_file(path, work).await,
            Place::Server(url) => open_server(url).await,
        }
    }

    /// Numbers that may take long to find.
    pub(super) async fn numbers(&mut self, text: impl SqlText) -> Result<Vec<i64>, ImportError> {
        let text = text.text(self.dialect());
        Ok(match self.connection() {
            Parts::Sqlite(connection) => sqlx::query_scalar(text).fetch_all(connection).await?,
            Parts::Postgres(connection) => sqlx::query_scalar(text).fetch_all(connection).await?,
        })
    }

    /// One such number; 0 if there is none.
    pub(super) async fn number(&mut self, text: impl SqlText) -> Result<i64, ImportError> {
        Ok(self.numbers(text).await?.first().copied().unwrap_or(0))
    }

    /// How many other programs are connected to a database server's database; that of a file has been locked.
    pub(super) async fn others(&mut self) -> Result<u64, ImportError> {
        if self.dialect() == Dialect::Sqlite {
            return Ok(0);
        }
        Ok(self.number(OTHERS).await?.unsigned_abs())
    }

    /// Makes sure that all that was read was of one state.
    pub(super) fn check_unchanged(&self) -> Result<(), ImportError> {
        self.guard.as_ref().map_or(Ok(()), Guard::check)
    }
}

async fn open_file(path: &Path, work: &Path) -> Result<OldDatabase, ImportError> {
    if !path.is_file() {
        return Err(ImportError::NoDatabase(path.to_owned()));
    }
    refuse_running(path)?;
    let mut guard = Guard::new(path)?;
    let logs: Vec<&str> = LOGS
        .iter()
        .copied()
        .filter(|log| guard.has(&with_suffix(path, log)))
        .collect();
    let options = if !logs.is_empty() {
        let copy = work.join("import-source");
        remove_folder(&copy)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&copy)
            .map_err(ImportError::io(&copy))?;
        guard.copy = Some(copy.clone());
        let copied = copy.join("source.db");
        copy_file(path, &copied)?;
        for log in logs {
            copy_file(&with_suffix(path, log), &with_suffix(&copied, log))?;
        }
        guard.check()?;
        SqliteConnectOptions::new().filename(copied)
    } else {
        SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .immutable(true)
    };
    let mut connection = options
        .foreign_keys(false)
        .row_buffer_size(512)
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::query("BEGIN DEFERRED").execute(&mut connection).await?;
    Ok(OldDatabase {
        connection: Driver::Sqlite(Box::new(connection)),
        guard: Some(guard),
    })
}

async fn open_server(url: &str) -> Result<OldDatabase, ImportError> {
    let options = PgConnectOptions::from_str(url)?
        .options([("default_transaction_read_only", "on"), ("statement_timeout", "0")])
        .disable_statement_logging();
    let mut connection = PgConnection::connect_with(&options).await?;
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .execute(&mut connection)
        .await?;
    Ok(OldDatabase {
        connection: Driver::Postgres(Box::new(connection)),
        guard: None,
    })
}

/// Every program that has a SQLite database open locks a part of it. Where the file may not be written to nobody can be
/// asked.
fn refuse_running(path: &Path) -> Result<(), ImportError> {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else {
        return Ok(());
    };
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::AGAIN | Errno::ACCESS) => Err(ImportError::SourceRuns(path.display().to_string())),
        _ => Ok(()),
    }
}

impl Guard {
    fn new(path: &Path) -> Result<Self, ImportError> {
        let files = [path.to_owned()]
            .into_iter()
            .chain(LOGS.map(|log| with_suffix(path, log)));
        let stamped = files.map(|path| stamp(&path).map(|stamp| (path, stamp)));
        Ok(Self {
            files: stamped.collect::<Result<_, _>>()?,
            copy: None,
        })
    }

    /// Whether there is something in this file.
    fn has(&self, path: &Path) -> bool {
        self.files.iter().any(|(other, stamp)| other == path && stamp.is_some())
    }

    fn check(&self) -> Result<(), ImportError> {
        for (path, before) in &self.files {
            if stamp(path)? != *before {
                return Err(ImportError::Changed(path.clone()));
            }
        }
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(copy) = &self.copy {
            let _ = remove_folder(copy);
        }
    }
}

/// Size and time of the last change; `None` for what is not there or empty.
fn stamp(path: &Path) -> Result<Option<(u64, SystemTime)>, ImportError> {
    match fs::metadata(path) {
        Ok(found) if found.len() > 0 => {
            let modified = found.modified().map_err(ImportError::io(path))?;
            Ok(Some((found.len(), modified)))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ImportError::io(path)(error)),
    }
}

fn copy_file(from: &Path, to: &Path) -> Result<(), ImportError> {
    let mut source = File::open(from).map_err(ImportError::io(from))?;
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(ImportError::io(to))?;
    io::copy(&mut source, &mut target).map_err(ImportError::io(to))?;
    Ok(())
}

fn remove_folder(path: &Path) -> Result<(), ImportError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ImportError::io(path)(error)),
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_pysogs_means_them() {
        let folder = Path::new("/srv/sogs");
        let file = |url| Place::parse(url, folder).unwrap();
        assert_eq!(file("sqlite:///sogs.db"), Place::File("/srv/sogs/sogs.db".into()));
        assert_eq!(file("sqlite:////var/lib/x.db"), Place::File("/var/lib/x.db".into()));
        assert_eq!(
            file("postgresql+psycopg2://u:p@db/sogs"),
            Place::Server("postgresql://u:p@db/sogs".to_owned())
        );
        assert!(!file("postgresql://u:hunter2@db/sogs").shown().contains("hunter2"));
        for bad in ["mysql://x", "sqlite:sogs.db", "sogs.db", ""] {
            assert!(
                matches!(Place::parse(bad, folder), Err(ImportError::BadUrl(_))),
                "{bad}"
            );
        }
    }
}
