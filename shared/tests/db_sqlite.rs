//! What is particular to the SQLite file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

mod db_support;

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use db_support::{Fixture, MIGRATIONS, add_shelf, and_then, shelves};
use shared::db::{Database, DbError, DbOptions, Thoroughness, Tx, run};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};

fn file_of(database: &Database) -> PathBuf {
    database.path().unwrap().to_owned()
}

async fn pragma(tx: &mut Tx, text: &'static str) -> String {
    run!(tx, fetch_one, query_as::<_, (String,)>, text).unwrap().0
}

#[tokio::test]
async fn every_connection_is_durable_and_checks_references() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    for tx in [
        &mut database.write().await.unwrap(),
        &mut database.read().await.unwrap(),
    ] {
        assert_eq!(pragma(tx, "SELECT journal_mode FROM pragma_journal_mode").await, "wal");
        assert_eq!(
            pragma(tx, "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous").await,
            "2"
        );
        assert_eq!(
            pragma(tx, "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys").await,
            "1"
        );
    }
    let mut tx = database.write().await.unwrap();
    let refused = run!(
        tx,
        execute,
        query,
        "INSERT INTO books (shelf, title) VALUES (7, 'lost')"
    )
    .unwrap_err();
    assert!(refused.to_string().contains("FOREIGN KEY"), "{refused}");
}

#[tokio::test]
async fn sqlite_is_compiled_as_the_workspace_says() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let tx = &mut database.read().await.unwrap();
    let options = "SELECT group_concat(compile_options, ' ') FROM pragma_compile_options";
    let options = pragma(tx, options).await;
    let is_set = |name: &str| options.split(' ').any(|option| option == name);
    assert!(is_set("DEFAULT_MEMSTATUS=0"), "`.cargo/config.toml` was not read");
    assert!(!is_set("ENABLE_MEMORY_MANAGEMENT"));
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    shelves(&database).await;
    let file = file_of(&database);
    for entry in fs::read_dir(file.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.path()
        );
    }
}

#[tokio::test]
async fn a_missing_file_is_not_made_for_a_command_that_only_looks() {
    let fixture = Fixture::sqlite();
    let refused = Database::open_existing(&fixture.options, &MIGRATIONS)
        .await
        .unwrap_err();
    let DbError::Missing(path) = refused else {
        panic!("{refused}")
    };
    assert!(!path.exists());
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let refused = Database::open(&DbOptions::at("sqlite:/nowhere/at/all.db"), &MIGRATIONS)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("/nowhere/at/all.db"), "{refused}");
}

#[tokio::test]
async fn another_process_that_writes_is_waited_for_within_the_bound() {
    let mut fixture = Fixture::sqlite();
    fixture.options.acquire_timeout = Duration::from_secs(1);
    let database = fixture.open().await;
    let mut other = SqliteConnectOptions::new()
        .filename(file_of(&database))
        .connect()
        .await
        .unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let start = Instant::now();
    let mut tx = database.write().await.unwrap();
    let refused = add_shelf(&mut tx, "early").await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused}");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "waited {:?}",
        start.elapsed()
    );
    assert_eq!(shelves(&database).await, 0, "readers go on");

    other.execute("COMMIT").await.unwrap();
    drop(tx);
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "now").await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_writer_gets_its_turn_when_the_other_process_is_done() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let mut other = SqliteConnectOptions::new()
        .filename(file_of(&database))
        .connect()
        .await
        .unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut tx = database.write().await.unwrap();
    let (turn, ended) = tokio::join!(add_shelf(&mut tx, "next"), other.execute("COMMIT"));
    ended.unwrap();
    turn.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shelves(&database).await, 1);
}

#[tokio::test]
async fn nothing_is_changed_in_a_transaction_that_could_not_begin() {
    let mut fixture = Fixture::sqlite();
    fixture.options.acquire_timeout = Duration::from_secs(1);
    let database = fixture.open().await;
    let mut other = SqliteConnectOptions::new()
        .filename(file_of(&database))
        .connect()
        .await
        .unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut asking = database.write().await.unwrap();
    let found = run!(
        asking,
        fetch_one,
        query_scalar::<_, i64>,
        "SELECT COUNT(*) FROM shelves"
    );
    assert!(found.unwrap_err().is_unavailable());
    let mut adding = asking;
    other.execute("COMMIT").await.unwrap();
    // The other is gone, so these would be changes of their own, which last at once.
    assert!(add_shelf(&mut adding, "stray").await.is_err());
    let found = run!(
        adding,
        fetch_one,
        query_scalar::<_, i64>,
        "SELECT COUNT(*) FROM shelves"
    );
    assert!(found.is_err());
    assert!(adding.commit().await.is_err());
    assert_eq!(shelves(&database).await, 0);
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "next").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shelves(&database).await, 1);
}

#[tokio::test]
async fn a_transaction_without_a_statement_comes_to_nothing() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    database.write().await.unwrap().commit().await.unwrap();
    database.write().await.unwrap().rollback().await.unwrap();
    drop(database.write().await.unwrap());
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "next").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shelves(&database).await, 1);
}

#[tokio::test]
async fn the_log_grows_until_a_checkpoint_cuts_it() {
    let mut fixture = Fixture::sqlite();
    fixture.options.wal_limit = 100_000;
    let database = fixture.open().await;
    let log = PathBuf::from(format!("{}-wal", file_of(&database).display()));
    for number in 0..50 {
        let mut tx = database.write().await.unwrap();
        add_shelf(&mut tx, &format!("{number} {}", "x".repeat(5_000)))
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert!(fs::metadata(&log).unwrap().len() > 100_000, "nothing else may cut it");
    database.checkpoint().await.unwrap();
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    assert_eq!(shelves(&database).await, 50);
}

#[tokio::test]
async fn closing_leaves_one_whole_file() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "kept").await.unwrap();
    tx.commit().await.unwrap();
    let file = file_of(&database);
    database.close().await;
    let files: Vec<_> = fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files, [file]);
}

#[tokio::test]
async fn damage_is_found() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    for number in 0..200 {
        let mut tx = database.write().await.unwrap();
        add_shelf(&mut tx, &format!("{number} {}", "x".repeat(500)))
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let path = file_of(&database);
    database.close().await;
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    file.write_all_at(&[0xff; 4096], (pages - 1) * 4096).unwrap();
    let problems = fixture.open().await.problems(Thoroughness::Full).await.unwrap();
    assert!(!problems.is_empty());
}

#[tokio::test]
async fn a_table_can_be_rebuilt_without_losing_what_refers_to_it() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    let shelf = add_shelf(&mut tx, "rebuilt").await.unwrap();
    run!(
        tx,
        execute,
        query,
        "INSERT INTO books (shelf, title) VALUES ($1, 'stays')",
        shelf
    )
    .unwrap();
    tx.commit().await.unwrap();
    database.close().await;
    let rebuilding = and_then(
        "CREATE TABLE shelves_new (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
         INSERT INTO shelves_new (id, name) SELECT id, name FROM shelves;
         DROP TABLE shelves;
         ALTER TABLE shelves_new RENAME TO shelves;",
    );
    let database = Database::open(&fixture.options, &rebuilding).await.unwrap();
    let mut tx = database.read().await.unwrap();
    assert_eq!(
        run!(tx, fetch_one, query_scalar::<_, i64>, "SELECT COUNT(*) FROM books").unwrap(),
        1
    );
}

#[tokio::test]
async fn a_migration_that_breaks_references_is_undone() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    let shelf = add_shelf(&mut tx, "needed").await.unwrap();
    run!(
        tx,
        execute,
        query,
        "INSERT INTO books (shelf, title) VALUES ($1, 'stays')",
        shelf
    )
    .unwrap();
    tx.commit().await.unwrap();
    database.close().await;
    let refused = Database::open(&fixture.options, &and_then("DELETE FROM shelves"))
        .await
        .unwrap_err();
    assert!(matches!(refused, DbError::DanglingReferences(1)), "{refused}");
    assert_eq!(shelves(&fixture.open().await).await, 1);
}

#[tokio::test]
async fn a_copy_made_while_work_goes_on_is_whole() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "copied").await.unwrap();
    tx.commit().await.unwrap();
    let mut open = database.write().await.unwrap();
    add_shelf(&mut open, "not yet").await.unwrap();
    let copy = file_of(&database).with_extension("copy");
    database.copy_to(&copy).await.unwrap();
    drop(open);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let again = database.copy_to(&copy).await.unwrap_err();
    assert!(matches!(again, DbError::File { .. }), "{again}");
    let copied = Database::open_existing(&DbOptions::at(format!("sqlite:{}", copy.display())), &MIGRATIONS)
        .await
        .unwrap();
    assert_eq!(shelves(&copied).await, 1);
}

#[tokio::test]
async fn what_was_deleted_is_not_in_the_file_any_more() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    // One that stands among others on a page, and one that fills pages of its own.
    let secrets = ["whispered in a corner", "shouted from the roofs"];
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "stays").await.unwrap();
    add_shelf(&mut tx, secrets[0]).await.unwrap();
    add_shelf(&mut tx, &secrets[1].repeat(2000)).await.unwrap();
    tx.commit().await.unwrap();
    database.checkpoint().await.unwrap();
    let seen = || {
        let file = fs::read(file_of(&database)).unwrap();
        let has = |text: &str| file.windows(text.len()).any(|bytes| bytes == text.as_bytes());
        [secrets[0], secrets[1], "stays"].map(has)
    };
    assert_eq!(seen(), [true, true, true]);
    let mut tx = database.write().await.unwrap();
    run!(tx, execute, query, "DELETE FROM shelves WHERE name <> 'stays'").unwrap();
    tx.commit().await.unwrap();
    database.checkpoint().await.unwrap();
    assert_eq!(seen(), [false, false, true]);
}

#[tokio::test]
async fn a_second_process_on_the_file_cannot_take_the_lease() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let _held = database.lease("sweep").await.unwrap().unwrap();
    let lock = format!("{}-sweep.lock", file_of(&database).display());
    let other = std::process::Command::new("flock")
        .args(["--nonblock", &lock, "true"])
        .status()
        .unwrap();
    assert!(!other.success());
}

#[tokio::test]
async fn closing_does_not_disturb_another_process() {
    let fixture = Fixture::sqlite();
    let (one, other) = (fixture.open().await, fixture.open().await);
    one.close().await;
    let mut tx = other.write().await.unwrap();
    add_shelf(&mut tx, "still works").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shelves(&other).await, 1);
}

#[tokio::test]
async fn a_full_disk_is_not_taken_for_something_that_passes() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    run!(tx, fetch_one, query_scalar::<_, i64>, "PRAGMA max_page_count = 1").unwrap();
    let refused = run!(
        tx,
        execute,
        query,
        "INSERT INTO shelves (name) VALUES (hex(zeroblob(1000000)))"
    )
    .unwrap_err();
    assert!(matches!(refused, DbError::Full(_)), "{refused}");
    assert!(!refused.is_unavailable());
}
