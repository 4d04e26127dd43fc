//! The rules of the endpoints as clients meet them: direct and through onion requests they are the same.

use std::time::{Duration, UNIX_EPOCH};

use e2e::{Setup, eventually, pattern, random_bytes};
use serde_json::json;
use shared::client::{Answer, Request};

use crate::{Uploaded, Way, get, json, on_both, put, start, upload, vectors};

on_both! {
    refusals_are_the_same_direct_and_through_the_onion,
    ids_of_a_wrong_shape_are_not_found,
    answers_are_the_same_direct_and_through_the_onion,
    only_direct_downloads_carry_headers_for_browsers,
    an_onion_inside_an_onion_is_refused,
    the_outer_request_never_reaches_the_inner_one,
    the_expires_header_is_the_date_at_which_the_file_ends,
    a_file_is_gone_when_its_life_is_over_and_can_come_back,
    a_life_is_only_ever_made_longer,
}

/// What a client may rely on in an answer. Each way has its own further headers.
fn essence(answer: &Answer) -> (u16, Option<&str>, &[u8]) {
    (answer.status, answer.header("content-type"), &answer.body)
}

fn standard_error(status: u16) -> Vec<u8> {
    json!({ "status_code": status }).to_string().into_bytes()
}

async fn refusals_are_the_same_direct_and_through_the_onion(setup: Setup) {
    let server = start!(setup, "files.max_size = 1000000");
    let client = server.client();
    let there = upload(&client, pattern(1000)).await;
    let unknown = "A".repeat(44);
    let new = |method: &str, target: &str| Request::new(method, target);
    let ttl = |value: &str| put(pattern(10)).header("X-FS-TTL", value);
    let table = [
        (new("GET", &format!("/file/{unknown}")), 404),
        (new("GET", &format!("/file/{unknown}/info")), 404),
        (new("POST", &format!("/file/{unknown}/extend")), 404),
        (new("GET", &format!("/files/{unknown}")), 404),
        (new("GET", "/file/1"), 404),
        (new("POST", "/file/1/extend"), 404),
        (new("GET", "/"), 404),
        (new("GET", "/file"), 405),
        (new("GET", "/nothing/here"), 404),
        (new("GET", &format!("{}/info/more", there.path())), 404),
        (new("DELETE", &there.path()), 405),
        (new("PUT", "/file"), 405),
        (new("POST", &there.path()), 405),
        (new("GET", &format!("{}/extend", there.path())), 405),
        (new("get", &there.path()), 405),
        (new("PATCH", "/file"), 405),
        (put(pattern(0)), 413),
        (put(pattern(1_000_001)), 413),
        (ttl(""), 400),
        (ttl("-1"), 400),
        (ttl("1.5"), 400),
        (ttl("ten"), 400),
        (ttl("1209601"), 400),
        (
            new("POST", &format!("{}/extend", there.path())).header("x-fs-ttl", "1209601"),
            400,
        ),
        (new("POST", "/files").body("no JSON"), 400),
        (new("POST", "/files").body(r#"{"file": 1}"#), 400),
        (new("POST", "/files").body(r#"{"file": "*"}"#), 400),
        (new("POST", "/files").body(r#"{"file": ""}"#), 413),
        (new("GET", "/session_version?platform=amiga"), 404),
        (new("GET", "/session_version?platform=desktop"), 502),
        (new("GET", "/token_info"), 502),
    ];
    for (request, status) in table {
        let line = format!("{} {} {:?}", request.method, request.target, request.headers);
        for way in Way::BOTH {
            let answer = way.ask(&client, request.clone()).await;
            let body = standard_error(status);
            assert_eq!(
                essence(&answer),
                (status, Some("application/json"), &body[..]),
                "{line} {way:?}"
            );
        }
    }
    for (method, target, allow) in [
        ("GET", "/file".to_owned(), "POST"),
        ("DELETE", there.path(), "GET, HEAD"),
        ("GET", there.path() + "/extend", "POST"),
    ] {
        for way in Way::BOTH {
            let answer = way.ask(&client, Request::new(method, &target)).await;
            assert_eq!(answer.header("allow"), Some(allow), "{method} {target} {way:?}");
        }
    }
}

async fn ids_of_a_wrong_shape_are_not_found(setup: Setup) {
    let server = start!(setup);
    let client = server.client();
    let vectors = vectors("file_ids.json");
    let shapes = vectors["id_shapes"].as_array().unwrap();
    let wrong: Vec<_> = shapes.iter().filter(|shape| shape["kind"] == "invalid").collect();
    assert!(wrong.len() >= 10);
    for shape in wrong {
        let id: String = shape["text"]
            .as_str()
            .unwrap()
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect();
        for (method, end) in [("GET", ""), ("GET", "/info"), ("POST", "/extend")] {
            for way in Way::BOTH {
                let request = Request::new(method, &format!("/file/{id}{end}"));
                let answer = way.ask(&client, request).await;
                let body = standard_error(404);
                assert_eq!(
                    essence(&answer),
                    (404, Some("application/json"), &body[..]),
                    "{id} {way:?}"
                );
            }
        }
    }
}

async fn answers_are_the_same_direct_and_through_the_onion(setup: Setup) {
    let server = start!(setup);
    let client = server.client();
    let body = random_bytes(1, 5000);
    let [direct, onion] = Way::BOTH.map(|way| way.ask(&client, put(body.clone())));
    let (direct, onion) = (direct.await, onion.await);
    for answer in [&direct, &onion] {
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(json(&answer.body)["size"], 5000);
    }
    let stored = Uploaded::read(&direct);
    assert_eq!(stored.id, Uploaded::read(&onion).id);
    for request in [
        Request::new("GET", &stored.path()),
        Request::new("HEAD", &stored.path()),
        Request::new("GET", &format!("{}/info", stored.path())),
        Request::new("HEAD", &format!("{}/info", stored.path())),
        Request::new("GET", &format!("/files/{}", stored.id)),
        // Zero asks for no longer life than it has.
        Request::new("POST", &format!("{}/extend", stored.path())).header("x-fs-ttl", "0"),
    ] {
        let direct = Way::Direct.ask(&client, request.clone()).await;
        let onion = Way::Onion.ask(&client, request.clone()).await;
        assert_eq!(direct.status, 200, "{request:?}");
        assert_eq!(essence(&direct), essence(&onion), "{request:?}");
    }
    let head = client.direct(Request::new("HEAD", &stored.path())).await.unwrap();
    assert_eq!((head.header("content-length"), head.body.len()), (Some("5000"), 0));
    let info = get(&client, &format!("{}/info", stored.path())).await;
    let info = json(&info.body);
    assert_eq!(info["size"], 5000);
    assert!(info["uploaded"].as_f64().unwrap() > 0.0);
    assert!(info["expires"].as_f64().unwrap() >= stored.expires);
}

async fn only_direct_downloads_carry_headers_for_browsers(setup: Setup) {
    let server = start!(setup);
    let client = server.client();
    let stored = upload(&client, pattern(100)).await;
    let answers = [
        Way::Direct.ask(&client, Request::new("GET", &stored.path())).await,
        Way::Onion.ask(&client, Request::new("GET", &stored.path())).await,
    ];
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox"),
        ("content-disposition", "attachment"),
    ] {
        assert_eq!(answers[0].header(name), Some(value));
        assert_eq!(
            answers[1].header(name),
            None,
            "{name} makes every reply larger for nobody's good"
        );
    }
}

async fn an_onion_inside_an_onion_is_refused(setup: Setup) {
    let server = start!(setup);
    let client = server.client();
    for target in [
        "/oxen/v4/lsrpc",
        "/oxen/v3/lsrpc",
        "/loki/v3/lsrpc",
        "/oxen/v4/lsrpc?x=1",
    ] {
        let answer = Way::Onion
            .ask(&client, Request::new("POST", target).body("layers"))
            .await;
        let expected = (400, Some("text/plain; charset=utf-8"), &b"Invalid v4 onion request"[..]);
        assert_eq!(essence(&answer), expected, "{target}");
    }
    // Without an envelope there is nothing to answer into.
    let answer = client
        .direct(Request::new("POST", "/oxen/v4/lsrpc").body("layers"))
        .await
        .unwrap();
    assert_eq!(answer.status, 400);
}

async fn the_outer_request_never_reaches_the_inner_one(setup: Setup) {
    let server = start!(setup);
    let (url, key) = (format!("http://{}", server.address()), server.key());
    let destination = shared::client::Destination {
        protocol: "http".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: server.address().port(),
        target: "/oxen/v4/lsrpc".to_owned(),
        key,
    };
    let plaintext = shared::client::v4_request(&put(pattern(64)));
    let wrapped = shared::client::wrap(&destination, &[], shared::onion::Cipher::default(), &plaintext).unwrap();
    let post = shared::client::http().unwrap().post(format!("{url}/oxen/v4/lsrpc"));
    // A life of a minute, and one that would be refused.
    for outer in ["60", "nonsense"] {
        let answer = post
            .try_clone()
            .unwrap()
            .header("X-FS-TTL", outer)
            .body(wrapped.body.clone());
        let sealed = answer.send().await.unwrap().bytes().await.unwrap();
        let opened = wrapped.key.open(bytes::BytesMut::from(&sealed[..])).unwrap();
        let inner = shared::client::v4_reply(opened).unwrap();
        let told = json(&inner.body);
        assert_eq!(inner.status, 200, "{told}");
        let life = told["expires"].as_f64().unwrap() - told["uploaded"].as_f64().unwrap();
        assert!(life >= 1_209_600.0 - 0.001, "{life}");
    }
}

async fn the_expires_header_is_the_date_at_which_the_file_ends(setup: Setup) {
    let server = start!(setup);
    let client = server.client();
    let stored = Uploaded::read(
        &client
            .direct(put(pattern(100)).header("X-FS-TTL", "7200"))
            .await
            .unwrap(),
    );
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs_f64(stored.expires.floor()));
    for way in Way::BOTH {
        let answer = way.ask(&client, Request::new("GET", &stored.path())).await;
        assert_eq!(answer.header("expires"), Some(date.as_str()), "{way:?}");
    }
}

async fn a_file_is_gone_when_its_life_is_over_and_can_come_back(setup: Setup) {
    // No sweep comes to its help.
    let server = start!(setup, "files.sweep_interval = \"1h\"");
    let client = server.client();
    let stored = Uploaded::read(&client.direct(put(pattern(100)).header("X-FS-TTL", "1")).await.unwrap());
    eventually("the file is gone", async || {
        get(&client, &stored.path()).await.status == 404
    })
    .await;
    for request in [
        Request::new("GET", &format!("{}/info", stored.path())),
        Request::new("POST", &format!("{}/extend", stored.path())),
        Request::new("GET", &format!("/files/{}", stored.id)),
    ] {
        assert_eq!(client.direct(request).await.unwrap().status, 404);
    }
    let again = upload(&client, pattern(100)).await;
    assert_eq!(again.id, stored.id);
    assert_eq!(get(&client, &again.path()).await.body, pattern(100));
    let at_once = client.direct(put(pattern(101)).header("X-FS-TTL", "0")).await.unwrap();
    let at_once = Uploaded::read(&at_once);
    assert_eq!(get(&client, &at_once.path()).await.status, 404);
}

async fn a_life_is_only_ever_made_longer(setup: Setup) {
    let server = start!(setup);
    let client = server.client();
    let hour = |request: Request| request.header("X-FS-TTL", "3600");
    let day = |request: Request| request.header("X-FS-TTL", "86400");
    let first = Uploaded::read(&client.direct(hour(put(pattern(100)))).await.unwrap());
    let extend = Request::new("POST", &format!("{}/extend", first.path()));
    let answer = json(&client.direct(day(extend.clone())).await.unwrap().body);
    let extended = answer["expires"].as_f64().unwrap();
    assert!((extended - first.expires - 82_800.0).abs() < 60.0, "{answer}");
    for request in [hour(extend), hour(put(pattern(100)))] {
        let answer = json(&Way::Onion.ask(&client, request).await.body);
        assert_eq!(answer["expires"].as_f64(), Some(extended));
    }
    let info = Request::new("GET", &format!("{}/info", first.path()));
    let info = json(&client.direct(info).await.unwrap().body);
    assert!(info["uploaded"].as_f64().unwrap() < first.expires - 3599.0, "{info}");
}
