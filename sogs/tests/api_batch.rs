//! Several requests in one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Person, Server, Stores, json, with_json};
use serde_json::{Value, json};
use shared::client::Request;

async fn start() -> (Server, Person) {
    let server = Server::start(Stores::Embedded).await.unwrap();
    server.room("lobby").await;
    let person = server.user().await;
    (server, person)
}

fn codes(answer: &Value) -> Vec<u64> {
    let elements = answer.as_array().unwrap();
    elements
        .iter()
        .map(|element| element["code"].as_u64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_element_has_code_headers_and_body_in_the_order_of_the_request() {
    let (_server, person) = start().await;
    let batch = json!([
        { "method": "GET", "path": "/capabilities" },
        { "method": "GET", "path": "/nowhere" },
        { "method": "GET", "path": "/room/lobby/pollInfo/1", "headers": { "Content-Length": "7", "Room": "lobby" } },
        { "method": "POST", "path": "/capabilities", "json": null },
    ]);
    let answer = json(&person.post("/batch", &batch).await);
    assert_eq!(codes(&answer), [200, 404, 200, 405]);
    assert_eq!(answer[0]["headers"]["content-type"], "application/json");
    assert_eq!(answer[0]["body"]["capabilities"], json!(["blind", "reactions", "sogs"]));
    assert_eq!(answer[1]["headers"]["content-type"], "text/plain; charset=utf-8");
    assert!(answer[1]["body"].is_string(), "base64 of the text");
    for element in answer.as_array().unwrap() {
        assert!(element["headers"].is_object());
        assert!(element["headers"].get("content-length").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_element_but_an_unchanged_one_names_its_content_type() {
    let (_server, person) = start().await;
    let page = json(
        &person
            .post("/batch", &json!([{ "method": "GET", "path": "/r/lobby/" }]))
            .await,
    );
    let etag = &page[0]["headers"]["etag"];
    assert!(etag.is_string(), "{page}");
    let batch = json!([
        { "method": "GET", "path": "/r/lobby" },
        { "method": "GET", "path": "/r/lobby/", "headers": { "If-None-Match": etag } },
        { "method": "GET", "path": "/inbox/since/7" },
    ]);
    let answer = json(&person.post("/batch", &batch).await);
    assert_eq!(codes(&answer), [308, 304, 304]);
    assert_eq!(answer[0]["headers"]["content-type"], "text/plain; charset=utf-8");
    for unchanged in [&answer[1], &answer[2]] {
        assert_eq!((&unchanged["headers"], &unchanged["body"]), (&json!({}), &json!("")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_ends_with_the_first_failure_and_shows_it() {
    let (_server, person) = start().await;
    let list = json!([
        { "method": "GET", "path": "/capabilities" },
        { "method": "GET", "path": "/room/nowhere" },
        { "method": "GET", "path": "/room/lobby" },
    ]);
    assert_eq!(codes(&json(&person.post("/sequence", &list).await)), [200, 404]);
    assert_eq!(codes(&json(&person.post("/batch", &list).await)), [200, 404, 200]);
    assert_eq!(json(&person.post("/sequence", &json!([])).await), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_element_refuses_the_whole_batch() {
    let (_server, person) = start().await;
    for bad in [
        json!({ "path": "/capabilities" }),
        json!({ "method": "get", "path": "/capabilities" }),
        json!({ "method": "PATCH", "path": "/capabilities" }),
        json!({ "method": "GET", "path": "capabilities" }),
        json!({ "method": "GET", "path": 7 }),
        json!({ "method": "GET" }),
        json!({ "method": "GET", "path": "/capabilities", "json": {} }),
        json!({ "method": "POST", "path": "/rooms" }),
        json!({ "method": "POST", "path": "/rooms", "json": {}, "b64": "" }),
        json!({ "method": "POST", "path": "/rooms", "b64": "!" }),
        json!({ "method": "POST", "path": "/rooms", "bytes": 7 }),
        json!({ "method": "GET", "path": "/%ff", "headers": [] }),
        json!({ "method": "GET", "path": "/capabilities", "headers": [] }),
        json!({ "method": "GET", "path": "/capabilities", "headers": { "a": 1 } }),
        json!({ "method": "GET", "path": "/capabilities", "headers": { "a b": "x" } }),
        json!([]),
        json!("GET"),
    ] {
        let batch = json!([{ "method": "GET", "path": "/capabilities" }, bad]);
        assert_eq!(person.post("/batch", &batch).await.status, 400, "{bad}");
    }
    assert_eq!(person.post("/batch", &json!({})).await.status, 400);
    let null = json!([{ "method": "GET", "path": "/capabilities", "json": null }]);
    assert_eq!(codes(&json(&person.post("/batch", &null).await)), [200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_and_paths_that_are_no_text_are_refused_one_by_one() {
    let (_server, person) = start().await;
    let batch = json!([
        { "method": "POST", "path": "/batch", "json": [] },
        { "method": "POST", "path": "/sequence", "json": [] },
        { "method": "POST", "path": "/oxen/v4/lsrpc", "b64": "" },
        { "method": "POST", "path": "/loki/v3/lsrpc", "b64": "" },
        { "method": "POST", "path": "/%62atch", "json": [] },
        { "method": "GET", "path": "/room/%ff" },
        { "method": "GET", "path": "/capabilities" },
    ]);
    assert_eq!(
        codes(&json(&person.post("/batch", &batch).await)),
        [400, 400, 400, 400, 400, 400, 200]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_elements_than_allowed_are_413() {
    let (_server, person) = start().await;
    let batch = |count: usize| Value::from(vec![json!({ "method": "GET", "path": "/capabilities" }); count]);
    assert_eq!(person.post("/batch", &batch(200)).await.status, 200);
    assert_eq!(person.post("/batch", &batch(201)).await.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_inside_authenticate_nobody() {
    let (server, person) = start().await;
    let element =
        json!({ "method": "GET", "path": "/inbox", "headers": { "X-SOGS-PubKey": person.id, "x-sogs-nonce": "x" } });
    let anonymous = server.anonymous();
    let answer = anonymous
        .direct(with_json("POST", "/batch", &json!([element])))
        .await
        .unwrap();
    assert_eq!(codes(&json(&answer)), [401]);
    let signed = json(&person.post("/batch", &json!([element])).await);
    assert_eq!(codes(&signed), [200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_needs_its_content_type() {
    let (_server, person) = start().await;
    let request = Request::new("POST", "/batch").body("[]");
    assert_eq!(person.call(request.clone()).await.status, 400);
    assert_eq!(
        person.call(request.header("Content-Type", "text/plain")).await.status,
        400
    );
    let charset = Request::new("POST", "/batch")
        .header("Content-Type", "application/json; charset=utf-8")
        .body("[]");
    assert_eq!(person.call(charset).await.status, 200);
}
