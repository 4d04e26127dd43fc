//! A library of shelves and books to try the databases on.

#![allow(dead_code, reason = "not every test binary uses all of it")]

use shared::db::{Database, DbError, DbOptions, Migrations, Tx, run};
use shared::testing::{self, TestDatabase};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use tempfile::TempDir;

static SQLITE: Migrator = sqlx::migrate!("tests/migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("tests/migrations/postgres");

pub(crate) const MIGRATIONS: Migrations = Migrations {
    sqlite: &SQLITE,
    postgres: &POSTGRES,
};

/// The same schema and one change more.
pub(crate) fn and_then(sql: &'static str) -> Migrations {
    let extended = |base: &Migrator| {
        let change = Migration::new(2, "change".into(), MigrationType::Simple, sql.into_sql_str(), false);
        &*Box::leak(Box::new(Migrator::with_migrations(
            base.iter().cloned().chain([change]).collect(),
        )))
    };
    Migrations {
        sqlite: extended(&SQLITE),
        postgres: extended(&POSTGRES),
    }
}

/// A database that does not exist yet, or is empty.
pub(crate) struct Fixture {
    pub(crate) options: DbOptions,
    _keep: Keep,
}

enum Keep {
    Directory { _it: TempDir },
    Server { _it: TestDatabase },
}

impl Fixture {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("library.db").display());
        Self {
            options: DbOptions::at(url),
            _keep: Keep::Directory { _it: directory },
        }
    }

    pub(crate) fn postgres() -> Option<Self> {
        let database = testing::postgres()?;
        Some(Self {
            options: DbOptions::at(&database.url),
            _keep: Keep::Server { _it: database },
        })
    }

    pub(crate) async fn open(&self) -> Database {
        Database::open(&self.options, &MIGRATIONS).await.unwrap()
    }
}

pub(crate) async fn add_shelf(tx: &mut Tx, name: &str) -> Result<i64, DbError> {
    run!(
        tx,
        fetch_one,
        query_scalar::<_, i64>,
        "INSERT INTO shelves (name) VALUES ($1) RETURNING id",
        name
    )
}

pub(crate) async fn count_shelves(tx: &mut Tx) -> i64 {
    run!(tx, fetch_one, query_scalar::<_, i64>, "SELECT COUNT(*) FROM shelves").unwrap()
}

pub(crate) async fn shelves(database: &Database) -> i64 {
    count_shelves(&mut database.read().await.unwrap()).await
}
