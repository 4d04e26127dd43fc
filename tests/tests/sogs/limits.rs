//! What is too much is refused, and costs the server little.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::{Setup, Upload, eventually, random_bytes};
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::client::Request;

use crate::people::{Person, upload, with_json};
use crate::start_with_room;

/// The largest request.
const LARGEST: usize = 16 * 1024 * 1024;
/// The largest file.
const LARGEST_FILE: usize = 10_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_413() {
    let server = start_with_room!(Setup::SqliteLocal, "", "lobby");
    let person = Person::at(&server);
    // A batch of nothing, blown up with spaces.
    let batch = |size: usize| {
        let body = format!("[{}]", " ".repeat(size - 2));
        Request::new("POST", "/batch")
            .header("Content-Type", "application/json")
            .body(body)
    };
    let answer = person.call(batch(LARGEST)).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"[]"[..]));
    assert_eq!(person.call(batch(LARGEST + 1)).await.status, 413);
    assert_eq!(server.client().direct(batch(LARGEST + 1)).await.unwrap().status, 413);
    let get = json!({ "method": "GET", "path": "/capabilities" });
    for (count, status) in [(200, 200), (201, 413)] {
        for path in ["/batch", "/sequence"] {
            let elements = Value::from(vec![get.clone(); count]);
            assert_eq!(person.post(path, &elements).await.status, status, "{path} {count}");
        }
    }

    for (size, status) in [(LARGEST_FILE, 201), (LARGEST_FILE + 1, 413), (LARGEST + 1, 413)] {
        let answer = person.call(upload("lobby", random_bytes(1, size))).await;
        assert_eq!(answer.status, status, "{size}");
    }
    // The largest file fits into a batch, as Android sends it.
    let b64 = STANDARD.encode(random_bytes(2, LARGEST_FILE));
    let element = json!({ "method": "POST", "path": "/room/lobby/file", "b64": b64 });
    let answer = person.call(with_json("POST", "/batch", &json!([element]))).await;
    assert_eq!(crate::json(&answer.body)[0]["code"], 201);
}

/// Somebody opens many connections and begins a large upload on each, of which only a little ever arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_uploads_takes_no_more_memory_than_there_is_for_bodies() {
    const CLIENTS: usize = 1000;
    let budget = 64 * 1024 * 1024;
    let settings = "http.body_budget = \"64 MiB\"\nhttp.budget_wait = \"200ms\"";
    let server = start_with_room!(Setup::SqliteLocal, settings, "lobby");
    let person = Person::at(&server);
    person.uploaded("lobby", random_bytes(3, LARGEST_FILE)).await;
    let before = server.memory().now;
    let piece = random_bytes(4, 400_000);
    let length = format!("Content-Length: {LARGEST_FILE}");
    let flood = (0..CLIENTS).map(async |_| {
        let mut upload = Upload::begin(server.address(), "/room/lobby/file", &[&length]).await;
        // A refusal may come first.
        let _ = upload.send(&piece).await;
        upload
    });
    let flood = join_all(flood).await;
    // Meanwhile small requests are answered.
    person.said("lobby", "still here").await;
    assert_eq!(person.get("/room/lobby/messages/recent").await.status, 200);
    let peak = server.memory().peak;
    let each = 64 * 1024;
    let text = format!("{} MiB before, {} MiB at most", before >> 20, peak >> 20);
    println!("{text}");
    assert!(peak < before + budget + CLIENTS as u64 * each, "{text}");
    drop(flood);
    eventually("there is room for a large upload again", async || {
        let answer = person.call(upload("lobby", random_bytes(5, LARGEST_FILE))).await;
        assert!(matches!(answer.status, 201 | 503), "{answer:?}");
        answer.status == 201
    })
    .await;
}
