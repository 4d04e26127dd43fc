//! Pages of messages are put together from messages that were rendered for earlier ones. Whatever happens to a message,
//! nobody is shown what it was before, nor what another reader was shown.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

#[macro_use]
mod in_process;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use in_process::{Person, Server, Stores, json, with_json};
use serde_json::{Value, json};
use shared::client::{Client, Request};
use shared::run;
use sogs::model::{Override, RoomNo};
use sogs::store::{Query, Selection, Viewer, Write};

on_both_stores!(
    an_edit_shows_on_every_page_though_the_clock_stands_still,
    a_deleted_message_goes_from_every_page,
    a_purge_takes_what_was_shown_before,
    reactions_show_as_they_are_to_each_reader,
    a_reader_is_found_among_more_than_can_be_named,
    whispers_stay_with_those_they_are_for,
    a_room_of_the_same_name_shows_nothing_of_the_one_before,
    what_another_process_changes_shows_here,
    a_database_that_was_put_back_is_believed,
    pages_are_the_same_the_first_and_the_second_time,
);

const THUMB: &str = "\u{1f44d}";

async fn lobby(stores: Stores) -> Option<(Server, RoomNo, Person, Person)> {
    let server = Server::start(stores).await?;
    let room = server.room("lobby").await;
    let (author, reader) = (server.user().await, server.user().await);
    Some((server, room, author, reader))
}

async fn post(author: &Person, text: &str) -> i64 {
    json(&author.say("lobby", text).await)["id"].as_i64().unwrap()
}

fn body(text: &str) -> Value {
    json!({ "data": STANDARD.encode(text), "signature": STANDARD.encode([0; 64]) })
}

/// A page as somebody gets it, which must be the same when they ask again.
async fn page(person: &Person, path: &str) -> Value {
    let ask = async || json(&person.get(&format!("/room/lobby/messages/{path}")).await);
    let first = ask().await;
    assert_eq!(ask().await, first, "{path}");
    first
}

/// Has everything rendered that there is.
async fn look_around(person: &Person) {
    for path in ["recent", "before/9999", "since/0?t=r"] {
        page(person, path).await;
    }
}

/// The texts of the latest messages, which all kinds of pages must agree on.
async fn texts(person: &Person) -> Vec<String> {
    let text = |message: &Value| {
        let data = STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
        String::from_utf8(data).unwrap()
    };
    let texts = |page: &Value| -> Vec<String> { page.as_array().unwrap().iter().map(text).collect() };
    let recent = texts(&page(person, "recent").await);
    assert_eq!(texts(&page(person, "before/9999").await), recent);
    let mut since = texts(&page(person, "since/0").await);
    since.sort();
    let mut sorted = recent.clone();
    sorted.sort();
    assert_eq!(since, sorted);
    recent
}

async fn react(person: &Person, message: i64) {
    let path = format!("/room/lobby/reaction/{message}/{THUMB}");
    assert_eq!(person.call(Request::new("PUT", &path)).await.status, 200);
}

async fn an_edit_shows_on_every_page_though_the_clock_stands_still(stores: Stores) {
    let Some((_server, _, author, reader)) = lobby(stores).await else {
        return;
    };
    let id = post(&author, "one").await;
    post(&author, "other").await;
    assert_eq!(texts(&reader).await, ["other", "one"]);
    for text in ["two", "three"] {
        let path = format!("/room/lobby/message/{id}");
        assert_eq!(author.put(&path, &body(text)).await.status, 200);
        assert_eq!(texts(&reader).await, ["other", text]);
        assert_eq!(texts(&author).await, ["other", text]);
    }
    let changed = page(&reader, "since/2").await;
    assert_eq!(changed[0]["data"], STANDARD.encode("three"));
    assert_eq!((&changed[0]["seqno"], &changed[1]), (&json!(4), &Value::Null));
}

async fn a_deleted_message_goes_from_every_page(stores: Stores) {
    let Some((server, _, author, reader)) = lobby(stores).await else {
        return;
    };
    let id = post(&author, "one").await;
    post(&author, "other").await;
    look_around(&reader).await;
    assert_eq!(author.delete(&format!("/room/lobby/message/{id}")).await.status, 200);
    assert_eq!(texts(&reader).await, ["other"]);
    let gone = json!([{
        "id": id, "session_id": author.id, "posted": server.now(), "edited": server.now(),
        "seqno": 3, "data": null, "deleted": true,
    }]);
    assert_eq!(page(&reader, "since/2").await, gone);
    assert_eq!(page(&author, "since/2?t=r").await, gone);
}

async fn a_purge_takes_what_was_shown_before(stores: Stores) {
    let Some((server, room, author, reader)) = lobby(stores).await else {
        return;
    };
    server.appoint(room, &reader, false).await;
    post(&author, "one").await;
    post(&author, "two").await;
    post(&reader, "three").await;
    look_around(&reader).await;
    assert_eq!(
        reader.delete(&format!("/room/lobby/all/{}", author.id)).await.status,
        200
    );
    assert_eq!(texts(&reader).await, ["three"]);
    let told = page(&reader, "since/3").await;
    let deleted: Vec<&Value> = told.as_array().unwrap().iter().map(|told| &told["deleted"]).collect();
    assert_eq!(deleted, [true, true]);
}

async fn reactions_show_as_they_are_to_each_reader(stores: Stores) {
    let Some((server, _, author, reader)) = lobby(stores).await else {
        return;
    };
    let id = post(&author, "one").await;
    look_around(&reader).await;
    let shown =
        async |person: &Person, query: &str| page(person, &format!("recent{query}")).await[0]["reactions"].clone();
    assert_eq!(shown(&reader, "").await, json!({}));
    react(&author, id).await;
    let of_others = json!({ THUMB: { "index": 0, "count": 1, "reactors": [author.id] } });
    let own = json!({ THUMB: { "index": 0, "count": 1, "reactors": [author.id], "you": true } });
    assert_eq!(shown(&author, "").await, own);
    assert_eq!(shown(&reader, "").await, of_others);
    let anonymous = json(&server.get("/room/lobby/messages/recent").await);
    assert_eq!(anonymous[0]["reactions"], of_others);
    react(&reader, id).await;
    let both = json!({ THUMB: { "index": 0, "count": 2, "reactors": [author.id, reader.id], "you": true } });
    assert_eq!(shown(&reader, "").await, both);
    let one = json!({ THUMB: { "index": 0, "count": 2, "reactors": [author.id], "you": true } });
    assert_eq!(shown(&reader, "?reactors=1").await, one);
    let none = json!({ THUMB: { "index": 0, "count": 2, "you": true } });
    assert_eq!(shown(&reader, "?reactors=0").await, none);
    assert_eq!(
        page(&reader, "since/1?t=r").await,
        json!([{ "id": id, "seqno": 3, "reactions": both }])
    );
    assert_eq!(page(&reader, "since/1").await, json!([]));
    let path = format!("/room/lobby/reaction/{id}/{THUMB}");
    assert_eq!(author.delete(&path).await.status, 200);
    let left = json!({ THUMB: { "index": 0, "count": 1, "reactors": [reader.id] } });
    assert_eq!(shown(&author, "").await, left);
}

async fn a_reader_is_found_among_more_than_can_be_named(stores: Stores) {
    let Some((server, room, author, reader)) = lobby(stores).await else {
        return;
    };
    let id = post(&author, "one").await;
    let mut people = Vec::new();
    for _ in 0..20 {
        people.push(server.user().await);
    }
    people.push(reader);
    for person in &people {
        server.pass(1);
        let number = server.number_of(person).await;
        server
            .change(async |write: &mut Write| write.react(room, id, THUMB, number).await.unwrap())
            .await;
        look_around(&author).await;
    }
    let named: Vec<&str> = people.iter().take(20).map(|person| person.id.as_str()).collect();
    for (person, you) in [(&people[20], true), (&people[0], true), (&author, false)] {
        let shown = page(person, "recent?reactors=20").await[0]["reactions"][THUMB].clone();
        assert_eq!((&shown["count"], &shown["reactors"]), (&json!(21), &json!(named)));
        assert_eq!(shown.get("you"), you.then_some(&json!(true)));
    }
    let anonymous = json(&server.get("/room/lobby/messages/recent").await);
    assert_eq!(anonymous[0]["reactions"][THUMB].get("you"), None);
    // Another kind, which somebody among the many does not share.
    let heart = format!("/room/lobby/reaction/{id}/\u{2764}");
    assert_eq!(people[20].call(Request::new("PUT", &heart)).await.status, 200);
    let of_two = page(&people[20], "recent").await[0]["reactions"].clone();
    assert_eq!(
        (&of_two[THUMB]["you"], &of_two["\u{2764}"]["you"]),
        (&json!(true), &json!(true))
    );
    let of_one = page(&people[0], "recent").await[0]["reactions"].clone();
    assert_eq!(
        (&of_one[THUMB]["you"], of_one["\u{2764}"].get("you")),
        (&json!(true), None)
    );
    let thumb = format!("/room/lobby/reaction/{id}/{THUMB}");
    assert_eq!(people[20].delete(&thumb).await.status, 200);
    let left = page(&people[20], "recent").await[0]["reactions"].clone();
    assert_eq!((&left[THUMB]["count"], left[THUMB].get("you")), (&json!(20), None));
}

async fn whispers_stay_with_those_they_are_for(stores: Stores) {
    let Some((server, room, moderator, target)) = lobby(stores).await else {
        return;
    };
    let stranger = server.user().await;
    server.appoint(room, &moderator, false).await;
    let mut whisper = body("psst");
    whisper["whisper_to"] = json!(target.id);
    assert_eq!(moderator.post("/room/lobby/message", &whisper).await.status, 201);
    let mut secret = body("us");
    secret["whisper_mods"] = json!(true);
    assert_eq!(moderator.post("/room/lobby/message", &secret).await.status, 201);
    assert_eq!(texts(&moderator).await, ["us", "psst"]);
    assert_eq!(texts(&target).await, ["psst"]);
    assert_eq!(texts(&stranger).await, [""; 0]);
    assert_eq!(json(&server.get("/room/lobby/messages/recent").await), json!([]));
    server.appoint(room, &stranger, false).await;
    assert_eq!(texts(&stranger).await, ["us"]);
    server.differ(room, &moderator.id, Override::default()).await;
    assert_eq!(texts(&moderator).await, [""; 0]);
}

async fn a_room_of_the_same_name_shows_nothing_of_the_one_before(stores: Stores) {
    let Some((server, room, author, reader)) = lobby(stores).await else {
        return;
    };
    post(&author, "one").await;
    look_around(&reader).await;
    let now = server.clock.now();
    server
        .change(async |write: &mut Write| assert!(write.delete_room(room).await.unwrap()))
        .await;
    server.app().store.empty_room(room, now).await.unwrap();
    assert_eq!(reader.get("/room/lobby/messages/recent").await.status, 404);
    server.room("lobby").await;
    assert_eq!(texts(&reader).await, [""; 0]);
    post(&author, "two").await;
    assert_eq!(texts(&reader).await, ["two"]);
}

async fn what_another_process_changes_shows_here(stores: Stores) {
    let Some((server, _, author, reader)) = lobby(stores).await else {
        return;
    };
    let second = server.second().await;
    let there = Client::new(&format!("http://{}", second.address()), *second.app().key.public()).unwrap();
    let identity = shared::client::Identity::Blinded;
    let there = there.with_account(author.account.clone(), identity, server.clock.clone());
    let edited = post(&author, "one").await;
    let deleted = post(&author, "two").await;
    look_around(&reader).await;
    look_around(&author).await;
    let path = |id: i64| format!("/room/lobby/message/{id}");
    for request in [
        with_json("PUT", &path(edited), &body("three")),
        Request::new("DELETE", &path(deleted)),
        Request::new("PUT", &format!("/room/lobby/reaction/{edited}/{THUMB}")),
    ] {
        assert_eq!(there.direct(request).await.unwrap().status, 200);
        // Nothing has to be heard of it first.
        let here = json(&reader.get("/room/lobby/messages/recent").await);
        let fresh = json(
            &there
                .direct(Request::new("GET", "/room/lobby/messages/recent"))
                .await
                .unwrap(),
        );
        assert_eq!(
            (&here[0]["seqno"], &here[0]["data"], &here[1]["data"]),
            (&fresh[0]["seqno"], &fresh[0]["data"], &fresh[1]["data"])
        );
    }
    assert_eq!(texts(&reader).await, ["three"]);
    assert_eq!(page(&reader, "recent").await[0]["reactions"][THUMB]["count"], 1);
    second.stop().await;
}

/// A backup is put back in which a later edit has not happened, and then other things happen: the same numbers once more,
/// at other times.
async fn a_database_that_was_put_back_is_believed(stores: Stores) {
    let Some((server, _, author, reader)) = lobby(stores).await else {
        return;
    };
    let id = post(&author, "one").await;
    server.pass(1);
    let path = format!("/room/lobby/message/{id}");
    assert_eq!(author.put(&path, &body("two")).await.status, 200);
    assert_eq!(texts(&reader).await, ["two"]);
    let put_back = async |text: &str, edited: Option<i64>| {
        let mut tx = server.app().store.database().write().await.unwrap();
        const PUT_BACK: &str = "UPDATE messages SET data = $1, size = 3, edited = $2 WHERE id = $3";
        run!(tx, execute, query, PUT_BACK, text.as_bytes(), edited, id).unwrap();
        tx.commit().await.unwrap();
    };
    put_back("six", Some(server.clock.now().as_nanos() + 1)).await;
    assert_eq!(texts(&reader).await, ["six"]);
    put_back("one", None).await;
    assert_eq!(texts(&reader).await, ["one"]);
}

/// Both ways of reading a page, row by row and by what is remembered, find the same messages in the same order.
async fn pages_are_the_same_the_first_and_the_second_time(stores: Stores) {
    let Some((server, room, author, reader)) = lobby(stores).await else {
        return;
    };
    server.appoint(room, &author, false).await;
    for number in 0..12 {
        server.pass(20);
        let mut new = body(&format!("message {number}"));
        if number % 4 == 1 {
            new["whisper_mods"] = json!(true);
        }
        let posted = json(&author.post("/room/lobby/message", &new).await);
        let id = posted["id"].as_i64().unwrap();
        match number % 6 {
            2 => react(&reader, id).await,
            3 => assert_eq!(author.delete(&format!("/room/lobby/message/{id}")).await.status, 200),
            4 => {
                let path = format!("/room/lobby/message/{}", id - 4);
                assert_eq!(author.put(&path, &body("edited")).await.status, 200);
            }
            _ => {}
        }
    }
    for person in [&author, &reader] {
        let viewer = Viewer {
            user: Some(server.number_of(person).await),
            moderator: person.id == author.id,
        };
        let last = page(person, "recent?limit=1").await[0]["id"].as_i64().unwrap();
        let mut selections = vec![("recent".to_owned(), Selection::Recent)];
        for bound in [1, 5, 9, last] {
            selections.push((format!("before/{bound}"), Selection::Before(bound)));
            for reactions in [false, true] {
                let flags = if reactions { "t=r" } else { "" };
                let selection = Selection::Since {
                    seqno: bound,
                    reactions,
                };
                selections.push((format!("since/{bound}?{flags}"), selection));
            }
        }
        for (path, selection) in selections {
            for limit in [1, 3, 256] {
                let query = Query {
                    room,
                    viewer,
                    selection,
                    limit,
                    reactors: 4,
                };
                let rows = server.app().store.messages(&query).await.unwrap().messages;
                let expected: Vec<(i64, i64)> = rows.iter().map(|row| (row.id, row.seqno)).collect();
                let sign = if path.contains('?') { '&' } else { '?' };
                let shown = page(person, &format!("{path}{sign}limit={limit}")).await;
                let shown = shown.as_array().unwrap().iter();
                let number = |message: &Value, name: &str| message[name].as_i64().unwrap();
                let shown: Vec<(i64, i64)> = shown.map(|one| (number(one, "id"), number(one, "seqno"))).collect();
                assert_eq!(shown, expected, "{path} {limit}");
            }
        }
    }
}
