//! Polling when nothing is new: what nearly all requests are.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Person, Server, Stores, json};
use serde_json::{Value, json};
use shared::run;
use sogs::model::{RoomNo, UserNo};

on_both_stores!(a_poll_without_news_does_not_ask_the_database_however_much_is_in_it,);

/// Messages, each with a sequence number of its own.
const FILL: &str =
    "INSERT INTO messages (room, author, posted, seqno, seqno_data, seqno_creation, data, size, signature)
    WITH RECURSIVE numbers (number) AS (
        SELECT CAST($3 AS BIGINT)
        UNION ALL
        SELECT number + 1 FROM numbers WHERE number < $4
    )
    SELECT $1, $2, 1700000000000000000 + number, number, number, number, $5, 1, $5
    FROM numbers";

const COUNT_ON: &str = "UPDATE rooms SET message_sequence = $2 WHERE id = $1";

async fn fill(server: &Server, room: RoomNo, author: UserNo, from: i64, to: i64) {
    let mut tx = server.app().store.database().write().await.unwrap();
    let data = vec![7_u8; 64];
    // In steps, for a statement may take some seconds only.
    for first in (from..=to).step_by(10_000) {
        let last = to.min(first + 9_999);
        run!(tx, execute, query, FILL, room.0, author.0, first, last, &data).unwrap();
    }
    run!(tx, execute, query, COUNT_ON, room.0, to).unwrap();
    tx.commit().await.unwrap();
    sogs::jobs::catch_up(server.app()).await.unwrap();
}

/// What an app asks for every few seconds.
async fn poll(person: &Person, since: i64, letter: i64) -> Vec<Value> {
    let paths = [
        "/capabilities".to_owned(),
        "/room/lobby/pollInfo/1".to_owned(),
        "/room/lobby/pollInfo/0".to_owned(),
        format!("/room/lobby/messages/since/{since}?t=r&reactors=5"),
        format!("/inbox/since/{letter}"),
        "/outbox/since/0".to_owned(),
    ];
    let batch: Vec<Value> = paths
        .iter()
        .map(|path| json!({ "method": "GET", "path": path }))
        .collect();
    let answer = person.post("/batch", &json!(batch)).await;
    assert_eq!(answer.status, 200);
    json(&answer).as_array().unwrap().clone()
}

fn codes(results: &[Value]) -> Vec<u64> {
    results.iter().map(|result| result["code"].as_u64().unwrap()).collect()
}

async fn a_poll_without_news_does_not_ask_the_database_however_much_is_in_it(stores: Stores) {
    for messages in [1_000, 100_000] {
        let Some(mut server) = Server::start(stores).await else {
            return;
        };
        server.stop_jobs().await;
        let room = server.room("lobby").await;
        let (person, author) = (server.user().await, server.user().await);
        let body = json!({ "message": "aGk=" });
        let sent = author.post(&format!("/inbox/{}", person.id), &body).await;
        let letter = json(&sent)["id"].as_i64().unwrap();
        fill(&server, room, server.number_of(&author).await, 1, messages).await;
        let news = poll(&person, messages - 1, letter - 1).await;
        assert_eq!(codes(&news), [200, 200, 200, 200, 200, 304]);
        assert_eq!(news[3]["body"].as_array().unwrap().len(), 1);
        assert_eq!(news[4]["body"].as_array().unwrap().len(), 1);

        // From here on whoever asks the database gets nothing from it.
        server.app().store.database().close().await;
        for _ in 0..3 {
            let idle = poll(&person, messages, letter).await;
            assert_eq!(codes(&idle), [200, 200, 200, 200, 304, 304]);
            assert!(idle[1]["body"].get("details").is_none());
            assert_eq!(idle[2]["body"]["details"]["message_sequence"], messages);
            assert_eq!(idle[3]["body"], json!([]));
        }
        assert_eq!(server.get("/room/lobby/messages/recent").await.status, 503);
    }
}
