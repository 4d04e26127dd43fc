//! The rows: which files there are, which ids are blocked, which blobs are still to be deleted.

mod blocked;
mod copy;
mod files;
mod repair;
mod statistics;
mod survey;

pub use blocked::Blocked;
pub use copy::Copied;
pub use files::{FileRow, NewFile};
pub use statistics::{CheckCount, KEPT_DAYS};
pub use survey::{Day, Usage};

use shared::db::{Database, DbError, DbOptions, Migrations};
use sqlx::migrate::Migrator;

static SQLITE: Migrator = sqlx::migrate!("../migrations/fileserver/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/fileserver/postgres");

/// The schema of the file server, for both databases.
pub const MIGRATIONS: Migrations = Migrations {
    sqlite: &SQLITE,
    postgres: &POSTGRES,
};

/// The rows of the file server. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    db: Database,
}

impl Store {
    /// Opens the database and brings it up to date; a SQLite file that is not there is made.
    ///
    /// # Errors
    ///
    /// As for [`Database::open`].
    pub async fn open(options: &DbOptions) -> Result<Self, DbError> {
        Ok(Self {
            db: Database::open(options, &MIGRATIONS).await?,
        })
    }

    /// The same for a database that must be there already.
    ///
    /// # Errors
    ///
    /// As for [`Database::open_existing`].
    pub async fn open_existing(options: &DbOptions) -> Result<Self, DbError> {
        Ok(Self {
            db: Database::open_existing(options, &MIGRATIONS).await?,
        })
    }

    /// The rows of a database that is open.
    #[must_use]
    pub fn on(database: &Database) -> Self {
        Self { db: database.clone() }
    }

    /// The database itself, for health checks, leases and checkpoints.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.db
    }
}
