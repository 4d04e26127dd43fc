//! Timed work, and what several processes on one database learn of each other.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Server, Stores, json};
use serde_json::json;
use sogs::jobs;
use sogs::model::Override;

on_both_stores!(
    readers_become_active_users_and_stop_being_counted,
    what_one_process_changes_the_other_honours,
    people_who_were_seen_are_remembered_over_a_restart,
    bans_end_and_permissions_change_when_it_is_time,
);

async fn readers_become_active_users_and_stop_being_counted(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    for _ in 0..3 {
        let person = server.user().await;
        assert_eq!(person.get("/room/lobby").await.status, 200, "which does not count");
        person.get("/room/lobby/pollInfo/0").await;
    }
    server.get("/room/lobby/pollInfo/0").await;
    let only_looks = server.user().await;
    only_looks.get("/room/lobby").await;
    jobs::flush_activity(server.app()).await.unwrap();
    jobs::keep_once(server.app()).await;
    assert_eq!(json(&server.get("/room/lobby").await)["active_users"], 3);
    server.pass(7 * 86_400 + 1);
    jobs::keep_once(server.app()).await;
    assert_eq!(json(&server.get("/room/lobby").await)["active_users"], 0);
}

async fn what_one_process_changes_the_other_honours(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let person = server.user().await;
    let second = server.second().await;
    let there = |path: &'static str| {
        let url = format!("http://{}{path}", second.address());
        async move { shared::client::http().unwrap().get(url).send().await.unwrap() }
    };
    assert_eq!(there("/room/lobby").await.status(), 200);
    let role = Override {
        moderator: true,
        ..Override::default()
    };
    server.differ(room, &person.id, role).await;
    jobs::catch_up(second.app()).await.unwrap();
    let seen: serde_json::Value = serde_json::from_slice(&there("/room/lobby").await.bytes().await.unwrap()).unwrap();
    assert_eq!(seen["moderators"], json!([person.id]));
    second.stop().await;
}

async fn people_who_were_seen_are_remembered_over_a_restart(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let person = server.user().await;
    person.get("/room/lobby/pollInfo/0").await;
    server.restart().await;
    jobs::keep_once(server.app()).await;
    assert_eq!(json(&server.get("/room/lobby").await)["active_users"], 1);
}

async fn bans_end_and_permissions_change_when_it_is_time(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    let (moderator, person) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let ban = json!({ "rooms": ["lobby"], "timeout": 60 });
    let path = format!("/user/{}/ban", person.id);
    assert_eq!(moderator.post(&path, &ban).await.status, 200);
    let later = json!({ "in": 120, "write": false });
    let path = format!("/room/lobby/futurePermissions/{}", person.id);
    assert_eq!(moderator.post(&path, &later).await.status, 200);
    for (seconds, status) in [(59, 403), (1, 201), (59, 201), (1, 403)] {
        server.pass(seconds);
        jobs::keep_once(server.app()).await;
        assert_eq!(person.say("lobby", "x").await.status, status);
    }
}
