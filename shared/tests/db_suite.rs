//! What both databases must do alike. Each function runs once on SQLite and once on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

mod db_support;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::{Duration, Instant};

use db_support::{Fixture, MIGRATIONS, add_shelf, and_then, count_shelves, shelves};
use shared::db::{Database, DbError, Dialect, Migrations, PerDialect, Runner, Thoroughness, run};

/// What a newer release would bring.
static NEWER: LazyLock<Migrations> = LazyLock::new(|| and_then("ALTER TABLE books ADD COLUMN author TEXT"));

macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                super::$test(super::Fixture::sqlite()).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                if let Some(fixture) = super::Fixture::postgres() {
                    super::$test(fixture).await;
                }
            })*
        }
    };
}

on_both! {
    a_closed_database_refuses_at_once,
    a_conflict_is_recognised_and_can_be_avoided,
    a_database_of_a_newer_release_is_refused_and_left_alone,
    a_glance_sees_what_is_committed_and_nobody_waits_for_it,
    a_healthy_database_has_no_problems,
    a_lease_has_one_holder_until_it_is_released,
    a_lease_is_shared_by_many_or_held_by_one,
    a_reader_cannot_write,
    a_reader_sees_one_state_throughout,
    a_statement_may_differ_by_dialect,
    an_abandoned_wait_for_a_turn_leaves_no_trace,
    an_older_database_is_brought_up_to_date,
    committed_changes_stay_and_dropped_ones_vanish,
    concurrent_writers_all_succeed,
    opening_again_migrates_nothing_twice,
    rolled_back_changes_are_gone_at_once,
    two_first_starts_at_once_both_succeed,
    values_come_back_as_they_went_in,
    waiting_for_a_turn_ends_within_the_bound,
    work_that_is_given_up_anywhere_leaves_no_trace,
    what_is_committed_wakes_those_who_watch,
}

async fn committed_changes_stay_and_dropped_ones_vanish(fixture: Fixture) {
    let database = fixture.open().await;
    let mut kept = database.write().await.unwrap();
    add_shelf(&mut kept, "kept").await.unwrap();
    kept.commit().await.unwrap();
    let mut dropped = database.write().await.unwrap();
    add_shelf(&mut dropped, "dropped").await.unwrap();
    drop(dropped);
    assert_eq!(shelves(&database).await, 1);
    database.close().await;
    assert_eq!(shelves(&fixture.open().await).await, 1);
}

async fn rolled_back_changes_are_gone_at_once(fixture: Fixture) {
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "undone").await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(shelves(&database).await, 0);
}

async fn a_reader_sees_one_state_throughout(fixture: Fixture) {
    let database = fixture.open().await;
    let mut reader = database.read().await.unwrap();
    assert_eq!(count_shelves(&mut reader).await, 0);
    let mut writer = database.write().await.unwrap();
    add_shelf(&mut writer, "later").await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(count_shelves(&mut reader).await, 0);
    drop(reader);
    assert_eq!(shelves(&database).await, 1);
}

async fn a_reader_cannot_write(fixture: Fixture) {
    let database = fixture.open().await;
    let mut reader = database.read().await.unwrap();
    let refused = add_shelf(&mut reader, "no").await.unwrap_err();
    assert!(matches!(refused, DbError::Query(_)), "{refused}");
}

async fn concurrent_writers_all_succeed(mut fixture: Fixture) {
    fixture.options.acquire_timeout = Duration::from_secs(60);
    const WRITERS: i64 = 20;
    const ROUNDS: i64 = 5;
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    let shelf = add_shelf(&mut tx, "busy").await.unwrap();
    tx.commit().await.unwrap();
    let writers = (0..WRITERS).map(|_| {
        let database = database.clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                let mut tx = database.write().await.unwrap();
                run!(
                    tx,
                    execute,
                    query,
                    "UPDATE shelves SET total = total + 1 WHERE id = $1",
                    shelf
                )
                .unwrap();
                tx.commit().await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut tx = database.read().await.unwrap();
    let total = run!(
        tx,
        fetch_one,
        query_scalar::<_, i64>,
        "SELECT total FROM shelves WHERE id = $1",
        shelf
    );
    assert_eq!(total.unwrap(), WRITERS * ROUNDS);
}

async fn an_abandoned_wait_for_a_turn_leaves_no_trace(mut fixture: Fixture) {
    fixture.options.pg_max_connections = 1;
    let database = fixture.open().await;
    let first = database.write().await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(20), database.write()).await;
    assert!(waiting.is_err(), "there should have been no second turn");
    first.commit().await.unwrap();
    let mut next = database.write().await.unwrap();
    add_shelf(&mut next, "next").await.unwrap();
    next.commit().await.unwrap();
    assert_eq!(shelves(&database).await, 1);
}

/// Gives up on the work when it has to wait for the n-th time. Whether it came to its end before.
async fn give_up_at(n: usize, work: impl Future) -> bool {
    let mut work = pin!(work);
    let mut waits = 0;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => {
            waits += 1;
            if waits < n { Poll::Pending } else { Poll::Ready(false) }
        }
    })
    .await
}

async fn work_that_is_given_up_anywhere_leaves_no_trace(fixture: Fixture) {
    let database = fixture.open().await;
    let mut completed = 0;
    for n in (1..20).cycle().take(100) {
        let work = async {
            let mut tx = database.write().await.unwrap();
            add_shelf(&mut tx, "gone").await.unwrap();
            add_shelf(&mut tx, "gone too").await.unwrap();
        };
        completed += u32::from(give_up_at(n, work).await);
        let reading = async {
            let mut tx = database.read().await.unwrap();
            assert_eq!(count_shelves(&mut tx).await, 0);
            let mut glance = database.glance().await.unwrap();
            let count = "SELECT COUNT(*) FROM shelves";
            assert_eq!(run!(glance, fetch_one, query_scalar::<_, i64>, count).unwrap(), 0);
        };
        give_up_at(n, reading).await;
    }
    assert!((1..100).contains(&completed), "{completed} were not given up");
    let mut tx = database.write().await.unwrap();
    assert_eq!(count_shelves(&mut tx).await, 0);
    add_shelf(&mut tx, "here").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shelves(&database).await, 1);
}

async fn a_glance_sees_what_is_committed_and_nobody_waits_for_it(fixture: Fixture) {
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "one").await.unwrap();
    let glance = async |is_done: bool| {
        let mut glance = database.glance().await.unwrap();
        let count = "SELECT COUNT(*) FROM shelves";
        let count = run!(glance, fetch_one, query_scalar::<_, i64>, count).unwrap();
        if is_done {
            glance.done();
        }
        count
    };
    // More of them than there are connections.
    for number in 0..30 {
        assert_eq!(glance(number % 2 == 0).await, 0);
    }
    tx.commit().await.unwrap();
    assert_eq!(glance(true).await, 1);
}

async fn waiting_for_a_turn_ends_within_the_bound(mut fixture: Fixture) {
    fixture.options.pg_max_connections = 1;
    // Opening and what succeeds must keep to it too.
    fixture.options.acquire_timeout = Duration::from_secs(2);
    let database = fixture.open().await;
    let holder = database.write().await.unwrap();
    let start = Instant::now();
    let refused = database.write().await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused}");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "waited {:?}",
        start.elapsed()
    );
    drop(holder);
    database.write().await.unwrap();
}

async fn a_database_of_a_newer_release_is_refused_and_left_alone(fixture: Fixture) {
    Database::open(&fixture.options, &NEWER).await.unwrap().close().await;
    for _ in 0..2 {
        let refused = Database::open(&fixture.options, &MIGRATIONS).await.unwrap_err();
        assert!(matches!(refused, DbError::Newer { found: 2, known: 1 }), "{refused}");
    }
    Database::open(&fixture.options, &NEWER).await.unwrap();
}

async fn an_older_database_is_brought_up_to_date(fixture: Fixture) {
    let older = fixture.open().await;
    let mut tx = older.write().await.unwrap();
    add_shelf(&mut tx, "old").await.unwrap();
    tx.commit().await.unwrap();
    older.close().await;
    let newer = Database::open_existing(&fixture.options, &NEWER).await.unwrap();
    let mut tx = newer.read().await.unwrap();
    assert_eq!(count_shelves(&mut tx).await, 1);
    run!(
        tx,
        fetch_all,
        query_scalar::<_, Option<String>>,
        "SELECT author FROM books"
    )
    .unwrap();
}

async fn opening_again_migrates_nothing_twice(fixture: Fixture) {
    const APPLIED: &str = "SELECT version, CAST(installed_on AS TEXT) FROM _sqlx_migrations";
    let mut seen = Vec::new();
    for _ in 0..2 {
        let database = fixture.open().await;
        let mut tx = database.read().await.unwrap();
        seen.push(run!(tx, fetch_all, query_as::<_, (i64, String)>, APPLIED).unwrap());
        drop(tx);
        database.close().await;
    }
    assert_eq!(seen[0].len(), 1);
    assert_eq!(seen[0], seen[1]);
}

async fn two_first_starts_at_once_both_succeed(fixture: Fixture) {
    let (one, other) = tokio::join!(
        Database::open(&fixture.options, &MIGRATIONS),
        Database::open(&fixture.options, &MIGRATIONS)
    );
    assert_eq!(shelves(&one.unwrap()).await, 0);
    assert_eq!(shelves(&other.unwrap()).await, 0);
}

async fn a_lease_has_one_holder_until_it_is_released(fixture: Fixture) {
    let (one, other) = (fixture.open().await, fixture.open().await);
    let mut held = one.lease("sweep").await.unwrap().expect("nobody has it");
    assert!(other.lease("sweep").await.unwrap().is_none());
    assert!(one.lease("sweep").await.unwrap().is_none());
    assert!(other.lease("report").await.unwrap().is_some());
    assert!(held.still_held().await);
    held.release().await;
    assert!(other.lease("sweep").await.unwrap().is_some());
}

async fn a_lease_is_shared_by_many_or_held_by_one(fixture: Fixture) {
    let (one, other) = (fixture.open().await, fixture.open().await);
    let shares = [
        one.share("serving").await.unwrap(),
        other.share("serving").await.unwrap(),
    ];
    let [Some(first), Some(second)] = shares else {
        panic!("both may have a share")
    };
    first.release().await;
    assert!(one.lease("serving").await.unwrap().is_none());
    second.release().await;
    let alone = one
        .lease("serving")
        .await
        .unwrap()
        .expect("nobody has a share any more");
    assert!(other.share("serving").await.unwrap().is_none());
    alone.release().await;
    assert!(other.share("serving").await.unwrap().is_some());
}

async fn a_statement_may_differ_by_dialect(fixture: Fixture) {
    const NAMED: PerDialect = PerDialect {
        sqlite: "SELECT COUNT(*) FROM shelves WHERE name IN (SELECT value FROM json_each($1))",
        postgres: "SELECT COUNT(*) FROM shelves WHERE name IN (SELECT jsonb_array_elements_text($1::jsonb))",
    };
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    for name in ["a", "b", "c"] {
        add_shelf(&mut tx, name).await.unwrap();
    }
    let found = run!(tx, fetch_one, query_scalar::<_, i64>, NAMED, r#"["a", "c", "x"]"#);
    assert_eq!(found.unwrap(), 2);
    assert_eq!(tx.dialect(), database.dialect());
    assert_eq!(database.path().is_some(), database.dialect() == Dialect::Sqlite);
}

#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
struct Book {
    title: String,
    cover: Option<Vec<u8>>,
    pages: Option<i64>,
    is_lent: bool,
}

async fn values_come_back_as_they_went_in(fixture: Fixture) {
    const ADD: &str = "
        INSERT INTO books (shelf, title, cover, pages, is_lent)
        VALUES ($1, $2, $3, $4, $5)";
    const ALL: &str = "
        SELECT title, cover, pages, is_lent
        FROM books
        WHERE shelf = $1 AND (is_lent = $2 OR pages IS NOT NULL)
        ORDER BY id";
    let book = |title: &str, cover: Option<&[u8]>, pages, is_lent| Book {
        title: title.to_owned(),
        cover: cover.map(<[u8]>::to_vec),
        pages,
        is_lent,
    };
    let books = [
        book("Zähler \u{1F4D6}", Some(&[0, 255, 0, 1]), Some(i64::MAX), true),
        book("", Some(&[]), Some(i64::MIN), false),
        book("no cover", None, None, true),
    ];
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    let shelf = add_shelf(&mut tx, "odd").await.unwrap();
    for book in books.clone() {
        let added = run!(
            tx,
            execute,
            query,
            ADD,
            shelf,
            book.title,
            book.cover,
            book.pages,
            book.is_lent
        );
        assert_eq!(added.unwrap(), 1);
    }
    tx.commit().await.unwrap();
    let mut tx = database.read().await.unwrap();
    assert_eq!(
        run!(tx, fetch_all, query_as::<_, Book>, ALL, shelf, true).unwrap(),
        books
    );
    let first = run!(tx, fetch_optional, query_as::<_, Book>, ALL, shelf, true).unwrap();
    assert_eq!(first.as_ref(), books.first());
    assert_eq!(
        run!(tx, fetch_optional, query_as::<_, Book>, ALL, shelf + 1, true).unwrap(),
        None
    );
}

async fn a_conflict_is_recognised_and_can_be_avoided(fixture: Fixture) {
    const UNLESS_THERE: &str = "INSERT INTO shelves (name) VALUES ($1) ON CONFLICT DO NOTHING";
    let database = fixture.open().await;
    let mut tx = database.write().await.unwrap();
    add_shelf(&mut tx, "only").await.unwrap();
    assert_eq!(run!(tx, execute, query, UNLESS_THERE, "only").unwrap(), 0);
    let refused = add_shelf(&mut tx, "only").await.unwrap_err();
    assert!(refused.is_unique_violation() && !refused.is_unavailable(), "{refused}");
}

async fn a_healthy_database_has_no_problems(fixture: Fixture) {
    let database = fixture.open().await;
    database.ping().await.unwrap();
    database.checkpoint().await.unwrap();
    for thoroughness in [Thoroughness::Quick, Thoroughness::Full] {
        assert_eq!(database.problems(thoroughness).await.unwrap(), Vec::<String>::new());
    }
}

async fn a_closed_database_refuses_at_once(fixture: Fixture) {
    let database = fixture.open().await;
    database.close().await;
    let refused = database.read().await.unwrap_err();
    assert!(
        matches!(refused, DbError::Closed) && refused.is_unavailable(),
        "{refused}"
    );
}

async fn what_is_committed_wakes_those_who_watch(fixture: Fixture) {
    let (here, elsewhere) = (fixture.open().await, fixture.open().await);
    let mut watch = here.watch().await.unwrap();
    for name in ["first", "second"] {
        let mut tx = elsewhere.write().await.unwrap();
        add_shelf(&mut tx, name).await.unwrap();
        tx.announce().await.unwrap();
        tx.commit().await.unwrap();
        watch.changed().await.unwrap();
    }
    assert_eq!(shelves(&here).await, 2);
}
