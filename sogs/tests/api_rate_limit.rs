//! How many messages one person may post within a while.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use in_process::{Server, Stores, json};
use serde_json::{Value, json};
use sogs::model::RoomNo;
use sogs::store::RoomChange;

on_both_stores!(
    the_sixth_quick_post_waits_until_the_first_is_old,
    the_limit_is_per_person_and_room_and_not_for_admins,
    a_room_has_its_own_limit_or_none,
    of_simultaneous_posts_no_more_than_the_limit_get_through,
);

fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn message(text: &str) -> Value {
    json!({ "data": b64(text.as_bytes()), "signature": b64(&[7; 64]) })
}

async fn lobby(stores: Stores) -> Option<(Server, RoomNo)> {
    let server = Server::start(stores).await?;
    let room = server.room("lobby").await;
    Some((server, room))
}

async fn the_sixth_quick_post_waits_until_the_first_is_old(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let first = json(&person.say("lobby", "0").await);
    for text in ["1", "2", "3", "4"] {
        server.pass(1);
        assert_eq!(person.say("lobby", text).await.status, 201);
    }
    // Deleted posts count as well, and edits are not posts.
    let path = format!("/room/lobby/message/{}", first["id"]);
    assert_eq!(person.put(&path, &message("x")).await.status, 200);
    assert_eq!(person.delete(&path).await.status, 200);
    let refused = person.say("lobby", "5").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("13")));
    server.pass(12);
    assert_eq!(
        person.say("lobby", "5").await.status,
        429,
        "16 seconds later it still counts"
    );
    server.pass(1);
    assert_eq!(person.say("lobby", "5").await.status, 201);
    assert_eq!(person.say("lobby", "6").await.status, 429);
    assert_eq!(json(&person.get("/room/lobby").await)["message_sequence"], 8);
}

async fn the_limit_is_per_person_and_room_and_not_for_admins(stores: Stores) {
    let Some((server, room)) = lobby(stores).await else {
        return;
    };
    server.room("attic").await;
    let people = [server.user().await, server.user().await, server.user().await];
    let [person, moderator, admin] = &people;
    server.appoint(room, moderator, false).await;
    server.appoint(room, admin, true).await;
    for _ in 0..5 {
        for someone in &people {
            assert_eq!(someone.say("lobby", "x").await.status, 201);
        }
    }
    assert_eq!(person.say("lobby", "x").await.status, 429);
    assert_eq!(moderator.say("lobby", "x").await.status, 429);
    assert_eq!(admin.say("lobby", "x").await.status, 201);
    assert_eq!(person.say("attic", "x").await.status, 201);
}

async fn a_room_has_its_own_limit_or_none(stores: Stores) {
    let Some((server, room)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let limit = |size| RoomChange {
        rate_limit: Some((size, std::time::Duration::from_secs(60))),
        ..RoomChange::default()
    };
    server
        .change(async |write: &mut sogs::store::Write| write.change_room(room, &limit(1)).await.unwrap())
        .await;
    assert_eq!(person.say("lobby", "x").await.status, 201);
    let refused = person.say("lobby", "x").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("61")));
    server
        .change(async |write: &mut sogs::store::Write| write.change_room(room, &limit(0)).await.unwrap())
        .await;
    for _ in 0..10 {
        assert_eq!(person.say("lobby", "x").await.status, 201);
    }
}

async fn of_simultaneous_posts_no_more_than_the_limit_get_through(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let posts = (0..12).map(|_| person.say("lobby", "x"));
    let answers = futures_util::future::join_all(posts).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(201), count(429)), (5, 7));
}
