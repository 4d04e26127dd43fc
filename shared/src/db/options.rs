//! Which database, and how much patience and how many connections it gets.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::DbError;

/// How to open a database.
#[derive(Clone)]
pub struct DbOptions {
    /// `sqlite:PATH` (or `sqlite://PATH`), or `postgres://USER:PASSWORD@HOST/NAME` (or `postgresql:`). A SQLite path is
    /// taken as it stands; it has no parameters.
    pub url: String,
    /// Connections that read a SQLite database side by side; one more writes. Default 4.
    pub read_connections: u32,
    /// Connections to PostgreSQL, besides one for each lease held. Default 10.
    pub pg_max_connections: u32,
    /// How long a transaction may wait for its turn or for an absent database. Default 5 s.
    pub acquire_timeout: Duration,
    /// A SQLite write-ahead log larger than this is cut down at the next checkpoint. Default 64 MiB.
    pub wal_limit: u64,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            read_connections: 4,
            pg_max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            wal_limit: 64 * 1024 * 1024,
        }
    }
}

impl DbOptions {
    /// The defaults for the database at this URL.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }
}

impl DbOptions {
    /// The file of a SQLite database.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        match self.url.parse() {
            Ok(Target::Sqlite(path)) => Some(path),
            _ => None,
        }
    }
}

/// Leaves the URL out, for it may hold a password.
impl fmt::Debug for DbOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.split_once(':').map_or("", |(scheme, _)| scheme);
        f.debug_struct("DbOptions")
            .field("url", &format_args!("{scheme}:…"))
            .field("read_connections", &self.read_connections)
            .field("pg_max_connections", &self.pg_max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("wal_limit", &self.wal_limit)
            .finish()
    }
}

/// What a URL points at.
pub(super) enum Target {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl FromStr for Target {
    type Err = DbError;

    fn from_str(url: &str) -> Result<Self, DbError> {
        match url.split_once(':') {
            Some(("sqlite", rest)) => sqlite_path(rest.strip_prefix("//").unwrap_or(rest)),
            Some(("postgres" | "postgresql", _)) => PgConnectOptions::from_str(url)
                .map(|options| Self::Postgres(Box::new(options)))
                .map_err(|error| DbError::Url(error.to_string())),
            _ => Err(DbError::Url("it must start with sqlite: or postgres:".to_owned())),
        }
    }
}

fn sqlite_path(path: &str) -> Result<Target, DbError> {
    if path.is_empty() {
        return Err(DbError::Url(
            "sqlite: must be followed by the path of a file".to_owned(),
        ));
    }
    if path.starts_with(':') || path.contains(['?', '\0']) {
        return Err(DbError::Url(
            "sqlite: takes the path of a file, without parameters or in-memory names".to_owned(),
        ));
    }
    // An absolute path stays right when the program changes directory, and cannot be taken for one of SQLite's URIs.
    std::path::absolute(path)
        .map(Target::Sqlite)
        .map_err(DbError::file(path))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn path_of(url: &str) -> Option<PathBuf> {
        match url.parse() {
            Ok(Target::Sqlite(path)) => Some(path),
            _ => None,
        }
    }

    #[test]
    fn sqlite_urls_name_a_file_with_or_without_slashes() {
        assert_eq!(
            path_of("sqlite:/var/lib/x.db").as_deref(),
            Some(Path::new("/var/lib/x.db"))
        );
        assert_eq!(
            path_of("sqlite:///var/lib/x.db").as_deref(),
            Some(Path::new("/var/lib/x.db"))
        );
        let here = std::env::current_dir().unwrap();
        assert_eq!(path_of("sqlite:data/x.db"), Some(here.join("data/x.db")));
        assert_eq!(path_of("sqlite://data/x.db"), Some(here.join("data/x.db")));
    }

    #[test]
    fn urls_that_would_be_misread_are_refused() {
        for url in [
            "",
            "mysql://x",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:x.db?mode=rwc",
            "postgres://host:port/x",
        ] {
            assert!(matches!(url.parse::<Target>(), Err(DbError::Url(_))), "{url}");
        }
    }

    #[test]
    fn debug_output_hides_the_password() {
        let text = format!("{:?}", DbOptions::at("postgres://user:hunter2@db/x"));
        assert!(!text.contains("hunter2"), "{text}");
    }
}
