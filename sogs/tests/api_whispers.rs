//! Whispers: messages for one person, for the moderators, or for both.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use in_process::{Person, Server, Stores, json};
use serde_json::{Value, json};
use sogs::model::{Override, RoomNo};

on_both_stores!(
    whispers_are_seen_by_whom_they_are_for,
    only_moderators_whisper_and_only_to_ids,
    a_whisper_to_an_account_reaches_its_blinded_id,
    whoever_stops_moderating_loses_the_whispers,
);

fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn message(text: &str) -> Value {
    json!({ "data": b64(text.as_bytes()), "signature": b64(&[7; 64]) })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

fn ids(list: &Value) -> Vec<i64> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|message| message["id"].as_i64().unwrap())
        .collect()
}

async fn list(person: &Person, path: &str) -> Value {
    let answer = person.get(&format!("/room/lobby/{path}")).await;
    assert_eq!(answer.status, 200, "{path}");
    json(&answer)
}

async fn lobby(stores: Stores) -> Option<(Server, RoomNo)> {
    let server = Server::start(stores).await?;
    let room = server.room("lobby").await;
    Some((server, room))
}

/// Whether all ways of reading agree that somebody sees a message.
async fn sees(person: &Person, id: i64) -> bool {
    let single = person.get(&format!("/room/lobby/message/{id}")).await.status == 200;
    for path in [
        "messages/recent".to_owned(),
        "messages/since/0".to_owned(),
        format!("messages/before/{}", id + 1),
    ] {
        assert_eq!(ids(&list(person, &path).await).contains(&id), single, "{path}");
    }
    single
}

async fn whispers_are_seen_by_whom_they_are_for(stores: Stores) {
    let Some((server, room)) = lobby(stores).await else {
        return;
    };
    let people = [
        server.user().await,
        server.user().await,
        server.user().await,
        server.user().await,
        server.user().await,
    ];
    let [author, moderator, admin, target, _] = &people;
    server.appoint(room, author, false).await;
    server.appoint(room, moderator, false).await;
    server.appoint(room, admin, true).await;
    for (to, mods, expected) in [
        (Some(&target.id), None, [true, false, false, true, false]),
        (Some(&target.id), Some(true), [true, true, true, true, false]),
        (None, Some(true), [true, true, true, false, false]),
    ] {
        server.pass(20);
        let body = with(message("psst"), "whisper_to", json!(to.map(|id| id.to_uppercase())));
        let answer = author
            .post("/room/lobby/message", &with(body, "whisper_mods", json!(mods)))
            .await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        let posted = json(&answer);
        assert_eq!(posted["whisper"], true);
        assert_eq!(posted["whisper_mods"], mods.unwrap_or(false));
        assert_eq!(posted.get("whisper_to"), to.map(|id| json!(id)).as_ref());
        let id = posted["id"].as_i64().unwrap();
        assert_eq!(json(&author.get(&format!("/room/lobby/message/{id}")).await), posted);
        for (person, expected) in people.iter().zip(expected) {
            assert_eq!(sees(person, id).await, expected, "{} {to:?} {mods:?}", person.id);
        }
        assert_eq!(json(&server.get("/room/lobby/messages/recent").await), json!([]));
    }
}

async fn only_moderators_whisper_and_only_to_ids(stores: Stores) {
    let Some((server, room)) = lobby(stores).await else {
        return;
    };
    let (person, moderator) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    for (name, value) in [("whisper_to", json!(moderator.id)), ("whisper_mods", json!(1))] {
        let body = with(message("psst"), name, value);
        assert_eq!(person.post("/room/lobby/message", &body).await.status, 403, "{name}");
    }
    let unseen = server.person().id;
    // This lies not on the curve.
    let nobody = format!("15{}", "ab".repeat(32));
    for (target, status) in [
        (json!(""), 400),
        (json!("deleted"), 400),
        (json!(7), 400),
        (json!(format!("ff{}", "ab".repeat(32))), 400),
        (json!(nobody), 400),
        (json!(unseen), 201),
    ] {
        let body = with(message("psst"), "whisper_to", target.clone());
        assert_eq!(
            moderator.post("/room/lobby/message", &body).await.status,
            status,
            "{target}"
        );
    }
}

async fn a_whisper_to_an_account_reaches_its_blinded_id(stores: Stores) {
    let Some((server, room)) = lobby(stores).await else {
        return;
    };
    let (person, moderator) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let account = person.account.session_id().to_string();
    let body = with(message("psst"), "whisper_to", json!(account));
    let posted = json(&moderator.post("/room/lobby/message", &body).await);
    assert_eq!(posted["whisper_to"], person.id);
    assert!(sees(&person, posted["id"].as_i64().unwrap()).await);
}

async fn whoever_stops_moderating_loses_the_whispers(stores: Stores) {
    let Some((server, room)) = lobby(stores).await else {
        return;
    };
    let (moderator, target) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let body = with(message("psst"), "whisper_to", json!(target.id));
    let id = json(&moderator.post("/room/lobby/message", &body).await)["id"]
        .as_i64()
        .unwrap();
    assert!(sees(&moderator, id).await);
    server.differ(room, &moderator.id, Override::default()).await;
    assert!(!sees(&moderator, id).await);
    assert!(sees(&target, id).await);
}
