//! What is particular to a PostgreSQL server, which can go away and come back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

mod db_support;

use std::time::{Duration, Instant};

use db_support::{Fixture, MIGRATIONS, add_shelf, shelves};
use shared::db::{Database, DbOptions, run};
use shared::testing::PostgresServer;

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_is_reported_within_the_bound_and_found_again_when_it_is_back() {
    let Some(mut server) = PostgresServer::start() else {
        return;
    };
    let place = tokio::task::block_in_place(|| server.database());
    let options = DbOptions {
        acquire_timeout: Duration::from_secs(2),
        ..DbOptions::at(&place.url)
    };
    let database = Database::open(&options, &MIGRATIONS).await.unwrap();
    let mut lease = database.lease("sweep").await.unwrap().unwrap();
    let mut open = database.write().await.unwrap();
    add_shelf(&mut open, "cut off").await.unwrap();

    tokio::task::block_in_place(|| server.stop());
    let cut_off = open.commit().await.unwrap_err();
    assert!(cut_off.is_unavailable(), "{cut_off}");
    assert!(!lease.still_held().await);
    for _ in 0..3 {
        let start = Instant::now();
        let refused = database.read().await.unwrap_err();
        assert!(refused.is_unavailable(), "{refused}");
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "waited {:?}",
            start.elapsed()
        );
    }
    let refused = Database::open(&options, &MIGRATIONS).await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused}");
    assert!(database.lease("sweep").await.unwrap_err().is_unavailable());

    tokio::task::block_in_place(|| server.restart());
    assert_eq!(shelves(&database).await, 0);
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "after").await.unwrap();
    tx.commit().await.unwrap();
    assert!(database.lease("sweep").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_cut_by_the_server_are_replaced_unnoticed() {
    const CUT: &str = "
        SELECT COUNT(pg_terminate_backend(pid))
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let Some(fixture) = Fixture::postgres() else { return };
    let (one, other) = (fixture.open().await, fixture.open().await);
    let both = tokio::join!(one.read(), one.read());
    drop(both);
    let mut tx = other.write().await.unwrap();
    assert!(run!(tx, fetch_one, query_scalar::<_, i64>, CUT).unwrap() >= 1);
    tx.commit().await.unwrap();
    for _ in 0..4 {
        assert_eq!(shelves(&one).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_waits_for_nothing_without_limit() {
    const LIMITS: &str = "
        SELECT setting
        FROM pg_settings
        WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')
        ORDER BY name";
    let Some(fixture) = Fixture::postgres() else { return };
    let database = fixture.open().await;
    let mut tx = database.read().await.unwrap();
    let limits = run!(tx, fetch_all, query_scalar::<_, String>, LIMITS).unwrap();
    assert_eq!(limits, ["60000", "5000", "15000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_or_name_is_not_taken_for_a_passing_failure() {
    let Some(fixture) = Fixture::postgres() else { return };
    let mut url = fixture.options.url.clone();
    let query = url.find('?').unwrap_or(url.len());
    url.insert_str(query, "_missing");
    let refused = Database::open(&DbOptions::at(url), &MIGRATIONS).await.unwrap_err();
    assert!(!refused.is_unavailable(), "{refused}");
}
