//! Timed work, and what several processes on one database learn of each other.

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
use serde_json::json;
use shared::db::PerDialect;
use shared::run;
use sogs::jobs;
use sogs::model::Override;

on_both_stores!(
    readers_become_active_users_and_stop_being_counted,
    what_one_process_changes_the_other_honours,
    people_who_were_seen_are_remembered_over_a_restart,
    bans_end_and_permissions_change_when_it_is_time,
    a_change_that_cannot_be_made_keeps_nobody_else_waiting,
    what_a_clock_that_was_ahead_left_behind_is_mended,
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

async fn a_change_that_cannot_be_made_keeps_nobody_else_waiting(stores: Stores) {
    const FAIL: PerDialect = PerDialect {
        sqlite: "CREATE TRIGGER fail BEFORE UPDATE ON users WHEN NEW.visible_mod AND NOT NEW.banned
            BEGIN SELECT RAISE(ABORT, 'it stays'); END",
        postgres: "ALTER TABLE users ADD CONSTRAINT fail CHECK (banned OR NOT visible_mod) NOT VALID",
    };
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    let (unlucky, lucky) = (server.user().await, server.user().await);
    for (seconds, person) in [(10, &unlucky), (20, &lucky)] {
        let until = server.clock.now().plus(std::time::Duration::from_secs(seconds));
        let id = person.id.parse().unwrap();
        server
            .change(async |write: &mut sogs::store::Write| {
                write.ban(&id, &sogs::model::Scope::Server, Some(until)).await.unwrap();
            })
            .await;
    }
    let mut tx = server.app().store.database().write().await.unwrap();
    let mark = "UPDATE users SET visible_mod = $2 WHERE session_id = $1";
    run!(tx, execute, query, mark, &unlucky.id, true).unwrap();
    run!(tx, execute, query, FAIL).unwrap();
    tx.commit().await.unwrap();
    server.pass(20);
    for _ in 0..2 {
        assert!(server.app().apply_due().await.is_err());
        assert_eq!(unlucky.get("/rooms").await.status, 403);
        assert_eq!(lucky.get("/rooms").await.status, 200);
    }
}

async fn what_a_clock_that_was_ahead_left_behind_is_mended(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| settings.direct_messages.per_day = 1).await else {
        return;
    };
    server.room("lobby").await;
    let (right, year) = (server.clock.now(), 365 * 86_400);
    server.pass(year);
    let (ann, bob) = (server.user().await, server.user().await);
    let path = format!("/inbox/{}", bob.id);
    let letter = json!({ "message": STANDARD.encode("sealed") });
    assert_eq!(ann.post(&path, &letter).await.status, 201);
    assert_eq!(ann.get("/room/lobby/messages/recent").await.status, 200);
    jobs::flush_activity(server.app()).await.unwrap();

    server.clock.correct(right);
    let (ann, bob) = (server.person_of(ann.account), server.person_of(bob.account));
    let answer = ann.post(&path, &letter).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), Some("86400"));
    jobs::tidy(server.app()).await;
    let number = server.number_of(&ann).await;
    let row = server.app().store.user_row(number).await.unwrap().unwrap();
    assert_eq!((row.last_active, row.created), (right.as_nanos(), right.as_nanos()));
    let received = json(&bob.get("/inbox").await);
    assert_eq!(received[0]["posted_at"], json!(right));
    let expiry = right.plus(server.settings.direct_messages.expiry.0);
    assert_eq!(received[0]["expires_at"], json!(expiry));
    jobs::keep_once(server.app()).await;
    assert_eq!(json(&server.get("/room/lobby").await)["active_users"], 1);
    // What was right stays: an hour ahead is no clock that was wrong.
    server.pass(3600);
    let seen = server.user().await;
    jobs::flush_activity(server.app()).await.unwrap();
    let later = server.clock.now();
    server.clock.correct(right);
    jobs::tidy(server.app()).await;
    let row = server
        .app()
        .store
        .user_row(server.number_of(&seen).await)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.last_active, later.as_nanos());
}
