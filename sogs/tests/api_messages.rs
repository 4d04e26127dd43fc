//! Posting, reading and editing messages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use in_process::{Person, Server, Stores, json, with_json};
use serde_json::{Value, json};
use sogs::model::{Defaults, Override, RoomNo};
use sogs::store::NewMessage;

on_both_stores!(
    a_new_message_is_described_to_its_author_and_found_by_others,
    every_byte_comes_back_as_it_was_sent,
    what_cannot_be_posted_is_refused_in_the_settled_order,
    hidden_rooms_take_no_posts_and_closed_ones_say_so,
    pages_are_ordered_and_limited,
    malformed_queries_are_refused_even_when_nothing_is_new,
    since_tells_of_changes_in_their_order,
    messages_of_another_room_are_not_there,
    reading_needs_the_permission_and_counts_as_activity,
    an_edit_replaces_the_content_and_keeps_the_old_one_in_the_history,
    an_edit_that_changes_nothing_is_nothing,
    only_the_author_edits_and_only_what_is_there,
    bits_beyond_the_last_byte_of_base64_do_not_matter,
    no_two_messages_of_one_author_are_of_the_same_millisecond,
    filtered_messages_count_and_are_shown_to_nobody,
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

/// Posts, late enough for no limit to matter.
async fn post(server: &Server, person: &Person, text: &str) -> Value {
    server.pass(20);
    let answer = person.post("/room/lobby/message", &message(text)).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    json(&answer)
}

async fn lobby(stores: Stores) -> Option<(Server, RoomNo)> {
    let server = Server::start(stores).await?;
    let room = server.room("lobby").await;
    Some((server, room))
}

async fn a_new_message_is_described_to_its_author_and_found_by_others(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    let (author, other) = (server.user().await, server.user().await);
    let body = json!({
        "data": b64(b"hello"), "signature": b64(&[7; 64]), "files": null,
        "timestamp": 1, "public_key": "x", "server_id": {}, "whisper_mods": false, "whisper_to": null,
    });
    let answer = author.post("/room/lobby/message", &body).await;
    assert_eq!(answer.status, 201);
    let posted = json(&answer);
    let expected = json!({
        "id": posted["id"], "session_id": author.id, "posted": server.now(), "seqno": 1,
        "data": b64(b"hello"), "signature": b64(&[7; 64]), "reactions": {},
    });
    assert_eq!(posted, expected);
    let path = format!("/room/lobby/message/{}", posted["id"]);
    for answer in [author.get(&path).await, other.get(&path).await, server.get(&path).await] {
        assert_eq!(json(&answer), expected);
    }
    assert_eq!(list(&other, "messages/recent").await, json!([expected]));
    let room = json(&server.get("/room/lobby").await);
    assert_eq!(
        (&room["message_sequence"], &room["info_updates"]),
        (&json!(1), &json!(1))
    );
}

async fn every_byte_comes_back_as_it_was_sent(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let large: Vec<u8> = (0..65_536_u32).map(|number| number.to_le_bytes()[0]).collect();
    for data in [
        &b"abc"[..],
        b"abc\x80\0\0",
        b"abc\x80",
        b"abc\0",
        b"\0\0",
        b"\x80",
        b"",
        b"\0a",
        &large,
    ] {
        server.pass(20);
        // Padding of base64 is optional on the way in and there on the way out.
        let body = json!({ "data": STANDARD_NO_PAD.encode(data), "signature": STANDARD_NO_PAD.encode([7; 64]) });
        let answer = person.post("/room/lobby/message", &body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        let posted = json(&answer);
        assert_eq!(posted["data"], b64(data));
        let read = list(&person, &format!("message/{}", posted["id"])).await;
        assert_eq!(
            (&read["data"], &read["signature"]),
            (&posted["data"], &json!(b64(&[7; 64])))
        );
        assert_eq!(list(&person, "messages/recent?limit=1").await, json!([posted]));
    }
}

async fn what_cannot_be_posted_is_refused_in_the_settled_order(stores: Stores) {
    let Some((server, room)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let good = message("x");
    let unknown = person.post("/room/nowhere/message", &json!({})).await;
    assert_eq!(unknown.status, 404);
    let anonymous = server
        .anonymous()
        .direct(with_json("POST", "/room/lobby/message", &json!({})))
        .await
        .unwrap();
    assert_eq!(anonymous.status, 401);
    for bad in [
        json!([]),
        json!("text"),
        json!(["data", "signature", null, null, null]),
        json!({}),
        json!({ "data": b64(b"x") }),
        json!({ "signature": b64(&[7; 64]) }),
        with(good.clone(), "data", json!(7)),
        with(good.clone(), "data", Value::Null),
        with(good.clone(), "data", json!("a b")),
        with(good.clone(), "data", json!("YQ=\n=")),
        with(good.clone(), "signature", json!(b64(&[7; 63]))),
        with(good.clone(), "signature", json!("***")),
        with(good.clone(), "files", json!("1")),
        with(good.clone(), "files", json!(["x"])),
        with(good.clone(), "files", json!([-1])),
        with(good.clone(), "files", json!([1.5])),
        with(good.clone(), "files", json!([""])),
        with(good.clone(), "files", json!([null])),
    ] {
        assert_eq!(person.post("/room/lobby/message", &bad).await.status, 400, "{bad}");
    }
    let not_json = with_json("POST", "/room/lobby/message", &good).header("Content-Type", "text/plain");
    let not_json = shared::client::Request {
        headers: vec![("Content-Type".to_owned(), "application/octet-stream".to_owned())],
        ..not_json
    };
    assert_eq!(person.call(not_json).await.status, 400);
    let too_large = json!({ "data": b64(&vec![0; 65_537]), "signature": b64(&[7; 64]) });
    assert_eq!(person.post("/room/lobby/message", &too_large).await.status, 413);
    // Permission comes before the body, the body before the permission to whisper.
    let whisper = with(json!({}), "whisper_mods", json!(true));
    assert_eq!(person.post("/room/lobby/message", &whisper).await.status, 400);
    let silenced = Override {
        write: Some(false),
        ..Override::default()
    };
    server.differ(room, &person.id, silenced).await;
    assert_eq!(person.post("/room/lobby/message", &json!({})).await.status, 403);
    assert_eq!(list(&person, "messages/recent").await, json!([]));
}

async fn hidden_rooms_take_no_posts_and_closed_ones_say_so(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let hidden = Defaults {
        read: false,
        accessible: false,
        ..Defaults::default()
    };
    server.room_with("hidden", hidden).await;
    let closed = Defaults {
        read: false,
        ..Defaults::default()
    };
    server.room_with("closed", closed).await;
    let banned_from = server.room("banned").await;
    let person = server.user().await;
    let ban = Override {
        banned: true,
        ..Override::default()
    };
    server.differ(banned_from, &person.id, ban).await;
    for (room, reading, posting) in [("hidden", 404, 404), ("closed", 403, 201), ("banned", 403, 403)] {
        for path in ["messages/recent", "messages/since/0", "messages/before/9", "message/1"] {
            let answer = person.get(&format!("/room/{room}/{path}")).await;
            assert_eq!(answer.status, reading, "{room} {path}");
        }
        assert_eq!(person.say(room, "x").await.status, posting, "{room}");
    }
}

async fn pages_are_ordered_and_limited(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let mut posted = Vec::new();
    for text in ["a", "b", "c", "d"] {
        posted.push(post(&server, &person, text).await["id"].as_i64().unwrap());
    }
    let [a, b, c, d] = posted[..] else { panic!() };
    for (path, expected) in [
        ("messages/recent".to_owned(), vec![d, c, b, a]),
        ("messages/recent?limit=2&t=r".to_owned(), vec![d, c]),
        ("messages/recent?limit=0".to_owned(), vec![d]),
        ("messages/recent?limit=-7".to_owned(), vec![d]),
        (
            "messages/recent?limit=99999999999999999999".to_owned(),
            vec![d, c, b, a],
        ),
        (format!("messages/before/{d}"), vec![c, b, a]),
        (format!("messages/before/{d}?limit=2"), vec![c, b]),
        ("messages/before/0".to_owned(), vec![]),
        (format!("messages/before/{}", i64::MAX), vec![d, c, b, a]),
        ("messages/since/0".to_owned(), vec![a, b, c, d]),
        ("messages/since/0?limit=2".to_owned(), vec![a, b]),
        ("messages/since/1".to_owned(), vec![b, c, d]),
        ("messages/since/4".to_owned(), vec![]),
        ("messages/since/999".to_owned(), vec![]),
    ] {
        assert_eq!(ids(&list(&person, &path).await), expected, "{path}");
    }
    for path in [
        "since/-1",
        "since/x",
        "since/9223372036854775808",
        "before/-1",
        "since/",
    ] {
        let answer = person.get(&format!("/room/lobby/messages/{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(person.get("/room/lobby/message/99999").await.status, 404);
    assert_eq!(person.get("/room/lobby/message/9223372036854775808").await.status, 404);
}

async fn malformed_queries_are_refused_even_when_nothing_is_new(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let id = post(&server, &person, "a").await["id"].as_i64().unwrap();
    for path in [
        "messages/recent?limit=many".to_owned(),
        "messages/since/1?limit=".to_owned(),
        "messages/since/0?reactors=x".to_owned(),
        "messages/before/7?limit=1.5".to_owned(),
        format!("message/{id}?reactors=x"),
    ] {
        let answer = person.get(&format!("/room/lobby/{path}")).await;
        assert_eq!(answer.status, 400, "{path}");
    }
}

async fn since_tells_of_changes_in_their_order(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let a = post(&server, &person, "a").await["id"].as_i64().unwrap();
    let b = post(&server, &person, "b").await["id"].as_i64().unwrap();
    let edit = person.put(&format!("/room/lobby/message/{a}"), &message("A")).await;
    assert_eq!((edit.status, json(&edit)), (200, json!({})));
    assert_eq!(ids(&list(&person, "messages/since/0").await), [b, a]);
    assert_eq!(ids(&list(&person, "messages/recent").await), [b, a]);
    let update = list(&person, "messages/since/2").await;
    assert_eq!(update[0]["id"], a);
    assert_eq!(
        (&update[0]["seqno"], &update[0]["edited"]),
        (&json!(3), &json!(server.now()))
    );
    assert_eq!(json(&server.get("/room/lobby").await)["message_sequence"], 3);
}

async fn messages_of_another_room_are_not_there(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    server.room("attic").await;
    let person = server.user().await;
    let id = post(&server, &person, "a").await["id"].as_i64().unwrap();
    let other = format!("/room/attic/message/{id}");
    assert_eq!(person.get(&other).await.status, 404);
    assert_eq!(person.put(&other, &message("b")).await.status, 404);
    assert_eq!(person.delete(&other).await.status, 404);
    assert_eq!(json(&person.say("attic", "first there").await)["seqno"], 1);
    assert_eq!(ids(&list(&person, "messages/recent").await), [id]);
}

async fn reading_needs_the_permission_and_counts_as_activity(stores: Stores) {
    let Some((mut server, room)) = lobby(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let person = server.user().await;
    let id = post(&server, &person, "a").await["id"].as_i64().unwrap();
    let paths = [
        "messages/recent".to_owned(),
        "messages/since/1".to_owned(),
        "messages/before/1".to_owned(),
        format!("message/{id}"),
    ];
    assert!(server.app().activity.take().rooms.is_empty(), "posting is no activity");
    for path in &paths {
        list(&person, path).await;
        let seen = server.app().activity.take().rooms;
        assert_eq!(seen.len(), 1, "{path}");
        assert!(seen.keys().all(|(in_room, _)| *in_room == room));
        assert_eq!(server.get(&format!("/room/lobby/{path}")).await.status, 200);
        assert!(
            server.app().activity.take().rooms.is_empty(),
            "nobody anonymous is active"
        );
    }
    let blind = Override {
        read: Some(false),
        ..Override::default()
    };
    server.differ(room, &person.id, blind).await;
    for path in &paths {
        assert_eq!(person.get(&format!("/room/lobby/{path}")).await.status, 403, "{path}");
    }
}

async fn an_edit_replaces_the_content_and_keeps_the_old_one_in_the_history(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let posted = post(&server, &person, "one\0\0").await;
    server.pass(5);
    let path = format!("/room/lobby/message/{}", posted["id"]);
    let new = json!({ "data": b64(b"two\x80\0"), "signature": b64(&[8; 64]), "whisper_mods": true });
    let answer = person.put(&path, &new).await;
    assert_eq!((answer.status, json(&answer)), (200, json!({})));
    let expected = json!({
        "id": posted["id"], "session_id": person.id, "posted": posted["posted"], "edited": server.now(),
        "seqno": 2, "data": new["data"], "signature": new["signature"], "reactions": {},
    });
    assert_eq!(json(&person.get(&path).await), expected);
    let mut tx = server.app().store.database().read().await.unwrap();
    let history = shared::run!(
        tx,
        fetch_all,
        query_as::<_, (Vec<u8>, i64, Vec<u8>, i64)>,
        "SELECT data, size, signature, replaced FROM message_history"
    )
    .unwrap();
    let replaced = server.clock.now().as_nanos();
    assert_eq!(history, [(b"one".to_vec(), 5, vec![7; 64], replaced)]);
}

async fn an_edit_that_changes_nothing_is_nothing(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else {
        return;
    };
    let person = server.user().await;
    let posted = post(&server, &person, "one").await;
    let path = format!("/room/lobby/message/{}", posted["id"]);
    assert_eq!(person.put(&path, &message("one")).await.status, 200);
    assert_eq!(json(&person.get(&path).await), posted);
    assert_eq!(list(&person, "messages/since/1").await, json!([]));
    // Other padding, or another signature, is a change like any other.
    assert_eq!(person.put(&path, &message("one\0")).await.status, 200);
    let signed = with(message("one\0"), "signature", json!(b64(&[9; 64])));
    assert_eq!(person.put(&path, &signed).await.status, 200);
    let read = json(&person.get(&path).await);
    assert_eq!((&read["seqno"], &read["signature"]), (&json!(3), &signed["signature"]));
}

async fn no_two_messages_of_one_author_are_of_the_same_millisecond(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else { return };
    let (person, other) = (server.user().await, server.user().await);
    let posts = json!([(); 5].map(|()| json!({
        "method": "POST", "path": "/room/lobby/message", "json": message("x"),
    })));
    // The clock stands still.
    let answer = json(&person.post("/batch", &posts).await);
    let milliseconds: Vec<f64> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["body"]["posted"].as_f64().unwrap() * 1000.0).floor())
        .collect();
    let first = server.now() * 1000.0;
    assert_eq!(
        milliseconds,
        [first, first + 1.0, first + 2.0, first + 3.0, first + 4.0]
    );
    let read = list(&person, "messages/recent").await;
    let shown: Vec<&Value> = read.as_array().unwrap().iter().map(|one| &one["posted"]).collect();
    let told: Vec<&Value> = answer
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|one| &one["body"]["posted"])
        .collect();
    assert_eq!(shown, told);
    assert_eq!(post(&server, &other, "y").await["posted"], server.now());
    server.pass(1);
    assert_eq!(post(&server, &person, "z").await["posted"], server.now());
}

async fn bits_beyond_the_last_byte_of_base64_do_not_matter(stores: Stores) {
    let Some((server, _)) = lobby(stores).await else { return };
    let person = server.user().await;
    for data in ["YR==", "YR"] {
        let body = json!({ "data": data, "signature": b64(&[7; 64]) });
        let answer = person.post("/room/lobby/message", &body).await;
        assert_eq!((answer.status, &json(&answer)["data"]), (201, &json!("YQ==")));
    }
}

async fn only_the_author_edits_and_only_what_is_there(stores: Stores) {
    let Some((server, room)) = lobby(stores).await else {
        return;
    };
    let (author, admin) = (server.user().await, server.user().await);
    server.appoint(room, &admin, true).await;
    let posted = post(&server, &author, "one").await;
    let path = format!("/room/lobby/message/{}", posted["id"]);
    assert_eq!(admin.put(&path, &message("two")).await.status, 403);
    assert_eq!(author.put(&path, &json!({ "data": "" })).await.status, 400);
    assert_eq!(
        author
            .put(&path, &with(message("two"), "signature", json!("aaaa")))
            .await
            .status,
        400
    );
    assert_eq!(
        author.put("/room/lobby/message/99999", &message("two")).await.status,
        404
    );
    let anonymous = server
        .anonymous()
        .direct(with_json("PUT", &path, &message("two")))
        .await;
    assert_eq!(anonymous.unwrap().status, 401);
    // Whoever cannot see a message does not learn of it; whoever moderates sees it, and still may not put words into it.
    let moderator = server.user().await;
    server.appoint(room, &moderator, false).await;
    let hidden = admin
        .post(
            "/room/lobby/message",
            &with(message("psst"), "whisper_mods", json!(true)),
        )
        .await;
    let hidden = format!("/room/lobby/message/{}", json(&hidden)["id"]);
    assert_eq!(author.put(&hidden, &message("two")).await.status, 404);
    assert_eq!(moderator.put(&hidden, &message("two")).await.status, 403);
    let silenced = Override {
        write: Some(false),
        ..Override::default()
    };
    server.differ(room, &author.id, silenced).await;
    assert_eq!(author.put(&path, &message("two")).await.status, 403);
    assert_eq!(json(&author.get(&path).await), posted);
    server.differ(room, &author.id, Override::default()).await;
    assert_eq!(author.delete(&path).await.status, 200);
    assert_eq!(author.put(&path, &message("two")).await.status, 404);
}

async fn filtered_messages_count_and_are_shown_to_nobody(stores: Stores) {
    let Some((server, room)) = lobby(stores).await else {
        return;
    };
    let (author, admin) = (server.user().await, server.user().await);
    server.appoint(room, &admin, true).await;
    let number = server.number_of(&author).await;
    let posted = server
        .change(async |write: &mut sogs::store::Write| {
            let new = NewMessage {
                room,
                author: number,
                data: b"bad",
                signature: &[7; 64],
                whisper: None,
                whisper_mods: false,
                filtered: true,
                limit: None,
            };
            write.post(&new).await.unwrap()
        })
        .await;
    assert_eq!(posted.seqno, 1);
    for someone in [&author, &admin] {
        assert_eq!(list(someone, "messages/recent").await, json!([]));
        assert_eq!(list(someone, "messages/since/0").await, json!([]));
        assert_eq!(list(someone, "messages/before/99999").await, json!([]));
        assert_eq!(
            someone.get(&format!("/room/lobby/message/{}", posted.id)).await.status,
            404
        );
    }
    for expected in [201, 201, 201, 201, 429] {
        assert_eq!(author.say("lobby", "x").await.status, expected);
    }
}
