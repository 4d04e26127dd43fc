//! What moderators do.

use serde_json::{Value, json};
use shared::client::{Answer, Request};
use sogs::model::Action;

use crate::in_process::{START, Server, Stores};
use crate::{admin, good, old_clients, record, records, said, since};
on_both_stores!(
    every_change_of_a_moderator_is_one_record_of_who_and_what,
    older_endpoints_leave_the_same_records,
);

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
