//! Clients that send too slowly are cut, so that nobody can hold on to connections and memory.

use std::time::Duration;

use e2e::{Setup, Upload, WireAnswer};

use crate::{get, start, upload};

/// The server says 408 if it still can, and closes.
fn is_timeout(answer: Option<&WireAnswer>) -> bool {
    answer.is_none_or(|answer| answer.status == 408)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let server = start!(Setup::SqliteLocal, "http.head_timeout = \"1s\"");
    let mut nothing = Upload::raw(server.address()).await;
    let mut half = Upload::raw(server.address()).await;
    half.send(b"POST /file HTTP/1.1\r\nHost: loc").await.unwrap();
    for connection in [&mut nothing, &mut half] {
        let answer = connection.answer().await;
        assert!(is_timeout(answer.as_ref()), "{answer:?}");
        assert!(connection.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_coming_is_answered_408() {
    let server = start!(Setup::SqliteLocal, "http.body_idle_timeout = \"1s\"");
    for target in ["/file", "/files", "/oxen/v4/lsrpc"] {
        let mut stalled = Upload::accepted(server.address(), target, 5_000_000).await;
        stalled.send(&[1; 1_000_000]).await.unwrap();
        let answer = stalled.answer().await.expect("the client is told");
        assert_eq!(answer.status, 408, "{target}");
    }
    assert_eq!(get(&server.client(), "/file/1").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_is_answered_408() {
    let server = start!(
        Setup::SqliteLocal,
        "http.body_idle_timeout = \"1 minute\"\nhttp.body_timeout = \"1s\""
    );
    let mut trickle = Upload::accepted(server.address(), "/file", 5_000_000).await;
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    let answer = loop {
        tokio::select! {
            answer = trickle.answer() => break answer,
            _ = pace.tick() => {}
        }
        // The connection may be gone by now; what counts is what came before.
        let _ = trickle.send(b"drop").await;
    };
    assert_eq!(answer.expect("the client is told").status, 408);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed() {
    let server = start!(Setup::SqliteLocal, "http.idle_timeout = \"1s\"");
    let mut connection = Upload::accepted(server.address(), "/file", 3).await;
    connection.send(b"abc").await.unwrap();
    assert_eq!(connection.answer().await.unwrap().status, 200);
    assert!(connection.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_keep_nobody_else_waiting() {
    let server = start!(Setup::SqliteLocal);
    let mut slow = Vec::new();
    for _ in 0..200 {
        slow.push(Upload::accepted(server.address(), "/file", 100_000).await);
    }
    let client = server.client();
    for size in [10, 1_000_000] {
        let stored = upload(&client, e2e::pattern(size)).await;
        assert_eq!(get(&client, &stored.path()).await.body.len(), size);
    }
    drop(slow);
}
