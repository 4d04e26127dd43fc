//! Changes of a SQLite file that become lasting together: nothing is promised before it is on the disk, and none of them
//! takes anything of another with it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure ends the test")]

mod db_support;

use std::fs;
use std::pin::pin;
use std::time::Duration;

use db_support::{Fixture, add_shelf, shelves};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use shared::db::{Database, DbError, Tx, run};

/// How many transactions the write-ahead log holds: frames that say how large the database is then.
fn commits(database: &Database) -> usize {
    let log = fs::read(format!("{}-wal", database.path().unwrap().display())).unwrap();
    if log.is_empty() {
        return 0;
    }
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let frame = 24 + number(8) as usize;
    let frames = (32..log.len()).step_by(frame);
    frames
        .filter(|at| log[at + 8..at + 16] == log[16..24] && number(at + 4) > 0)
        .count()
}

/// Whether it has not come to an end yet; it has made its first step then.
fn waits<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
    future.now_or_never().is_none()
}

async fn first(database: &Database) -> Tx {
    named(database, "first").await
}

async fn named(database: &Database, name: &str) -> Tx {
    let mut tx = database.write_with_others().await.unwrap();
    add_shelf(&mut tx, name).await.unwrap();
    tx
}

/// A change that is done and waits, and the next one, which goes on with the connection.
async fn done_and_next(database: &Database, name: &str) -> (BoxFuture<'static, Result<(), DbError>>, Tx) {
    let done = named(database, name).await;
    let mut next = Box::pin(database.write_with_others());
    assert!(waits(&mut next));
    let mut done = done.commit().boxed();
    assert!(waits(&mut done));
    (done, next.await.unwrap())
}

async fn names(database: &Database) -> Vec<String> {
    let mut tx = database.read().await.unwrap();
    run!(
        tx,
        fetch_all,
        query_scalar::<_, String>,
        "SELECT name FROM shelves ORDER BY name"
    )
    .unwrap()
}

#[tokio::test]
async fn nobody_is_answered_before_the_flush_that_does_for_all() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let one = first(&database).await;
    let before = commits(&database);
    let mut two = pin!(database.write_with_others());
    let mut three = pin!(database.write_with_others());
    assert!(waits(&mut two) && waits(&mut three));

    let mut one = pin!(one.commit());
    assert!(waits(&mut one), "another goes on");
    let mut two = two.await.unwrap();
    add_shelf(&mut two, "second").await.unwrap();
    let mut two = pin!(two.commit());
    assert!(waits(&mut two), "another goes on");
    let mut three = three.await.unwrap();
    add_shelf(&mut three, "third").await.unwrap();
    assert!(waits(&mut one) && waits(&mut two));
    assert_eq!(shelves(&database).await, 0, "nobody else sees anything yet");

    three.commit().await.unwrap();
    one.await.unwrap();
    two.await.unwrap();
    assert_eq!(names(&database).await, ["first", "second", "third"]);
    assert_eq!(commits(&database), before + 1);
}

#[tokio::test]
async fn what_is_undone_takes_nothing_of_others_with_it() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let one = first(&database).await;
    let mut waiting: Vec<_> = (0..6).map(|_| Box::pin(database.write_with_others())).collect();
    for turn in &mut waiting {
        assert!(waits(turn));
    }
    let mut done = vec![Box::pin(one.commit())];
    assert!(waits(&mut done[0]));
    for (at, turn) in waiting.into_iter().enumerate() {
        let mut tx = turn.await.unwrap();
        add_shelf(&mut tx, &format!("number {at}")).await.unwrap();
        match at {
            0 => tx.rollback().await.unwrap(),
            1 | 4 => drop(tx),
            2 => {
                let missing = "INSERT INTO books (shelf, title) VALUES (1000, 'x') RETURNING id";
                let failed = run!(tx, fetch_one, query_scalar::<_, i64>, missing);
                assert!(matches!(failed, Err(DbError::Query(_))), "{failed:?}");
                assert!(tx.commit().await.is_err());
            }
            _ => {
                let mut commit = Box::pin(tx.commit());
                let is_last = at == 5;
                if !is_last {
                    assert!(waits(&mut commit));
                }
                done.push(commit);
            }
        }
    }
    for commit in join_all(done).await {
        commit.unwrap();
    }
    assert_eq!(names(&database).await, ["first", "number 3", "number 5"]);
}

#[tokio::test]
async fn if_the_last_is_undone_the_others_become_lasting_all_the_same() {
    for explicitly in [true, false] {
        let fixture = Fixture::sqlite();
        let database = fixture.open().await;
        let (one, mut two) = done_and_next(&database, "first").await;
        add_shelf(&mut two, "second").await.unwrap();
        if explicitly {
            two.rollback().await.unwrap();
        } else {
            drop(two);
        }
        one.await.unwrap();
        assert_eq!(names(&database).await, ["first"]);
    }
}

#[tokio::test]
async fn when_everything_is_undone_nobody_is_told_otherwise() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let one = first(&database).await;
    let mut two = pin!(database.write_with_others());
    let mut three = pin!(database.write_with_others());
    assert!(waits(&mut two) && waits(&mut three));
    let mut one = pin!(one.commit());
    assert!(waits(&mut one));
    let mut two = two.await.unwrap();
    add_shelf(&mut two, "second").await.unwrap();
    // As SQLite does by itself when the disk is full or fails.
    let all = "INSERT OR ROLLBACK INTO shelves (name) VALUES (NULL) RETURNING id";
    assert!(run!(two, fetch_one, query_scalar::<_, i64>, all).is_err());
    assert!(two.commit().await.is_err());
    let lost = one.await.unwrap_err();
    assert!(lost.is_unavailable(), "{lost}");
    let mut three = three.await.unwrap();
    add_shelf(&mut three, "third").await.unwrap();
    three.commit().await.unwrap();
    assert_eq!(names(&database).await, ["third"]);
}

#[tokio::test]
async fn what_must_not_become_lasting_does_not_keep_others_from_it() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let (one, mut two) = done_and_next(&database, "first").await;
    run!(two, execute, query, "PRAGMA defer_foreign_keys = ON").unwrap();
    let missing = "INSERT INTO books (shelf, title) VALUES (1000, 'x')";
    run!(two, execute, query, missing).unwrap();
    let refused = two.commit().await;
    assert!(matches!(refused, Err(DbError::Query(_))), "{refused:?}");
    one.await.unwrap();
    assert_eq!(names(&database).await, ["first"]);
}

#[tokio::test]
async fn whoever_has_given_up_is_not_waited_for() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    // Before it would be its turn.
    let one = first(&database).await;
    let mut two = Box::pin(database.write_with_others());
    assert!(waits(&mut two));
    drop(two);
    one.commit().await.unwrap();

    // When it is its turn, and it does not know yet.
    let one = named(&database, "second").await;
    let mut two = Box::pin(database.write_with_others());
    assert!(waits(&mut two));
    let mut one = pin!(one.commit());
    assert!(waits(&mut one));
    drop(two);
    one.await.unwrap();

    // When it waits for the others.
    let (one, two) = done_and_next(&database, "third").await;
    drop(one);
    two.commit().await.unwrap();
    assert_eq!(shelves(&database).await, 3);
}

#[tokio::test]
async fn nobody_waits_for_ever_for_those_who_come_to_nothing() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let one = first(&database).await;
    let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(database.write_with_others())).collect();
    for turn in &mut waiting {
        assert!(waits(turn));
    }
    let mut one = pin!(one.commit());
    let mut answer = (&mut one).now_or_never();
    let mut turns = 0;
    for turn in waiting {
        let mut tx = turn.await.unwrap();
        add_shelf(&mut tx, "refused").await.unwrap();
        drop(tx);
        if answer.is_none() {
            turns += 1;
            answer = (&mut one).now_or_never();
        }
    }
    answer.expect("it is still not answered").unwrap();
    assert!(turns < 50, "{turns}");
    assert_eq!(names(&database).await, ["first"]);
}

#[tokio::test]
async fn long_changes_are_kept_apart() {
    let fixture = Fixture::sqlite();
    let database = fixture.open().await;
    let one = first(&database).await;
    let mut long = pin!(database.write());
    assert!(waits(&mut long));
    one.commit().await.unwrap();
    assert_eq!(shelves(&database).await, 1);
    let mut long = long.await.unwrap();
    add_shelf(&mut long, "long").await.unwrap();
    let mut two = pin!(database.write_with_others());
    assert!(waits(&mut two));
    long.commit().await.unwrap();
    assert_eq!(shelves(&database).await, 2);
    two.await.unwrap().commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_gets_what_it_was_promised() {
    let mut fixture = Fixture::sqlite();
    fixture.options.acquire_timeout = Duration::from_secs(60);
    let database = fixture.open().await;
    let before = commits(&database);
    let change = async |number: usize| {
        let mut tx = database.write_with_others().await.unwrap();
        add_shelf(&mut tx, &format!("{number:03}")).await.unwrap();
        match number % 5 {
            0 => drop(tx),
            1 => tx.rollback().await.unwrap(),
            _ => tx.commit().await.unwrap(),
        }
    };
    join_all((0..300).map(change)).await;
    let kept: Vec<_> = (0..300)
        .filter(|number| number % 5 > 1)
        .map(|number| format!("{number:03}"))
        .collect();
    assert_eq!(names(&database).await, kept);
    let made = commits(&database) - before;
    assert!(made < kept.len() / 2, "{made} flushes");
}
