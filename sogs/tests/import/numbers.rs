//! Sequence numbers as old servers have left them.

use serde_json::Value;

use crate::count;
use crate::old_server::{OldServer, Version};
use crate::support::{Live, Place, Stores};

in_every_place!(
    pages_neither_skip_nor_repeat_messages_with_the_same_number,
    numbers_of_messages_are_set_right,
    older_versions_have_what_they_lack_by_default,
);

async fn one_room(old: &OldServer, sequence: i64) {
    old.sql(&format!(
        "INSERT INTO users (id, session_id) VALUES (1, 'deleted');
        INSERT INTO rooms (id, token, name, message_sequence) VALUES (1, 'lobby', 'Lobby', {sequence});"
    ))
    .await;
}

/// What somebody is shown who asks for so many at a time and goes on from the last number until nothing comes.
async fn walk(live: &Live, limit: usize) -> Vec<i64> {
    let reader = live.user().await;
    let (mut seen, mut seqno) = (Vec::new(), 0);
    loop {
        let page = reader
            .json(&format!("/room/lobby/messages/since/{seqno}?limit={limit}"))
            .await;
        let page = page.as_array().unwrap();
        let Some(last) = page.last() else { return seen };
        let next = last["seqno"].as_i64().unwrap();
        assert!(next > seqno, "it would go on for ever");
        seqno = next;
        seen.extend(page.iter().map(|message| message["id"].as_i64().unwrap()));
    }
}

async fn pages_neither_skip_nor_repeat_messages_with_the_same_number(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let old = OldServer::new().await;
    one_room(&old, 9).await;
    for (id, seqno) in [(1, 1), (2, 4), (3, 4), (4, 4), (5, 4), (6, 4), (7, 8), (8, 8), (9, 9)] {
        old.sql(&format!(
            r#"INSERT INTO messages (id, room, "user", seqno, seqno_data, data, data_size, signature)
                VALUES ({id}, 1, 1, {seqno}, {seqno}, X'61', 1, X'{}');"#,
            "00".repeat(64)
        ))
        .await;
    }
    let report = old.import(&place, &["--json"]).json();
    assert_eq!(count(&report, "shared_seqno"), 7);
    let live = place.live().await;
    for limit in 1..=10 {
        assert_eq!(
            walk(&live, limit).await,
            [1, 2, 3, 4, 5, 6, 7, 8, 9],
            "{limit} at a time"
        );
    }
}

async fn numbers_of_messages_are_set_right(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let old = OldServer::new().await;
    // The counter of the room is below its messages; one message has the smaller of its two numbers, one none of them.
    one_room(&old, 3).await;
    old.sql(&format!(
        r#"INSERT INTO messages (id, room, "user", seqno, seqno_data, seqno_reactions, data, data_size, signature) VALUES
            (1, 1, 1, 2, 2, 12, X'61', 1, X'{0}'), (2, 1, 1, 6, 0, 0, X'62', 1, X'{0}'), (3, 1, 1, 7, 7, 0, X'63', 1, X'{0}');"#,
        "00".repeat(64)
    ))
    .await;
    let report = old.import(&place, &["--json"]).json();
    assert_eq!(
        (count(&report, "seqno_recomputed"), count(&report, "sequence_raised")),
        (2, 1)
    );
    let live = place.live().await;
    let reader = live.user().await;
    let news = reader.json("/room/lobby/messages/since/0").await;
    let numbers: Vec<(i64, i64)> = news
        .as_array()
        .unwrap()
        .iter()
        .map(|message: &Value| (message["id"].as_i64().unwrap(), message["seqno"].as_i64().unwrap()))
        .collect();
    assert_eq!(numbers, [(2, 6), (3, 7), (1, 12)]);
    assert_eq!(reader.json("/room/lobby").await["message_sequence"], 12);
    reader.say("lobby", "next").await;
    let news = reader.json("/room/lobby/messages/since/12").await;
    assert_eq!(news[0]["seqno"], 13);
}

async fn older_versions_have_what_they_lack_by_default(stores: Stores) {
    for version in [Version::First, Version::Fourth] {
        let Some(place) = Place::on(stores) else { return };
        let old = OldServer::of(version).await;
        one_room(&old, 4).await;
        old.write("uploads/1", b"file");
        let counters = if version == Version::First {
            ("", "")
        } else {
            (", seqno_data", ", 4")
        };
        old.sql(&format!(
            r#"INSERT INTO messages (id, room, "user", seqno{}, data, data_size, signature)
                VALUES (5, 1, 1, 4{}, X'61', 1, X'{}');
            INSERT INTO files (id, room, message, size, path) VALUES (9, 1, 5, 4, 'uploads/1');"#,
            counters.0,
            counters.1,
            "00".repeat(64)
        ))
        .await;
        if version == Version::First {
            // What development versions before 0.3.1 did not have yet.
            old.sql("DROP TABLE inbox; DROP TABLE needs_blinding; DROP TABLE user_request_nonces; DROP TABLE user_ban_futures;")
                .await;
        }
        old.import(&place, &[]).ok();
        let live = place.live().await;
        let reader = live.user().await;
        let news = reader.json("/room/lobby/messages/since/3").await;
        assert_eq!((&news[0]["id"], &news[0]["seqno"]), (&Value::from(5), &Value::from(4)));
        assert_eq!(&reader.get("/room/lobby/file/9").await.body[..], b"file");
        assert_eq!(
            reader.json("/room/lobby/messages/recent").await[0]["session_id"],
            "deleted"
        );
    }
}
