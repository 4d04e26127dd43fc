//! Onion requests through the HTTP layer: one door for what is inside, and what is said where when it fails.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod http_app;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use http_app::{Setup, Small, streamed};
use serde_json::json;
use shared::client::{Client, Destination, OnionAnswer, Request, Wrapped, v4_request, wrap};
use shared::crypto::{ServerKeys, X25519Pair};
use shared::http::{Budget, RunningFront};
use shared::onion::Cipher;

fn start() -> (Arc<Small>, RunningFront, Client) {
    let pair = X25519Pair::generate();
    let (app, front) = Setup {
        keys: pair.clone().into(),
        ..Setup::default()
    }
    .start();
    let client = client(&front, &pair);
    (app, front, client)
}

fn client(front: &RunningFront, key: &X25519Pair) -> Client {
    Client::new(&format!("http://{}", front.address()), *key.public()).unwrap()
}

fn inside(answer: &OnionAnswer) -> (u16, String) {
    assert_eq!(answer.outside.status, 200);
    let inside = answer.inside.as_ref().unwrap();
    (inside.status, String::from_utf8_lossy(&inside.body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_inside_is_answered_like_a_direct_request_with_either_cipher() {
    for cipher in [Cipher::Aes256Gcm, Cipher::XChaCha20] {
        let (_, _front, client) = start();
        let request = Request::new("PUT", "/echo/a%20b?q=%41")
            .header("X-Seen", "inner")
            .body(vec![1; 100_000]);
        let answer = client.with_cipher(cipher).onion_v4(request).await.unwrap();
        let expected = "PUT /echo/a b q=%41 a b onion inner 100000".to_owned();
        assert_eq!(inside(&answer), (200, expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_body_arrives_whole_in_both_versions() {
    let (_, _front, client) = start();
    let v4 = client.onion_v4(Request::new("GET", "/stream")).await.unwrap();
    assert_eq!(v4.inside.unwrap().body, streamed());
    let v3 = client.onion_v3(Request::new("GET", "/stream")).await.unwrap();
    assert_eq!(v3.inside.unwrap().body, streamed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_arrives_whole_in_both_versions_with_either_cipher() {
    for cipher in [Cipher::Aes256Gcm, Cipher::XChaCha20] {
        let (app, _front, client) = start();
        let client = client.with_cipher(cipher);
        let v4 = client.onion_v4(Request::new("GET", "/file")).await.unwrap();
        let v4 = v4.inside.unwrap();
        assert_eq!(v4.header("content-type"), Some("application/octet-stream"));
        assert_eq!(v4.body, streamed());
        let v3 = client.onion_v3(Request::new("GET", "/file")).await.unwrap();
        assert_eq!(v3.inside.unwrap().body, streamed());
        let budget: &Budget = shared::http::App::budget(&*app);
        http_app::until(|| budget.in_use() == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_off_while_it_is_sent_cuts_the_connection_and_nothing_else() {
    let (app, _front, client) = start();
    let sent_in_pieces = client.with_cipher(Cipher::XChaCha20);
    assert!(sent_in_pieces.onion_v4(Request::new("GET", "/damaged")).await.is_err());
    let budget: &Budget = shared::http::App::budget(&*app);
    http_app::until(|| budget.in_use() == 0).await;
    let next = sent_in_pieces.onion_v4(Request::new("GET", "/file")).await.unwrap();
    assert_eq!(next.inside.unwrap().body, streamed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_off_before_anything_is_sent_is_503_inside() {
    let (_, _front, client) = start();
    let sent_whole = client.with_cipher(Cipher::Aes256Gcm);
    let answer = sent_whole.onion_v4(Request::new("GET", "/damaged")).await.unwrap();
    assert_eq!(inside(&answer).0, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_inside_are_told_inside() {
    let (_, _front, client) = start();
    for (method, target, status) in [
        ("GET", "/nothing", 404),
        ("DELETE", "/echo/x", 405),
        ("get", "/echo/x", 405),
        ("PATCH", "/nothing", 405),
        ("GET", "/panic", 500),
        ("GET", "/panic-late", 500),
        ("GET", "/refuse", 418),
        ("GET", "/break", 503),
        ("GET", "/echo/%ff", 400),
    ] {
        let answer = client.onion_v4(Request::new(method, target)).await.unwrap();
        assert_eq!(inside(&answer).0, status, "{method} {target}");
        let answer = client.onion_v3(Request::new(method, target)).await.unwrap();
        let inside = answer.inside.unwrap();
        assert_eq!(
            (answer.outside.status, inside.status),
            (200, status),
            "{method} {target}, version 3"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_inside_says_which_are_known() {
    let (_, _front, client) = start();
    let answer = client.onion_v4(Request::new("DELETE", "/echo/x")).await.unwrap();
    assert_eq!(answer.inside.unwrap().header("allow"), Some("GET, PUT, HEAD"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_onion_request_inside_an_onion_request_is_refused() {
    let (_, _front, client) = start();
    for target in ["/oxen/v4/lsrpc", "/loki/v3/lsrpc", "/oxen/v4%2Flsrpc"] {
        let answer = client
            .onion_v4(Request::new("POST", target).body(vec![0; 100]))
            .await
            .unwrap();
        assert_eq!(
            inside(&answer),
            (400, "Invalid v4 onion request".to_owned()),
            "{target}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_inside_has_the_headers_and_no_body() {
    let (_, _front, client) = start();
    let answer = client.onion_v4(Request::new("HEAD", "/stream")).await.unwrap();
    assert_eq!(inside(&answer), (200, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_outer_request_do_not_get_inside() {
    let pair = X25519Pair::generate();
    let (_, front) = Setup {
        keys: pair.clone().into(),
        ..Setup::default()
    }
    .start();
    let destination = Destination {
        protocol: "http".to_owned(),
        host: "localhost".to_owned(),
        port: front.address().port(),
        target: "/oxen/v4/lsrpc".to_owned(),
        key: *pair.public(),
    };
    let plaintext = v4_request(&Request::new("GET", "/echo/x"));
    let Wrapped { body, key } = wrap(&destination, &[], Cipher::Aes256Gcm, &plaintext).unwrap();
    let url = format!("http://{}/oxen/v4/lsrpc", front.address());
    let http = shared::client::http().unwrap();
    let answer = http
        .post(url)
        .header("x-seen", "outer")
        .body(body)
        .send()
        .await
        .unwrap();
    let opened = key.open(BytesMut::from(&answer.bytes().await.unwrap()[..])).unwrap();
    assert!(String::from_utf8_lossy(&opened).contains(" onion none 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_is_a_bare_400() {
    let (_, front, _) = start();
    let stranger = client(&front, &X25519Pair::generate());
    let answer = stranger.onion_v4(Request::new("GET", "/echo/x")).await.unwrap();
    assert_eq!((answer.outside.status, answer.inside.is_none()), (400, true));
    let http = shared::client::http().unwrap();
    for path in ["/oxen/v4/lsrpc", "/oxen/v3/lsrpc", "/loki/v3/lsrpc"] {
        for body in [&b""[..], b"abc", &[0; 100]] {
            let url = format!("http://{}{path}", front.address());
            assert_eq!(http.post(url).body(body).send().await.unwrap().status(), 400, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_of_the_server_opens_and_answers() {
    let (first, second) = (X25519Pair::generate(), X25519Pair::generate());
    let keys = ServerKeys::new(first.clone(), vec![second.clone()]).unwrap();
    let (_, front) = Setup {
        keys,
        ..Setup::default()
    }
    .start();
    for key in [first, second] {
        for cipher in [Cipher::Aes256Gcm, Cipher::XChaCha20] {
            let client = client(&front, &key).with_cipher(cipher);
            let answer = client
                .onion_v4(Request::new("PUT", "/echo/x").body(vec![1; 100_000]))
                .await
                .unwrap();
            assert_eq!(inside(&answer).0, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_3_endpoint_needs_no_slash_and_failures_are_a_status() {
    let (_, _front, client) = start();
    let answer = client.onion_v3(Request::new("GET", "echo/x")).await.unwrap();
    assert_eq!(inside(&answer), (200, "GET /echo/x - x onion none 0".to_owned()));
    let answer = client.onion_v3(Request::new("GET", "nothing")).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&answer.inside.unwrap().body).unwrap();
    assert_eq!(body, json!({ "status_code": 404 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_finds_no_room_in_the_budget_is_503_inside() {
    let pair = X25519Pair::generate();
    let mut setup = Setup {
        keys: pair.clone().into(),
        budget: 2_000_000,
        ..Setup::default()
    };
    setup.limits.budget_wait = Duration::from_millis(50);
    let (app, front) = setup.start();
    let budget: &Budget = shared::http::App::budget(&*app);
    let _all = budget.take(2_000_000).await.unwrap();
    for path in ["/stream", "/file"] {
        let client = client(&front, &pair).with_cipher(Cipher::XChaCha20);
        let answer = client.onion_v4(Request::new("GET", path)).await.unwrap();
        let inside = answer.inside.unwrap();
        assert_eq!((answer.outside.status, inside.status), (200, 503), "{path}");
        assert_eq!(app.undelivered.swap(0, Ordering::SeqCst), 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_learns_that_another_is_given_in_its_place() {
    let pair = X25519Pair::generate();
    let mut setup = Setup {
        keys: pair.clone().into(),
        ..Setup::default()
    };
    setup.limits.handler_timeout = Duration::from_millis(50);
    let (app, front) = setup.start();
    let client = client(&front, &pair).with_cipher(Cipher::Aes256Gcm);
    for (path, status) in [
        ("/never", 504),
        ("/break", 503),
        ("/damaged", 503),
        ("/panic-late", 500),
    ] {
        let v4 = client.onion_v4(Request::new("GET", path)).await.unwrap();
        assert_eq!(app.undelivered.swap(0, Ordering::SeqCst), 1, "{path}");
        let v3 = client.onion_v3(Request::new("GET", path)).await.unwrap();
        assert_eq!(app.undelivered.swap(0, Ordering::SeqCst), 1, "{path}, version 3");
        for answer in [v4, v3] {
            assert_eq!(
                (answer.outside.status, answer.inside.unwrap().status),
                (200, status),
                "{path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_given_learns_of_nothing() {
    let (app, _front, client) = start();
    for cipher in [Cipher::Aes256Gcm, Cipher::XChaCha20] {
        let client = client.clone().with_cipher(cipher);
        for (method, path, status) in [
            ("GET", "/echo/x", 200),
            ("GET", "/stream", 200),
            ("GET", "/file", 200),
            ("HEAD", "/stream", 200),
            ("HEAD", "/file", 200),
            ("GET", "/refuse", 418),
            ("GET", "/nothing", 404),
        ] {
            let request = Request::new(method, path);
            let direct = client.direct(request.clone()).await.unwrap();
            let v4 = client.onion_v4(request.clone()).await.unwrap().inside.unwrap();
            let v3 = client.onion_v3(request).await.unwrap().inside.unwrap();
            assert_eq!([direct.status, v4.status, v3.status], [status; 3], "{method} {path}");
        }
    }
    // The handler's own answers are its own business.
    let failed = client.onion_v4(Request::new("GET", "/panic")).await.unwrap();
    assert_eq!(inside(&failed).0, 500);
    assert_eq!(app.undelivered.load(Ordering::SeqCst), 0);
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_and_cannot_get_through_the_relays_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_writer(move || writer.clone()).init();
    let (_, _front, client) = start();
    let is_logged = || {
        let text = std::mem::take(&mut *log.0.lock().unwrap());
        String::from_utf8_lossy(&text).contains("too large to get through the relays")
    };
    // A reply of version 3 is sent as base64, a third more than it is.
    for (bytes, v3, v4) in [
        (7_700_000, false, false),
        (7_900_000, true, false),
        (10_500_000, true, true),
    ] {
        let request = Request::new("GET", &format!("/zeros/{bytes}"));
        client.onion_v3(request.clone()).await.unwrap();
        assert_eq!(is_logged(), v3, "{bytes}");
        client.onion_v4(request).await.unwrap();
        assert_eq!(is_logged(), v4, "{bytes}");
    }
}
