//! Messages, bans and roles as the oldest clients have them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;
mod old_clients;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use in_process::{START, Stores, json};
use old_clients::{HIDDEN, Old, good, old, role, start, texts, token};
use serde_json::{Value, json};
use shared::client::Request;
use sogs::model::Override;

on_both_stores!(
    messages_are_posted_and_read,
    only_those_with_the_permission_post_and_read,
    a_poll_answers_for_each_room_on_its_own,
    messages_are_deleted_all_or_none,
    moderators_ban_and_see_who_is_banned,
    a_ban_can_take_all_posts_along,
    admins_appoint_and_dismiss_admins,
);

async fn messages_are_posted_and_read(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let (person, reader) = (old(&server, "lobby"), old(&server, "lobby"));
    let posted = good(&person.say("one").await);
    let first = posted["message"]["server_id"].as_i64().unwrap();
    let expected = json!({
        "server_id": first,
        "public_key": person.id,
        "timestamp": START * 1000,
        "data": STANDARD.encode("one"),
        "signature": STANDARD.encode([0; 64]),
    });
    assert_eq!(posted["message"], expected);
    server.clock.advance(std::time::Duration::from_millis(1234));
    person.said("two").await;
    person.said("three\0\0").await;
    let newest = reader.get("messages").await;
    assert_eq!(texts(&newest), ["three\0\0", "two", "one"]);
    let newest = good(&newest);
    assert_eq!(newest["messages"][2], expected);
    assert_eq!(newest["messages"][1]["timestamp"], START * 1000 + 1234);
    let after = |id: i64| format!("messages?from_server_id={id}");
    assert_eq!(texts(&reader.get(&after(first)).await), ["two", "three\0\0"]);
    assert_eq!(texts(&reader.get(&after(0)).await), ["one", "two", "three\0\0"]);
    assert_eq!(texts(&reader.get(&(after(0) + "&limit=2")).await), ["one", "two"]);
    assert_eq!(texts(&reader.get("messages?limit=1").await), ["three\0\0"]);
    assert_eq!(texts(&reader.get(&after(first + 1000)).await), Vec::<String>::new());
    assert_eq!(reader.get("messages?limit=x").await.status, 400);
}

async fn only_those_with_the_permission_post_and_read(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (person, anybody) = (old(&server, "lobby"), server.anonymous());
    person.said("hello").await;
    let read = Request::new("GET", "/legacy/messages").header("Room", "lobby");
    assert_eq!(texts(&anybody.direct(read).await.unwrap()), ["hello"]);
    let post = in_process::with_json("POST", "/legacy/messages", &json!({})).header("Room", "lobby");
    assert_eq!(anybody.direct(post).await.unwrap().status, 401);
    let short = json!({ "data": "eA==", "signature": "eA==" });
    assert_eq!(person.post("messages", short).await.status, 400);
    let no_write = Override {
        write: Some(false),
        ..Override::default()
    };
    server.differ(room, &person.id, no_write).await;
    assert_eq!(person.say("again").await.status, 403);
    let no_read = Override {
        read: Some(false),
        ..Override::default()
    };
    server.differ(room, &person.id, no_read).await;
    assert_eq!(person.get("messages").await.status, 403);
    assert_eq!(person.get("moderators").await.status, 403);
}

async fn a_poll_answers_for_each_room_on_its_own(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    let lobby = server.room("lobby").await;
    let secret = server.room_with("secret", HIDDEN).await;
    let (person, guest) = (old(&server, "lobby"), old(&server, "secret"));
    role(&server, lobby, &guest, true).await;
    let readable = Override {
        read: Some(true),
        ..Override::default()
    };
    server.differ(secret, &guest.id, readable).await;
    let (one, two) = (person.said("one").await, person.said("two").await);
    guest.said("hush").await;
    good(&person.delete(&format!("messages/{one}")).await);
    let token = hex::encode(token(&server, &guest).await);
    let poll = json!({ "requests": [
        { "room_id": "lobby" },
        { "room_id": "secret" },
        { "room_id": "secret", "auth_token": token },
        { "room_id": "lobby", "auth_token": "00" },
        { "room_id": "lobby", "from_message_server_id": two, "from_deletion_server_id": 3, "auth_token": null },
        { "room_id": "lobby", "from_message_server_id": one, "from_deletion_server_id": 2 },
    ]});
    let answer = good(&person.post("compact_poll", poll).await);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    let numbers = |key: &str, of: &str, result: &Value| -> Vec<i64> {
        let list = result[key].as_array().unwrap();
        list.iter().map(|entry| entry[of].as_i64().unwrap()).collect()
    };
    assert_eq!(results[0]["status_code"], 200);
    assert_eq!(results[0]["room_id"], "lobby");
    assert_eq!(numbers("messages", "server_id", &results[0]), [two]);
    // The posts took 1 and 2, so the deletion is the third change in the room.
    let deletion = json!({ "id": 3, "deleted_message_id": one });
    assert_eq!(results[0]["deletions"], json!([deletion]));
    assert_eq!(results[0]["moderators"], json!([guest.id]));
    let refused = |status: u16, room: &str| json!({ "status_code": status, "room_id": room, "messages": [], "deletions": [], "moderators": [] });
    assert_eq!(results[1], refused(404, "secret"));
    assert_eq!(results[2]["status_code"], 200);
    assert_eq!(results[2]["messages"][0]["public_key"], guest.id);
    assert_eq!(results[3], refused(401, "lobby"));
    assert_eq!(results[4]["messages"], json!([]));
    assert_eq!(results[4]["deletions"], json!([]));
    assert_eq!(numbers("messages", "server_id", &results[5]), [two]);
    assert_eq!(results[5]["deletions"], json!([deletion]));
    assert_eq!(person.post("compact_poll", json!({ "requests": 5 })).await.status, 400);
}

async fn messages_are_deleted_all_or_none(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (person, other, moderator) = (old(&server, "lobby"), old(&server, "lobby"), old(&server, "lobby"));
    role(&server, room, &moderator, false).await;
    let own = [person.said("a").await, person.said("b").await, person.said("c").await];
    let foreign = other.said("d").await;
    let mixed = json!({ "ids": [own[0], foreign] });
    assert_eq!(person.post("delete_messages", mixed.clone()).await.status, 403);
    assert_eq!(texts(&person.get("messages").await).len(), 4);
    assert_eq!(person.delete(&format!("messages/{foreign}")).await.status, 403);
    assert_eq!(person.delete("messages/999999").await.status, 404);
    good(
        &person
            .post("delete_messages", json!({ "ids": [own[1], 999_999] }))
            .await,
    );
    assert_eq!(texts(&person.get("messages").await), ["d", "c", "a"]);
    good(&moderator.post("delete_messages", mixed).await);
    assert_eq!(texts(&person.get("messages").await), ["c"]);
    good(&person.delete(&format!("messages/{}", own[2])).await);
    assert_eq!(texts(&person.get("messages").await), Vec::<String>::new());
    let many: Vec<i64> = (0..257).collect();
    assert_eq!(person.post("delete_messages", json!({ "ids": many })).await.status, 400);
}

async fn moderators_ban_and_see_who_is_banned(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, admin) = (old(&server, "lobby"), old(&server, "lobby"));
    let (person, other) = (old(&server, "lobby"), old(&server, "lobby"));
    role(&server, room, &moderator, false).await;
    role(&server, room, &admin, true).await;
    let names = |id: &str| json!({ "public_key": id });
    assert_eq!(other.post("block_list", names(&person.id)).await.status, 403);
    for wrong in [json!({}), names("05"), names(&format!("15{}", &person.id[2..]))] {
        assert_eq!(moderator.post("block_list", wrong).await.status, 400);
    }
    for protected in [&admin.id, &moderator.id] {
        assert_eq!(moderator.post("block_list", names(protected)).await.status, 403);
    }
    good(&moderator.post("block_list", names(&person.id)).await);
    let all = json!({ "banned_members": [person.id], "status_code": 200 });
    assert_eq!(good(&moderator.get("block_list").await), all);
    assert_eq!(good(&person.get("block_list").await), all);
    let none = json!({ "banned_members": [], "status_code": 200 });
    assert_eq!(good(&other.get("block_list").await), none);
    assert_eq!(person.say("let me in").await.status, 403);
    let lift = format!("block_list/{}", person.id);
    assert_eq!(other.delete(&lift).await.status, 403);
    good(&moderator.delete(&lift).await);
    assert_eq!(moderator.delete(&lift).await.status, 404);
    good(&person.say("thanks").await);
}

async fn a_ban_can_take_all_posts_along(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, person, other) = (old(&server, "lobby"), old(&server, "lobby"), old(&server, "lobby"));
    role(&server, room, &moderator, false).await;
    for text in ["spam", "spam", "spam"] {
        person.said(text).await;
    }
    other.said("sorry").await;
    let names = json!({ "public_key": person.id });
    assert_eq!(other.post("ban_and_delete_all", names.clone()).await.status, 403);
    good(&moderator.post("ban_and_delete_all", names).await);
    assert_eq!(texts(&other.get("messages").await), ["sorry"]);
    assert_eq!(person.say("spam").await.status, 403);
}

async fn admins_appoint_and_dismiss_admins(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (admin, moderator) = (old(&server, "lobby"), old(&server, "lobby"));
    let (hidden, person) = (old(&server, "lobby"), old(&server, "lobby"));
    role(&server, room, &admin, true).await;
    role(&server, room, &moderator, false).await;
    let unseen = Override {
        moderator: true,
        visible_mod: false,
        ..Override::default()
    };
    server.differ(room, &hidden.id, unseen).await;
    let listed = |ids: &[&Old]| {
        let mut ids: Vec<&str> = ids.iter().map(|old| old.id.as_str()).collect();
        ids.sort_unstable();
        json!({ "moderators": ids, "status_code": 200 })
    };
    assert_eq!(good(&person.get("moderators").await), listed(&[&admin, &moderator]));
    let names = json!({ "public_key": person.id });
    assert_eq!(moderator.post("moderators", names.clone()).await.status, 403);
    good(&admin.post("moderators", names).await);
    assert_eq!(
        good(&person.get("moderators").await),
        listed(&[&admin, &moderator, &person])
    );
    assert_eq!(
        json(&server.get("/room/lobby").await)["admins"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let dismissal = format!("moderators/{}", admin.id);
    assert_eq!(moderator.delete(&dismissal).await.status, 403);
    good(&person.delete(&dismissal).await);
    assert_eq!(good(&person.get("moderators").await), listed(&[&moderator, &person]));
    assert_eq!(
        admin.post("moderators", json!({ "public_key": admin.id })).await.status,
        403
    );
}
