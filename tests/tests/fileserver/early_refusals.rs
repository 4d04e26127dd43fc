//! An upload that is refused from its head alone: the refusal must reach a client that is still sending, directly and
//! through a proxy. A broken pipe or a 502 would tell it nothing.

use std::net::SocketAddr;

use bytes::Bytes;
use e2e::{Fileserver, Nginx, Setup, Upload, WireAnswer, random_bytes};

use crate::{json, put, start};

const LARGE: usize = 10_000_000;

/// Sends all of a large upload at the pace of a slow line, and only then looks for the answer.
async fn upload(address: SocketAddr, length: usize, lines: &[&str]) -> WireAnswer {
    let body: Bytes = random_bytes(1, length);
    let length = format!("Content-Length: {length}");
    let mut upload = Upload::begin(address, "/file", &[&[length.as_str()], lines].concat()).await;
    // Many clients report the failed write and never look for an answer.
    upload
        .send_slowly(&body)
        .await
        .expect("the client was cut off while it was sending");
    upload.answer().await.expect("the connection broke without an answer")
}

fn is_our(answer: &WireAnswer, status: u16) -> bool {
    answer.status == status && json(&answer.body)["status_code"] == status
}

/// Every refusal that needs the head alone.
async fn refusals_reach(server: &Fileserver, address: SocketAddr) {
    let (bad_life, too_large, taken) = tokio::join!(
        upload(address, LARGE, &["X-FS-TTL: soon"]),
        upload(address, LARGE + 1, &[]),
        upload(address, LARGE, &[]),
    );
    assert!(is_our(&bad_life, 400), "{bad_life:?}");
    assert!(is_our(&too_large, 413), "{too_large:?}");
    assert_eq!(taken.status, 200, "{taken:?}");

    // The one that was taken has used up the allowance of the minute.
    let answer = upload(address, LARGE, &[]).await;
    assert!(is_our(&answer, 503), "{answer:?}");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");

    // None of it has hurt the server.
    let unknown = server.client().direct(put("x").header("X-FS-TTL", "no")).await.unwrap();
    assert_eq!(unknown.status, 400);
}

/// A minute's allowance is one large file.
const SETTINGS: &str = "abuse.upload_bytes_per_minute = 10000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_slow_client() {
    let server = start!(Setup::SqliteLocal, SETTINGS);
    refusals_reach(&server, server.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_slow_client_through_nginx() {
    let server = start!(Setup::SqliteLocal, SETTINGS);
    let Some(nginx) = Nginx::start(server.address(), true) else {
        return;
    };
    refusals_reach(&server, nginx.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_slow_client_through_nginx_that_passes_the_body_on_at_once() {
    let server = start!(Setup::SqliteLocal, SETTINGS);
    let Some(nginx) = Nginx::start(server.address(), false) else {
        return;
    };
    refusals_reach(&server, nginx.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_declared_end_is_cut_at_the_limit() {
    let server = start!(Setup::SqliteLocal);
    let lines = ["Transfer-Encoding: chunked"];
    let mut upload = Upload::begin(server.address(), "/file", &lines).await;
    upload
        .send_chunked(&random_bytes(2, LARGE + 500_000))
        .await
        .expect("the client was cut off while it was sending");
    let answer = upload.answer().await.expect("the connection broke without an answer");
    assert!(is_our(&answer, 413), "{answer:?}");

    let mut upload = Upload::begin(server.address(), "/file", &lines).await;
    upload.send_chunked(&random_bytes(3, LARGE)).await.unwrap();
    let answer = upload.answer().await.expect("the connection broke without an answer");
    assert_eq!(answer.status, 200, "{answer:?}");
}
