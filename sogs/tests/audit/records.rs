//! What becomes of records, and how they are found.

use serde_json::json;
use shared::config::Span;
use sogs::jobs;
use sogs::model::Action;
use sogs::store::{Sought, Write};

use crate::in_process::{Server, Stores};
use crate::{admin, good, record, records, said, since};
on_both_stores!(
    all_that_somebody_posted_is_one_record_however_many_steps_it_takes,
    what_is_done_on_schedule_is_done_by_the_server,
    records_outlive_the_room_and_what_was_said_is_in_none,
    records_go_when_they_are_old,
    records_are_found_by_all_ids_of_somebody,
);

async fn all_that_somebody_posted_is_one_record_however_many_steps_it_takes(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (boss, user) = (admin(&server).await, server.user().await);
    let author = server.number_of(&user).await;
    // A step takes a thousand.
    server
        .change(async |write: &mut Write| {
            for _ in 0..2001 {
                let message = sogs::store::NewMessage {
                    room,
                    author,
                    data: b"x",
                    signature: &[0; 64],
                    filtered: false,
                    whisper: None,
                    whisper_mods: false,
                    limit: None,
                };
                write.post(&message).await.unwrap();
            }
        })
        .await;
    let count = records(&server).await.len();
    good(&boss.delete(&format!("/rooms/all/{}", user.id)).await);
    let expected = record(
        &boss.id,
        Action::MessagePurge,
        Some("lobby"),
        Some(&user.id),
        json!({ "messages": 2001 }),
    );
    assert_eq!(since(&server, count).await, [expected]);
}

async fn what_is_done_on_schedule_is_done_by_the_server(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    let (boss, user) = (admin(&server).await, server.user().await);
    let id = user.id.as_str();
    let ban = json!({ "rooms": ["lobby"], "timeout": 60 });
    good(&boss.post(&format!("/user/{id}/ban"), &ban).await);
    let later = json!({ "write": false, "in": 60 });
    good(&boss.post(&format!("/room/lobby/futurePermissions/{id}"), &later).await);
    let count = records(&server).await.len();
    server.pass(60);
    jobs::keep_once(server.app()).await;
    let room = Some("lobby");
    let expected = [
        record(
            "server",
            Action::PermissionChange,
            room,
            Some(id),
            json!({ "write": false }),
        ),
        record("server", Action::BanLift, room, Some(id), json!({})),
    ];
    assert_eq!(since(&server, count).await, expected);
}

async fn records_outlive_the_room_and_what_was_said_is_in_none(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (boss, user) = (admin(&server).await, server.user().await);
    let new = json!({ "token": "lobby", "name": "The lobby", "description": "whispered description" });
    good(&boss.post("/rooms", &new).await);
    good(
        &boss
            .put("/room/lobby", &json!({ "description": "another description" }))
            .await,
    );
    let message = said(&user, "a secret text").await;
    good(
        &user
            .put(&format!("/room/lobby/reaction/{message}/🐟"), &json!({}))
            .await,
    );
    good(&boss.delete(&format!("/room/lobby/reactions/{message}/🐟")).await);
    good(&boss.delete(&format!("/room/lobby/message/{message}")).await);
    let before = records(&server).await;
    good(&boss.delete("/room/lobby").await);
    let after = records(&server).await;
    assert_eq!(after[..before.len()], before);
    let text = serde_json::to_string(&after).unwrap();
    let said = [
        "secret",
        "description\"]",
        "whispered",
        "another",
        "🐟",
        "c2Vjcm",
        "YSBzZWNyZXQ",
    ];
    for words in said {
        assert!(!text.contains(words), "{words}: {text}");
    }
    let sought = Sought {
        room: Some("LOBBY".to_owned()),
        ..Sought::default()
    };
    let of_room = server.app().store.audit(&sought, i64::MAX).await.unwrap();
    assert_eq!(of_room.len(), 5);
}

async fn records_go_when_they_are_old(stores: Stores) {
    for (keep, left) in [(3600, 1), (0, 2)] {
        let change = |settings: &mut sogs::settings::Settings| settings.audit.keep = Span::seconds(keep);
        let Some(mut server) = Server::start_with(stores, change).await else {
            return;
        };
        server.stop_jobs().await;
        server.room("first").await;
        server.pass(3600);
        server.room("second").await;
        jobs::keep_once(server.app()).await;
        assert_eq!(records(&server).await.len(), 2, "an hour old is not older than an hour");
        server.pass(1);
        jobs::keep_once(server.app()).await;
        let rest = records(&server).await;
        assert_eq!(rest.len(), left);
        assert_eq!(rest.last().unwrap()["room"], "second");
    }
}

async fn records_are_found_by_all_ids_of_somebody(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let boss = admin(&server).await;
    let (known, newcomer) = (server.user().await, server.person());
    for person in [&known, &newcomer] {
        let account = person.account.session_id();
        let ban = json!({ "global": true });
        good(&boss.post(&format!("/user/{account}/ban"), &ban).await);
    }
    let found = async |id: &str| -> Vec<String> {
        let targets = server.app().store.ids_of(&id.parse().unwrap()).await.unwrap();
        let sought = Sought {
            targets: Some(targets),
            ..Sought::default()
        };
        let records = server.app().store.audit(&sought, i64::MAX).await.unwrap();
        records.into_iter().map(|record| record.target.unwrap()).collect()
    };
    assert_eq!(found(&known.id).await, std::slice::from_ref(&known.id));
    assert_eq!(
        found(&known.account.session_id().to_string()).await,
        std::slice::from_ref(&known.id)
    );
    let account = newcomer.account.session_id().to_string();
    assert_eq!(found(&newcomer.id).await, std::slice::from_ref(&account));
    assert_eq!(found(&account).await, std::slice::from_ref(&account));
}
