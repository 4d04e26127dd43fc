//! Stopping in an orderly way.

use e2e::{Setup, Upload, eventually, random_bytes, soon};
use tokio::net::TcpStream;

use crate::{get, json, on_both, start, upload};

const STOPPING: &str = "stopping; a second signal stops at once";

on_both! {
    a_request_in_flight_is_finished_and_the_end_is_clean,
}

async fn a_request_in_flight_is_finished_and_the_end_is_clean(setup: Setup) {
    let mut server = start!(setup);
    let body = random_bytes(1, 2_000_000);
    let (first, rest) = body.split_at(1_000_000);
    let mut slow = Upload::accepted(server.address(), "/file", body.len()).await;
    slow.send(first).await.unwrap();

    let address = server.address();
    server.signal("TERM");
    server.wait_for_log(STOPPING);
    eventually("new connections are refused", async || {
        TcpStream::connect(address).await.is_err()
    })
    .await;
    slow.send(rest).await.unwrap();
    let answer = slow.answer().await.expect("the request in flight was cut");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(server.wait().success());

    server.restart();
    let id = json(&answer.body)["id"].as_str().unwrap().to_owned();
    assert!(get(&server.client(), &format!("/file/{id}")).await.body == body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_at_once() {
    let mut server = start!(
        Setup::SqliteLocal,
        "http.shutdown_timeout = \"10 minutes\"\nhttp.body_idle_timeout = \"10 minutes\"\nhttp.body_timeout = \"10 minutes\""
    );
    let mut stuck = Upload::accepted(server.address(), "/file", 1_000_000).await;
    server.signal("TERM");
    server.wait_for_log(STOPPING);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1));
    assert!(stuck.answer().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_end_is_cut_when_its_time_is_up() {
    let mut server = start!(
        Setup::SqliteLocal,
        "http.shutdown_timeout = \"1s\"\nhttp.body_idle_timeout = \"10 minutes\"\nhttp.body_timeout = \"10 minutes\""
    );
    let mut stuck = Upload::accepted(server.address(), "/file", 1_000_000).await;
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(stuck.answer().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_from_the_terminal_stops_as_well() {
    let mut server = start!(Setup::SqliteLocal);
    server.signal("INT");
    assert!(server.wait().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_hold_up_the_stop() {
    let mut server = start!(
        Setup::SqliteLocal,
        "http.shutdown_timeout = \"10 minutes\"\nhttp.idle_timeout = \"10 minutes\""
    );
    let client = server.client();
    // The client keeps its connection for the next request.
    upload(&client, random_bytes(2, 1000)).await;
    let mut silent = Upload::raw(server.address()).await;
    server.stop();
    assert!(soon("the end of the connection", silent.is_closed()).await);
}
