//! What is written down of changes that are asked for through the API.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "this is a test"
)]

mod in_process;
mod old_clients;

use in_process::{Person, START, Server, Stores, json};
use serde_json::{Value, json};
use shared::client::{Answer, Request};
use shared::config::Span;
use shared::crypto::UserId;
use sogs::jobs;
use sogs::model::{Action, RoleChange, Scope};
use sogs::store::{Sought, Write};

on_both_stores!(
    every_change_of_a_moderator_is_one_record_of_who_and_what,
    older_endpoints_leave_the_same_records,
    nothing_is_written_down_of_what_is_refused_or_undone,
    nothing_is_written_down_where_nothing_changes,
    what_people_do_with_their_own_is_not_written_down,
    all_that_somebody_posted_is_one_record_however_many_steps_it_takes,
    what_is_done_on_schedule_is_done_by_the_server,
    records_outlive_the_room_and_what_was_said_is_in_none,
    records_go_when_they_are_old,
    records_are_found_by_all_ids_of_somebody,
);

/// Records of everything, the first first.
async fn records(server: &Server) -> Vec<Value> {
    let mut records = server.app().store.audit(&Sought::default(), i64::MAX).await.unwrap();
    records.reverse();
    let value = |text: &Option<String>| {
        text.as_deref()
            .map_or(json!({}), |text| serde_json::from_str(text).unwrap())
    };
    records
        .iter()
        .map(|record| {
            json!({
                "by": record.actor, "action": record.action, "room": record.room,
                "person": record.target, "detail": value(&record.detail),
            })
        })
        .collect()
}

fn record(by: &str, action: Action, room: Option<&str>, person: Option<&str>, detail: Value) -> Value {
    json!({ "by": by, "action": action.name(), "room": room, "person": person, "detail": detail })
}

/// What has been written down since there were so many records.
async fn since(server: &Server, count: usize) -> Vec<Value> {
    records(server).await.split_off(count)
}

async fn admin(server: &Server) -> Person {
    let person = server.user().await;
    let id: UserId = person.id.parse().unwrap();
    let change = RoleChange::Admin { visible: None };
    server
        .change(async |write: &mut Write| write.change_role(&id, &Scope::Server, change).await.unwrap())
        .await;
    person
}

fn good(answer: &Answer) -> Value {
    assert!((200..300).contains(&answer.status), "{answer:?}");
    json(answer)
}

async fn said(person: &Person, text: &str) -> i64 {
    good(&person.say("lobby", text).await)["id"].as_i64().unwrap()
}

async fn every_change_of_a_moderator_is_one_record_of_who_and_what(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let boss = admin(&server).await;
    let user = server.user().await;
    let (by, id) = (boss.id.as_str(), user.id.as_str());
    let mut count = records(&server).await.len();
    let room = Some("Lobby");
    let mut check = async |answer: Answer, expected: Value| {
        good(&answer);
        assert_eq!(since(&server, count).await, [expected]);
        count += 1;
    };

    let new = json!({ "token": "Lobby", "name": "A lobby" });
    check(
        boss.post("/rooms", &new).await,
        record(by, Action::RoomCreate, room, None, json!({})),
    )
    .await;
    let details = json!({ "name": "The lobby", "description": "Hush", "default_upload": false });
    let detail = json!({ "name": "The lobby", "description": "changed", "upload": false });
    check(
        boss.put("/room/lobby", &details).await,
        record(by, Action::RoomChange, room, None, detail),
    )
    .await;
    let file = boss
        .call(Request::new("POST", "/room/lobby/file").body("picture"))
        .await;
    let file = good(&file)["id"].as_i64().unwrap();
    let details = json!({ "image": file, "default_upload": true });
    let detail = json!({ "image": file, "upload": true });
    check(
        boss.put("/room/lobby", &details).await,
        record(by, Action::RoomChange, room, None, detail),
    )
    .await;

    let path = |what: &str| format!("/user/{id}/{what}");
    let lobby = |mut fields: Value| {
        fields["rooms"] = json!(["lobby"]);
        fields
    };
    check(
        boss.post(&path("moderator"), &lobby(json!({ "admin": true }))).await,
        record(
            by,
            Action::RoleChange,
            room,
            Some(id),
            json!({ "role": "admin", "visible": true }),
        ),
    )
    .await;
    check(
        boss.post(&path("moderator"), &json!({ "global": true, "moderator": true }))
            .await,
        record(
            by,
            Action::RoleChange,
            None,
            Some(id),
            json!({ "role": "moderator", "visible": false }),
        ),
    )
    .await;
    check(
        boss.post(&path("moderator"), &json!({ "global": true, "moderator": false }))
            .await,
        record(by, Action::RoleChange, None, Some(id), json!({ "role": "none" })),
    )
    .await;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let in_an_hour = START as f64 + 3600.0;
    check(
        boss.post(&path("ban"), &lobby(json!({ "timeout": 3600 }))).await,
        record(
            by,
            Action::BanSet,
            room,
            Some(id),
            json!({ "lost": "admin", "until": in_an_hour }),
        ),
    )
    .await;
    check(
        boss.post(&path("unban"), &lobby(json!({}))).await,
        record(by, Action::BanLift, room, Some(id), json!({})),
    )
    .await;
    check(
        boss.post(&path("ban"), &json!({ "global": true })).await,
        record(by, Action::BanSet, None, Some(id), json!({})),
    )
    .await;
    check(
        boss.post(&path("unban"), &json!({ "global": true })).await,
        record(by, Action::BanLift, None, Some(id), json!({})),
    )
    .await;
    check(
        boss.post(
            &format!("/room/lobby/futurePermissions/{id}"),
            &json!({ "write": true, "in": 3600 }),
        )
        .await,
        record(
            by,
            Action::PermissionSchedule,
            room,
            Some(id),
            json!({ "at": in_an_hour, "write": true }),
        ),
    )
    .await;
    check(
        boss.post(
            &format!("/room/lobby/permissions/{id}"),
            &json!({ "write": false, "read": true }),
        )
        .await,
        record(
            by,
            Action::PermissionChange,
            room,
            Some(id),
            json!({ "read": true, "write": false, "unscheduled": 1 }),
        ),
    )
    .await;
    check(
        boss.post(
            &format!("/room/lobby/permissions/{id}"),
            &json!({ "default_write": true }),
        )
        .await,
        record(
            by,
            Action::PermissionChange,
            room,
            Some(id),
            json!({ "write": "default" }),
        ),
    )
    .await;

    let messages = [
        said(&user, "one").await,
        said(&user, "two").await,
        said(&user, "three").await,
    ];
    for message in messages {
        check(
            boss.post(&format!("/room/lobby/pin/{message}"), &json!({})).await,
            record(by, Action::PinSet, room, None, json!({ "message": message })),
        )
        .await;
    }
    check(
        boss.post(&format!("/room/lobby/unpin/{}", messages[0]), &json!({}))
            .await,
        record(by, Action::PinRemove, room, None, json!({ "message": messages[0] })),
    )
    .await;
    check(
        boss.post("/room/lobby/unpin/all", &json!({})).await,
        record(by, Action::PinRemove, room, None, json!({ "messages": 2 })),
    )
    .await;
    let reactions = format!("/room/lobby/reactions/{}", messages[0]);
    let reaction = format!("/room/lobby/reaction/{}", messages[0]);
    for (person, emoji) in [(&user, "🐟"), (&boss, "🐟"), (&user, "🐸")] {
        good(&person.put(&format!("{reaction}/{emoji}"), &json!({})).await);
    }
    check(
        boss.delete(&format!("{reactions}/🐟")).await,
        record(
            by,
            Action::ReactionClear,
            room,
            None,
            json!({ "message": messages[0], "reactions": 2 }),
        ),
    )
    .await;
    check(
        boss.delete(&reactions).await,
        record(
            by,
            Action::ReactionClear,
            room,
            None,
            json!({ "message": messages[0], "reactions": 1 }),
        ),
    )
    .await;
    check(
        boss.delete(&format!("/room/lobby/message/{}", messages[0])).await,
        record(
            by,
            Action::MessageDelete,
            room,
            Some(id),
            json!({ "message": messages[0] }),
        ),
    )
    .await;
    check(
        boss.delete(&format!("/room/lobby/all/{id}")).await,
        record(by, Action::MessagePurge, room, Some(id), json!({ "messages": 2 })),
    )
    .await;
    said(&user, "four").await;
    check(
        boss.delete(&format!("/rooms/all/{id}")).await,
        record(by, Action::MessagePurge, room, Some(id), json!({ "messages": 1 })),
    )
    .await;
    check(
        boss.delete("/room/lobby").await,
        record(by, Action::RoomDelete, room, None, json!({})),
    )
    .await;
}

async fn older_endpoints_leave_the_same_records(stores: Stores) {
    let Some(server) = old_clients::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (boss, user) = (old_clients::old(&server, "lobby"), old_clients::old(&server, "lobby"));
    old_clients::role(&server, room, &boss, true).await;
    let mut messages = Vec::new();
    for text in ["one", "two", "three", "four"] {
        messages.push(user.said(text).await);
    }
    let (by, id) = (boss.id.as_str(), user.id.as_str());
    let count = records(&server).await.len();
    let lobby = Some("lobby");
    old_clients::good(&boss.delete(&format!("messages/{}", messages[0])).await);
    old_clients::good(
        &boss
            .post("delete_messages", json!({ "ids": [messages[1], messages[2]] }))
            .await,
    );
    old_clients::good(&boss.post("moderators", json!({ "public_key": id })).await);
    old_clients::good(&boss.delete(&format!("moderators/{id}")).await);
    old_clients::good(&boss.post("block_list", json!({ "public_key": id })).await);
    old_clients::good(&boss.delete(&format!("block_list/{id}")).await);
    old_clients::good(&boss.post("ban_and_delete_all", json!({ "public_key": id })).await);
    let expected = [
        record(
            by,
            Action::MessageDelete,
            lobby,
            Some(id),
            json!({ "message": messages[0] }),
        ),
        record(by, Action::MessageDelete, lobby, Some(id), json!({ "messages": 2 })),
        record(
            by,
            Action::RoleChange,
            lobby,
            Some(id),
            json!({ "role": "admin", "visible": true }),
        ),
        record(by, Action::RoleChange, lobby, Some(id), json!({ "role": "none" })),
        record(by, Action::BanSet, lobby, Some(id), json!({})),
        record(by, Action::BanLift, lobby, Some(id), json!({})),
        record(by, Action::BanSet, lobby, Some(id), json!({})),
        record(by, Action::MessagePurge, lobby, Some(id), json!({ "messages": 1 })),
    ];
    assert_eq!(since(&server, count).await, expected);
}

async fn nothing_is_written_down_of_what_is_refused_or_undone(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (boss, moderator, user) = (admin(&server).await, server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let message = said(&boss, "hello").await;
    let before = records(&server).await;
    let lobby = json!({ "rooms": ["lobby"] });
    let refused = [
        user.post("/rooms", &json!({ "token": "mine", "name": "Mine" })).await,
        boss.post("/rooms", &json!({ "token": "lobby", "name": "Twice" })).await,
        moderator.put("/room/lobby", &json!({ "name": "Mine" })).await,
        boss.put("/room/lobby", &json!({ "name": "Half", "image": 1_000_000 }))
            .await,
        moderator.post(&format!("/user/{}/ban", boss.id), &lobby).await,
        user.post(&format!("/user/{}/ban", moderator.id), &lobby).await,
        moderator
            .post(
                &format!("/user/{}/moderator", user.id),
                &json!({ "rooms": ["lobby"], "moderator": true }),
            )
            .await,
        user.post(
            &format!("/room/lobby/permissions/{}", user.id),
            &json!({ "write": true }),
        )
        .await,
        user.delete(&format!("/room/lobby/message/{message}")).await,
        moderator.delete(&format!("/room/lobby/all/{}", boss.id)).await,
        moderator.post(&format!("/room/lobby/pin/{message}"), &json!({})).await,
        user.delete(&format!("/room/lobby/reactions/{message}")).await,
        user.delete("/room/lobby").await,
    ];
    for answer in refused {
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    let mut write = server.app().store.write(server.clock.now()).await.unwrap();
    let id: UserId = user.id.parse().unwrap();
    write.ban(&id, &Scope::Server, None).await.unwrap();
    drop(write);
    assert_eq!(records(&server).await, before);
}

async fn nothing_is_written_down_where_nothing_changes(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (boss, moderator, user) = (admin(&server).await, server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let message = said(&user, "hello").await;
    let before = records(&server).await;
    let lobby = json!({ "rooms": ["lobby"] });
    good(&boss.post(&format!("/user/{}/unban", user.id), &lobby).await);
    let again = json!({ "rooms": ["lobby"], "moderator": true });
    good(&boss.post(&format!("/user/{}/moderator", moderator.id), &again).await);
    let dismissed = json!({ "global": true, "moderator": false });
    good(&boss.post(&format!("/user/{}/moderator", user.id), &dismissed).await);
    good(
        &boss
            .put(
                "/room/lobby",
                &json!({ "name": "The room lobby", "default_read": true }),
            )
            .await,
    );
    good(
        &boss
            .post(
                &format!("/room/lobby/permissions/{}", user.id),
                &json!({ "default_write": true }),
            )
            .await,
    );
    good(&boss.post(&format!("/room/lobby/unpin/{message}"), &json!({})).await);
    good(&boss.post("/room/lobby/unpin/all", &json!({})).await);
    good(&boss.delete(&format!("/room/lobby/reactions/{message}")).await);
    good(&boss.delete(&format!("/rooms/all/{}", moderator.id)).await);
    assert_eq!(records(&server).await, before);
}

async fn what_people_do_with_their_own_is_not_written_down(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let boss = admin(&server).await;
    let user = server.user().await;
    let before = records(&server).await;
    for person in [&boss, &user] {
        let (one, two) = (said(person, "one").await, said(person, "two").await);
        let edited = json!({ "data": "eA==", "signature": format!("{}==", "A".repeat(86)) });
        good(&person.put(&format!("/room/lobby/message/{one}"), &edited).await);
        let reaction = format!("/room/lobby/reaction/{one}/🐟");
        good(&person.put(&reaction, &json!({})).await);
        good(&person.delete(&reaction).await);
        good(&person.delete(&format!("/room/lobby/message/{one}")).await);
        good(&person.delete(&format!("/room/lobby/all/{}", person.id)).await);
        let account = person.account.session_id();
        assert!(said(person, "three").await > two);
        good(&person.delete(&format!("/rooms/all/{account}")).await);
        good(&person.delete("/inbox").await);
    }
    assert_eq!(records(&server).await, before);
}

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
