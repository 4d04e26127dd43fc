//! A moderator loses the role in the middle of their work.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use sogs::store::{RoomChange, Write};

use crate::in_process::{Person, Server, Stores, json};
use crate::{Reader, good, message, numbers, on_both_stores, posted};

on_both_stores!(a_moderator_is_demoted_while_they_post);

const FLAGS: [&str; 4] = ["moderator", "admin", "global_moderator", "global_admin"];

async fn a_moderator_is_demoted_while_they_post(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let unlimited = RoomChange {
        rate_limit: Some((0, Duration::ZERO)),
        ..RoomChange::default()
    };
    server
        .change(async |write: &mut Write| write.change_room(room, &unlimited).await.unwrap())
        .await;
    let (admin, moderator, regular) = (server.user().await, server.user().await, server.user().await);
    server.appoint(room, &admin, true).await;
    server.appoint(room, &moderator, false).await;

    let hello = posted(&regular, "lobby", "hello").await;
    let before = poll(&moderator, 0).await;
    assert_eq!(flags(&before), [true, false, false, false]);
    assert_eq!(before["default_read"], true);
    assert_eq!(before["details"]["moderators"], json!([moderator.id]));
    let known = before["details"]["info_updates"].as_i64().unwrap();
    assert!(poll(&moderator, known).await.get("details").is_none());
    let whispered = posted_whisper(&moderator).await.unwrap();
    let mut reader = Reader::new(&moderator, "lobby");
    assert_eq!(numbers(&reader.news().await, "id"), [hello, whispered]);

    // Whispers are on their way while the role is taken away: each of them arrives or is refused.
    let whispers = join_all((0..20).map(|_| posted_whisper(&moderator)));
    let (arrived, ()) = tokio::join!(whispers, demote(&admin, &moderator));
    let arrived: Vec<i64> = arrived.into_iter().flatten().collect();
    assert_eq!(posted_whisper(&moderator).await, None);
    let mut all = arrived.clone();
    all.extend([hello, whispered]);
    all.sort_unstable();
    let mut seen = numbers(&Reader::new(&admin, "lobby").news().await, "id");
    seen.sort_unstable();
    assert_eq!(seen, all, "what was answered with 201 is there, and nothing else");

    // They see no whispers any more, not even their own.
    assert_eq!(reader.news().await, Vec::<Value>::new());
    assert_eq!(numbers(&Reader::new(&moderator, "lobby").news().await, "id"), [hello]);
    for id in arrived.iter().chain([&whispered]) {
        let path = format!("/room/lobby/message/{id}");
        assert_eq!(moderator.get(&path).await.status, 404);
        assert_eq!(admin.get(&path).await.status, 200);
    }

    // Nor may they do what moderators may.
    let path = format!("/room/lobby/message/{hello}");
    assert_eq!(moderator.delete(&path).await.status, 403);
    let all = format!("/room/lobby/all/{}", regular.id);
    assert_eq!(moderator.delete(&all).await.status, 403);
    let path = format!("/room/lobby/reactions/{hello}");
    assert_eq!(moderator.delete(&path).await.status, 403);
    assert_eq!(moderator.get("/room/lobby/permissions").await.status, 403);
    let ban = json!({ "rooms": ["lobby"] });
    let path = format!("/user/{}/ban", regular.id);
    assert_eq!(moderator.post(&path, &ban).await.status, 403);

    // The next poll says so, with false for what is over.
    let after = poll(&moderator, known).await;
    assert_eq!(flags(&after), [false; 4]);
    assert_eq!(flags(&after["details"]), [false; 4]);
    for name in ["default_read", "default_accessible", "default_write", "default_upload"] {
        assert!(after.get(name).is_none(), "{after}");
        assert!(after["details"].get(name).is_none(), "{after}");
    }
    for list in ["moderators", "hidden_moderators", "hidden_admins"] {
        assert_eq!(after["details"][list], json!([]), "{list}");
    }
    assert_eq!(after["details"]["admins"], json!([admin.id]));

    // Otherwise they are a member like any other.
    let last = posted(&moderator, "lobby", "I am still here").await;
    assert_eq!(numbers(&reader.news().await, "id"), [last]);
    assert_eq!(
        moderator.delete(&format!("/room/lobby/message/{last}")).await.status,
        200
    );
}

async fn poll(person: &Person, info_updates: i64) -> Value {
    good(&person.get(&format!("/room/lobby/pollInfo/{info_updates}")).await, 200)
}

fn flags(object: &Value) -> [bool; 4] {
    FLAGS.map(|name| object[name].as_bool().unwrap())
}

/// Whispers to the moderators; `None` if that is refused.
async fn posted_whisper(person: &Person) -> Option<i64> {
    let body = message("psst", json!({ "whisper_mods": true }));
    let answer = person.post("/room/lobby/message", &body).await;
    if answer.status == 403 {
        return None;
    }
    assert_eq!(answer.status, 201, "{answer:?}");
    json(&answer)["id"].as_i64()
}

/// What Desktop sends for "remove admin".
async fn demote(admin: &Person, moderator: &Person) {
    let body = json!({ "rooms": ["lobby"], "global": false, "visible": true, "admin": false, "moderator": false });
    let path = format!("/user/{}/moderator", moderator.id);
    let answer = good(&admin.post(&path, &body).await, 200);
    assert!(answer["info_updates"]["lobby"].is_i64(), "{answer}");
}
