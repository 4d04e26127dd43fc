//! How long a nonce counts, and when it is given back.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use shared::client::Request;
use shared::clock::Clock;
use shared::config::Span;

use crate::DAY;
use crate::in_process::{Person, Server, Stores, with_json};
use crate::signed::sign;
use crate::two_processes::{Process, send};

/// A message, signed once.
fn signed_post(server: &Server, person: &Person, text: &str) -> Request {
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    let body = json!({ "data": encode(text.as_bytes()), "signature": encode(&[0; 64]) });
    let request = with_json("POST", "/room/lobby/message", &body);
    sign(server, person, request)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_took_too_long_may_be_sent_again() {
    // Long enough for what is not held up.
    let patience = Span::seconds(2);
    let server = Server::start_with(Stores::Embedded, |settings| {
        settings.common.http.handler_timeout = patience;
    });
    let server = server.await.unwrap();
    server.room("lobby").await;
    let person = server.user().await;
    let client = server.anonymous();
    // Somebody new waits even before it is known who asks.
    for (onion, person) in [(false, &person), (true, &person), (true, &server.person())] {
        let request = signed_post(&server, person, "slow");
        let held_up = server.app().store.database().write().await.unwrap();
        let answer = send(&client, request.clone(), onion).await.unwrap();
        assert_eq!(answer.status, 504, "onion: {onion}");
        held_up.rollback().await.unwrap();
        let answer = send(&client, request.clone(), onion).await.unwrap();
        assert_eq!(answer.status, 201, "onion: {onion} {:?}", answer.body);
        assert_eq!(send(&client, request, onion).await.unwrap().status, 425);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_is_kept_while_a_process_with_a_slow_clock_would_take_the_request() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    server.room("lobby").await;
    let person = server.user().await;
    let request = signed_post(&server, &person, "once");
    assert_eq!(
        send(&server.anonymous(), request.clone(), false).await.unwrap().status,
        201
    );

    let slow = Clock::manual(server.clock.now().plus(Duration::from_secs(DAY)));
    server.pass(DAY + 60);
    sogs::jobs::keep_once(server.app()).await;
    let other = Process::start(&server.settings, &slow).await;
    assert_eq!(send(&other.client(), request, false).await.unwrap().status, 425);
    other.stop().await;
}
