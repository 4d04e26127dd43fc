//! Direct HTTP: routing, limits, timeouts, and what happens when things go wrong.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod http_app;

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_app::{LIMIT, PATIENCE, STREAMED, Setup, Wire, streamed, until};
use reqwest::{Method, StatusCode};
use shared::http::{Limits, MissLimiter, RunningFront};

fn url(front: &RunningFront, path: &str) -> String {
    format!("http://{}{path}", front.address())
}

async fn call(front: &RunningFront, method: Method, path: &str) -> reqwest::Response {
    shared::client::http()
        .unwrap()
        .request(method, url(front, path))
        .send()
        .await
        .unwrap()
}

fn header(answer: &reqwest::Response, name: &str) -> String {
    answer
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_sees_the_decoded_path_and_the_raw_query() {
    let (_, front) = Setup::default().start();
    let answer = call(&front, Method::GET, "/echo/a%20b%F0%9F%98%80?x=%41&y").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(
        answer.text().await.unwrap(),
        "GET /echo/a b😀 x=%41&y a b😀 direct none 0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_no_text_is_refused() {
    let (_, front) = Setup::default().start();
    let mut wire = Wire::connect(&front).await;
    wire.send("GET /echo/%ff HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_404_and_unknown_methods_405_with_the_known_ones() {
    let (_, front) = Setup::default().start();
    let unknown = call(&front, Method::GET, "/nothing").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(unknown.text().await.unwrap(), "refused: 404");
    for method in [Method::DELETE, Method::OPTIONS, Method::from_bytes(b"get").unwrap()] {
        let wrong = call(&front, method, "/echo/x").await;
        assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(header(&wrong, "allow"), "GET, PUT, HEAD");
    }
    let onion = call(&front, Method::GET, "/oxen/v4/lsrpc").await;
    assert_eq!(
        (onion.status(), header(&onion, "allow").as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_the_body() {
    let (_, front) = Setup::default().start();
    let answer = call(&front, Method::HEAD, "/stream").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-length"), STREAMED.to_string());
    assert!(answer.bytes().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_body_arrives_whole() {
    let (_, front) = Setup::default().start();
    let answer = call(&front, Method::GET, "/stream").await;
    assert_eq!(answer.bytes().await.unwrap(), streamed());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_all_sizes_follow_each_other_on_one_connection() {
    let (_, front) = Setup::default().start();
    let mut wire = Wire::connect(&front).await;
    for path in ["/stream", "/echo/x", "/stream", "/nothing", "/stream"] {
        wire.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    }
    wire.send("GET /echo/last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    let mut answers = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut wire.0, &mut answers);
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("the connection stays open")
        .unwrap();
    let mut rest = &answers[..];
    for length in [STREAMED, 29, STREAMED, 12, STREAMED, 35] {
        let end = rest.windows(4).position(|place| place == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        assert!(head.contains(&format!("content-length: {length}")), "{head}");
        assert!(!head.contains("chunked"), "{head}");
        let body;
        (body, rest) = rest[end + 4..].split_at(length);
        assert!(length != STREAMED || body == streamed());
    }
    assert!(rest.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_cuts_the_connection_instead_of_pretending() {
    let (_, front) = Setup::default().start();
    let http = shared::client::http().unwrap();
    let whole = async { http.get(url(&front, "/break")).send().await?.bytes().await };
    assert!(whole.await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_answered_500_and_the_server_lives() {
    for setup in Setup::both() {
        let (_, front) = setup.start();
        assert_eq!(
            call(&front, Method::GET, "/panic").await.status(),
            StatusCode::INTERNAL_SERVER_ERROR
        );
        assert_eq!(call(&front, Method::GET, "/echo/x").await.status(), StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_a_handler_knows_its_status() {
    let (_, front) = Setup::default().start();
    assert_eq!(
        call(&front, Method::GET, "/refuse").await.status(),
        StatusCode::IM_A_TEAPOT
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_takes_too_long_is_answered_504() {
    let limits = Limits {
        handler_timeout: Duration::from_millis(50),
        ..Setup::default().limits
    };
    for setup in Setup::both() {
        let (_, front) = Setup { limits, ..setup }.start();
        assert_eq!(
            call(&front, Method::GET, "/wait").await.status(),
            StatusCode::GATEWAY_TIMEOUT
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_may_have_the_limit_and_not_a_byte_more() {
    let (app, front) = Setup::default().start();
    let put = async |bytes: u64| {
        let body = vec![7_u8; usize::try_from(bytes).unwrap()];
        let http = shared::client::http().unwrap();
        http.put(url(&front, "/echo/x"))
            .body(body)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(put(LIMIT).await, StatusCode::OK);
    assert_eq!(put(LIMIT + 1).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(app.handled.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_may_have_16_kib_and_not_a_byte_more() {
    let (_, front) = Setup::default().start();
    let (line, host, close) = ("GET /echo/x", "HTTP/1.1\r\nhost: x\r\n", "connection: close\r\n");
    for over in [0, 1] {
        let room = 16 * 1024 + over - format!("{line}? {host}{close}\r\n").len();
        let query = "q".repeat(room);
        let value = "v".repeat(room - "x-many: \r\n".len() + "?".len());
        let status = if over == 0 { "200" } else { "431" };
        for head in [
            format!("{line}?{query} {host}{close}\r\n"),
            format!("{line} {host}{close}x-many: {value}\r\n\r\n"),
        ] {
            assert_eq!(head.len(), 16 * 1024 + over);
            let mut wire = Wire::connect(&front).await;
            wire.send(head).await;
            let answer = wire.answer().await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_declared_length_is_stopped_at_the_limit() {
    let (app, front) = Setup::default().start();
    let mut wire = Wire::connect(&front).await;
    wire.send("PUT /echo/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let chunk = [b"10000\r\n", vec![7_u8; 0x10000].as_slice(), b"\r\n"].concat();
    for _ in 0..(LIMIT / 0x10000 + 10) {
        wire.send(&chunk).await;
    }
    wire.send("0\r\n\r\n").await;
    tokio::io::AsyncWriteExt::shutdown(&mut wire.0).await.unwrap();
    assert!(wire.answer().await.starts_with("HTTP/1.1 413 "));
    assert_eq!(app.handled.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_head_rules_out_is_refused_before_the_body_comes() {
    let (_, front) = Setup::default().start();
    for (head, status) in [
        ("POST /upload HTTP/1.1\r\nx-refuse: 1\r\ncontent-length: 1000000", "403"),
        ("POST /upload HTTP/1.1\r\ncontent-length: 5000001", "413"),
        ("POST /oxen/v4/lsrpc HTTP/1.1\r\ncontent-length: 10485761", "413"),
        ("POST /nothing HTTP/1.1\r\ncontent-length: 1000000", "404"),
        ("DELETE /upload HTTP/1.1\r\ncontent-length: 1000000", "405"),
        (
            "POST /upload HTTP/1.1\r\nx-refuse: 1\r\ntransfer-encoding: chunked",
            "403",
        ),
    ] {
        let mut wire = Wire::connect(&front).await;
        wire.send(format!("{head}\r\nhost: x\r\n\r\n")).await;
        let mut start = [0; 12];
        let read = tokio::io::AsyncReadExt::read_exact(&mut wire.0, &mut start);
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("it waits for the body")
            .unwrap();
        assert_eq!(
            std::str::from_utf8(&start).unwrap(),
            format!("HTTP/1.1 {status}"),
            "{head}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_client_that_goes_on_sending() {
    let (_, front) = Setup::default().start();
    for length in ["content-length: 5000000", "transfer-encoding: chunked"] {
        let mut wire = Wire::connect(&front).await;
        wire.send(format!(
            "POST /upload HTTP/1.1\r\nhost: x\r\nx-refuse: 1\r\n{length}\r\n\r\n"
        ))
        .await;
        for _ in 0..50 {
            wire.send(vec![b'0'; 100_000]).await;
        }
        tokio::io::AsyncWriteExt::shutdown(&mut wire.0).await.unwrap();
        assert!(wire.answer().await.starts_with("HTTP/1.1 403 "), "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_that_has_sent_everything_is_not_waited_for() {
    let limits = Limits {
        linger: PATIENCE * 100,
        ..Setup::default().limits
    };
    let (_, front) = Setup {
        limits,
        ..Setup::default()
    }
    .start();
    let declared = ("content-length: 1000000", "".to_owned(), "");
    let chunked = (
        "transfer-encoding: chunked",
        format!("{:x}\r\n", 1_000_000),
        "\r\n0\r\n\r\n",
    );
    for (length, before, after) in [declared, chunked] {
        let mut wire = Wire::connect(&front).await;
        wire.send(format!(
            "POST /upload HTTP/1.1\r\nhost: x\r\nx-refuse: 1\r\n{length}\r\n\r\n{before}"
        ))
        .await;
        wire.send(vec![b'0'; 1_000_000]).await;
        wire.send(after).await;
        // It is read to the end of the connection, which the client keeps open.
        assert!(wire.answer().await.starts_with("HTTP/1.1 403 "), "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_are_cut() {
    let short = Duration::from_millis(200);
    // The front looks at the time twice a second only.
    let second = Duration::from_secs(1);
    let limits = Limits {
        head_timeout: second,
        body_idle_timeout: short,
        linger: second,
        ..Setup::default().limits
    };
    let (app, front) = Setup {
        limits,
        ..Setup::default()
    }
    .start();
    let mut no_head = Wire::connect(&front).await;
    no_head.send("GET /echo/x HT").await;
    assert!(no_head.answer().await.starts_with("HTTP/1.1 408 "));
    let mut no_body = Wire::connect(&front).await;
    no_body
        .send("PUT /echo/x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345")
        .await;
    assert!(no_body.answer().await.starts_with("HTTP/1.1 408 "));
    assert_eq!(app.handled.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_cut() {
    let limits = Limits {
        idle_timeout: Duration::from_secs(1),
        ..Setup::default().limits
    };
    let (_, front) = Setup {
        limits,
        ..Setup::default()
    }
    .start();
    let mut idle = Wire::connect(&front).await;
    idle.send("GET /echo/x HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = idle.answer().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_for_ever_is_cut() {
    let limits = Limits {
        body_idle_timeout: PATIENCE,
        body_timeout: Duration::from_millis(300),
        linger: Duration::from_millis(100),
        ..Setup::default().limits
    };
    let (_, front) = Setup {
        limits,
        ..Setup::default()
    }
    .start();
    let mut wire = Wire::connect(&front).await;
    wire.send("PUT /echo/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n")
        .await;
    let (mut read, mut write) = wire.0.into_split();
    let trickle = async {
        while tokio::io::AsyncWriteExt::write_all(&mut write, b"1").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let mut answer = Vec::new();
    let answered = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answer);
    let both = async { tokio::join!(trickle, answered) };
    let _ = tokio::time::timeout(PATIENCE, both)
        .await
        .expect("the connection stays open");
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_its_answer_is_cut() {
    let limits = Limits {
        body_timeout: Duration::from_millis(300),
        ..Setup::default().limits
    };
    let (app, front) = Setup {
        limits,
        // What the system takes is taken for read.
        send_buffer: Some(16 * 1024),
        ..Setup::default()
    }
    .start();
    let in_use = || shared::http::App::budget(&*app).in_use();
    let length = 200_000_000;
    let mut wire = Wire::connect(&front).await;
    wire.send(format!("GET /zeros/{length} HTTP/1.1\r\nhost: x\r\n\r\n"))
        .await;
    until(|| in_use() > 0).await;
    until(|| in_use() == 0).await;
    assert!(wire.answer().await.len() < length, "nothing more is sent");
    // Nor is one cut that asks for more after a while.
    let mut idle = Wire::connect(&front).await;
    for _ in 0..2 {
        idle.send("GET /zeros/100000 HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut body = Vec::new();
        while !body.ends_with(&[0; 100_000]) {
            let read = tokio::io::AsyncReadExt::read_buf(&mut idle.0, &mut body);
            let read = tokio::time::timeout(PATIENCE, read).await.expect("no more comes");
            assert_ne!(read.unwrap(), 0, "the connection was cut");
        }
        until(|| in_use() == 0).await;
        tokio::time::sleep(limits.body_timeout * 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_beyond_the_budget_get_503_and_small_ones_get_through() {
    let limits = Limits {
        budget_wait: Duration::from_millis(100),
        ..Setup::default().limits
    };
    let (app, front) = Setup {
        limits,
        budget: 4_000_000,
        ..Setup::default()
    }
    .start();
    let mut slow = Wire::connect(&front).await;
    slow.send("PUT /echo/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\nconnection: close\r\n\r\n")
        .await;
    until(|| shared::http::App::budget(&*app).in_use() == 3_000_000).await;
    let http = shared::client::http().unwrap();
    let put = |bytes: usize| http.put(url(&front, "/echo/x")).body(vec![7_u8; bytes]).send();
    let refused = put(2_000_000).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!header(&refused, "retry-after").is_empty());
    assert_eq!(put(60_000).await.unwrap().status(), StatusCode::OK);
    slow.send(vec![7; 3_000_000]).await;
    assert!(slow.answer().await.starts_with("HTTP/1.1 200 "));
    assert_eq!(put(2_000_000).await.unwrap().status(), StatusCode::OK);
    until(|| shared::http::App::budget(&*app).in_use() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_gives_its_part_of_the_budget_back() {
    let (app, front) = Setup::default().start();
    let mut wire = Wire::connect(&front).await;
    wire.send("PUT /echo/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n12345")
        .await;
    until(|| shared::http::App::budget(&*app).in_use() > 0).await;
    drop(wire);
    until(|| shared::http::App::budget(&*app).in_use() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_when_the_client_hangs_up() {
    for setup in Setup::both() {
        let (app, front) = setup.start();
        let mut wire = Wire::connect(&front).await;
        wire.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
        until(|| app.handled.load(Ordering::SeqCst) == 1).await;
        drop(wire);
        app.gate.add_permits(1);
        until(|| app.gate.available_permits() == 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_what_is_in_flight_and_accepts_nothing_new() {
    for setup in Setup::both() {
        let (app, front) = setup.start();
        let address = front.address();
        let mut wire = Wire::connect(&front).await;
        wire.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
        until(|| app.handled.load(Ordering::SeqCst) == 1).await;
        let stopping = tokio::spawn(front.stop());
        let refused = async { while tokio::net::TcpStream::connect(address).await.is_ok() {} };
        tokio::time::timeout(PATIENCE, refused)
            .await
            .expect("it goes on accepting");
        app.gate.add_permits(1);
        assert!(wire.answer().await.starts_with("HTTP/1.1 200 "));
        tokio::time::timeout(PATIENCE, stopping)
            .await
            .expect("it does not stop")
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_client_from_this_machine_is_not_counted_for_misses() {
    let misses = Some(MissLimiter::new(2, Duration::from_secs(60)));
    let (_, front) = Setup {
        misses,
        ..Setup::default()
    }
    .start();
    for _ in 0..5 {
        assert_eq!(
            call(&front, Method::GET, "/nothing").await.status(),
            StatusCode::NOT_FOUND
        );
    }
}
