//! Numeric ids, and files as base64 inside JSON, as old clients want them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod in_process;

use fileserver::settings::{IdMode, Settings};
use in_process::{Server, Stores, json, refused};
use serde_json::json as value;
use shared::client::Request;
use shared::config::Size;

on_both_stores!(
    a_number_is_given_and_the_file_is_served_under_it,
    in_numeric_mode_uploads_get_numbers_as_text
);

fn upload(body: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", "/files").body(body.into())
}

async fn a_number_is_given_and_the_file_is_served_under_it(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let answer = json(&server.call(upload(r#"{"file": "aGVsbG8gd29ybGQ="}"#)).await);
    assert_eq!(answer["status_code"], 200);
    let number = answer["result"].as_u64().unwrap();
    assert!(number < 1 << 53);
    assert_eq!(server.get(&format!("/file/{number}")).await.body, &b"hello world"[..]);
    let legacy = json(&server.get(&format!("/files/{number}")).await);
    assert_eq!(legacy, value!({ "status_code": 200, "result": "aGVsbG8gd29ybGQ=" }));
    let again = json(&server.call(upload(r#"{"file": "aGVsbG8gd29ybGQ="}"#)).await);
    assert_ne!(again["result"], answer["result"], "numbers are never shared");
    refused(&server.extend(&number.to_string(), None).await, 404);
    let hashed = server.stored(b"hello world", None).await;
    let legacy = json(&server.get(&format!("/files/{hashed}")).await);
    assert_eq!(legacy["result"], "aGVsbG8gd29ybGQ=");
}

async fn in_numeric_mode_uploads_get_numbers_as_text(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings: &mut Settings| {
        settings.files.id_mode = IdMode::Numeric;
        settings.files.fixed_bits = "101".to_owned();
    })
    .await
    else {
        return;
    };
    let first = server.stored(b"numbers", None).await;
    let second = server.stored(b"numbers", None).await;
    assert_ne!(first, second);
    for id in [first, second] {
        assert_eq!(id.parse::<u64>().unwrap() >> 50, 0b101);
        assert_eq!(server.get(&format!("/file/{id}")).await.body, &b"numbers"[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn padding_and_content_type_do_not_matter() {
    let Some(server) = Server::start(Stores::Embedded).await else {
        return;
    };
    for body in [
        r#"{"file": "aGVsbG8"}"#,
        r#"{"file":"aGVsbG8=","more":1}"#,
        "{\"file\":\"aGVsb\\u00478=\"}",
    ] {
        let request = upload(body).header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(server.call(request).await.status, 200, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_in_json_is_refused() {
    let Some(server) = Server::start_with(Stores::Embedded, |settings| settings.files.max_size = Size(9)).await else {
        return;
    };
    for body in [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"data": "AAAA"}"#,
        r#"{"file": 5}"#,
        r#"{"file": null}"#,
    ] {
        refused(&server.call(upload(body)).await, 400);
    }
    for text in ["A", "AAAAA", "AA=A", "AA\\n==", "AAA ", "AA-_"] {
        refused(&server.call(upload(format!("{{\"file\": \"{text}\"}}"))).await, 400);
    }
    refused(&server.call(upload(r#"{"file": ""}"#)).await, 413);
    refused(&server.call(upload(r#"{"file": "AAAAAAAAAAAAA"}"#)).await, 413);
    assert_eq!(server.call(upload(r#"{"file": "AAAAAAAAAAAA"}"#)).await.status, 200);
    assert_eq!(server.blobs().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_can_be_asked_for_here_too() {
    let Some(server) = Server::start(Stores::Embedded).await else {
        return;
    };
    let request = upload(r#"{"file": "AAAA"}"#);
    refused(&server.call(request.clone().header("X-FS-TTL", "soon")).await, 400);
    let answer = json(&server.call(request.header("X-FS-TTL", "60")).await);
    let number = answer["result"].as_u64().unwrap();
    server.pass(60);
    refused(&server.get(&format!("/file/{number}")).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_largest_size_goes_up_and_comes_back_as_base64() {
    let Some(server) = Server::start(Stores::Embedded).await else {
        return;
    };
    let bytes: Vec<u8> = (0..10_000_000_u32)
        .map(|index| u8::try_from(index % 251).unwrap())
        .collect();
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bytes);
    let answer = json(&server.call(upload(format!("{{\"file\": \"{text}\"}}"))).await);
    let number = answer["result"].as_u64().unwrap();
    let back = json(&server.get(&format!("/files/{number}")).await);
    assert!(back["result"] == text.as_str());
}
