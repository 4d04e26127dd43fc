//! What can go wrong with a database, and whether asking again later may help.

use std::io;
use std::path::PathBuf;

use sqlx::migrate::MigrateError;

/// Why the database did not do what was asked. The text is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The URL names no database we know how to open.
    #[error("the database URL is not usable: {0}")]
    Url(String),
    /// There is no database file and it was not to be created.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// The database file or its directory cannot be used.
    #[error("cannot use {}: {source}", .path.display())]
    File {
        /// What could not be used.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A newer release has changed the database in ways this one does not know.
    #[error(
        "the database was written by a newer version of this program (version {found}, this program knows up to \
         {known}); install the newer program or restore a backup"
    )]
    Newer {
        /// The version recorded in the database.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// Bringing the database up to date failed; nothing was changed by the step that failed.
    #[error("the database cannot be brought up to date: {0}")]
    Migration(#[source] MigrateError),
    /// A migration left rows that point nowhere, so it was undone.
    #[error("the database cannot be brought up to date: {0} rows would refer to rows that are not there")]
    DanglingReferences(usize),
    /// What was asked for exists on the other kind of database only.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The disk of a SQLite database is full; nothing was changed, not even by a commit that failed so.
    #[error("no room is left for the database: {0}")]
    Full(#[source] sqlx::Error),
    /// The database is busy, starting, stopping or cannot be reached; the same request may succeed later. After a
    /// failed commit it is not known whether the changes were made.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database has been closed, for the program is about to end.
    #[error("the database has been closed")]
    Closed,
    /// The database refused a statement, or answered with something unexpected.
    #[error(transparent)]
    Query(sqlx::Error),
}

impl DbError {
    /// Whether the same request may succeed later: the caller answers 503 rather than 500.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Closed)
    }

    /// Whether a row was refused because one like it is there.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Query(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Whether the statement itself has succeeded, but with something else than was expected.
    pub(super) fn is_of_what_was_found(&self) -> bool {
        use sqlx::Error as E;
        matches!(
            self,
            Self::Query(E::RowNotFound | E::ColumnDecode { .. } | E::ColumnNotFound(_) | E::Decode(_))
        )
    }

    pub(super) fn timed_out(what: &'static str) -> Self {
        Self::Unavailable(what.into())
    }

    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed => Self::Closed,
            error if is_full(&error) => Self::Full(error),
            error if is_passing(&error) => Self::Unavailable(error.into()),
            error => Self::Query(error),
        }
    }
}

impl From<MigrateError> for DbError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) if is_full(&error) => Self::Full(error),
            MigrateError::ExecuteMigration(error, _) if is_full(&error) => Self::Full(error),
            MigrateError::Execute(error) if is_passing(&error) => Self::Unavailable(error.into()),
            MigrateError::ExecuteMigration(error, _) if is_passing(&error) => Self::Unavailable(error.into()),
            other => Self::Migration(other),
        }
    }
}

fn is_passing(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    match error {
        E::PoolTimedOut | E::Io(_) | E::WorkerCrashed | E::BeginFailed => true,
        E::Database(error) => {
            let code = error.code().unwrap_or_default();
            match error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
                Some(_) => code.parse().is_ok_and(is_passing_in_sqlite),
                None => is_passing_in_postgres(&code),
            }
        }
        _ => false,
    }
}

fn is_full(error: &sqlx::Error) -> bool {
    const FULL: i32 = 13;
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let of_sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
    let code: Option<i32> = error.code().and_then(|code| code.parse().ok());
    of_sqlite && code.is_some_and(|code| code & 0xff == FULL)
}

/// BUSY and LOCKED, whatever the extended code adds in the higher bits.
const fn is_passing_in_sqlite(extended_code: i32) -> bool {
    matches!(extended_code & 0xff, 5 | 6)
}

fn is_passing_in_postgres(sqlstate: &str) -> bool {
    const CLASSES: [&str; 2] = ["08", "53"]; // connection lost, insufficient resources
    const STATES: [&str; 9] = [
        "57P01", // administrator stops the server
        "57P02", // server crashed
        "57P03", // server is starting or stopping
        "57P05", // session was idle for too long
        "57014", // statement timeout
        "55P03", // lock timeout
        "25P03", // transaction was idle for too long
        "40P01", // deadlock
        "40001", // serialization failure
    ];
    CLASSES.iter().any(|class| sqlstate.starts_with(class)) || STATES.contains(&sqlstate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_database_passes_but_corruption_does_not() {
        assert!([5, 6, 517, 261].into_iter().all(is_passing_in_sqlite));
        assert!(![1, 10, 11, 13, 19, 26, 2067].into_iter().any(is_passing_in_sqlite));
    }

    #[test]
    fn a_stopping_server_passes_but_a_wrong_password_does_not() {
        assert!(
            ["57P01", "57P03", "53300", "08006", "55P03"]
                .into_iter()
                .all(is_passing_in_postgres)
        );
        assert!(
            !["28P01", "3D000", "23505", "42P01"]
                .into_iter()
                .any(is_passing_in_postgres)
        );
    }

    #[test]
    fn a_newer_database_says_what_to_do() {
        let text = DbError::Newer { found: 7, known: 5 }.to_string();
        assert!(
            text.contains("version 7") && text.contains("up to 5") && text.contains("install the newer"),
            "{text}"
        );
    }
}
