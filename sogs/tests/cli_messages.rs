//! Messages from the command line, beside a running server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;
mod wire;

use serde_json::{Value, json};
use support::{Live, Place, Stores, content};
use wire::{bytes, data_message, posted, said};

in_every_place!(
    messages_are_found_by_room_author_time_and_text,
    a_search_says_where_it_stopped,
    more_messages_than_a_page_are_all_found,
    a_message_is_shown_with_all_that_belongs_to_it,
    filtered_messages_are_found_when_asked_for,
    messages_are_deleted_by_number,
    messages_are_deleted_by_what_holds_of_them,
    no_message_makes_a_terminal_do_anything,
);

async fn with_rooms(place: &Place, tokens: &[&str]) -> Live {
    let live = place.live().await;
    for token in tokens {
        live.after(place.run(&["room", "add", token, "--name", &token.to_uppercase()]))
            .await;
        live.after(place.run(&["room", "set", token, "--rate-limit", "off"]))
            .await;
    }
    live
}

/// The numbers that a list has.
fn listed(place: &Place, conditions: &[&str]) -> Vec<i64> {
    let mut arguments = vec!["message", "list", "--quiet"];
    arguments.extend(conditions);
    let printed = place.run(&arguments).ok();
    printed.lines().map(|line| line.parse().unwrap()).collect()
}

async fn messages_are_found_by_room_author_time_and_text(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (alice, bob) = (live.user().await, live.user().await);
    let named = posted(&data_message("Buy CHEAP pills", Some("Alice")));
    let one = alice.post("a", &named, &[]).await;
    let two = alice.post("b", &said("hello"), &[]).await;
    // Letters that look wide, and a link that only its preview has.
    let three = bob.post("a", &said("ｃｈｅａｐ talk"), &[]).await;
    let link = bytes(10, [bytes(1, "https://cheap.example"), bytes(2, "Offers")].concat());
    let four = bob.post("b", &posted(&[bytes(1, "look"), link].concat()), &[]).await;
    let five = bob.say("a", "no message that anybody could read").await;

    for (conditions, expected) in [
        (&[][..], &[five, four, three, two, one][..]),
        (&["--room", "a"], &[five, three, one]),
        (&["--room", "B"], &[four, two]),
        (&["--author", &alice.account], &[two, one]),
        (&["--author", &bob.id[..20], "--room", "b"], &[four]),
        (&["--text", "cheap"], &[four, three, one]),
        (&["--text", "Cheap", "--author", &alice.id], &[one]),
        (&["--text", "alice"], &[one]),
        (&["--text", "nowhere"], &[]),
        (&["--since", "1h"], &[five, four, three, two, one]),
        (&["--until", "1h"], &[]),
        (&["--since", "2100-01-01"], &[]),
        (&["--until", "2100-01-01T00:00:00Z", "--room", "b"], &[four, two]),
        (&["--before", &three.to_string()], &[two, one]),
        (&["--deleted"], &[]),
    ] {
        assert_eq!(listed(&place, conditions), expected, "{conditions:?}");
    }
    let json = place
        .run(&["message", "list", "--json", "--author", &alice.id, "--room", "a"])
        .json();
    let found = &json[0];
    for (key, value) in [
        ("id", json!(one)),
        ("room", json!("a")),
        ("author", json!(alice.id)),
        ("name", json!("Alice")),
        ("text", json!("Buy CHEAP pills")),
        ("edited", Value::Null),
        ("deleted", Value::Null),
        ("filtered", json!(false)),
        ("pinned", json!(false)),
        ("size", json!(named.len())),
    ] {
        assert_eq!(found[key], value, "{key}");
    }
    let table = place.run(&["message", "list"]).ok();
    assert_eq!(table.lines().count(), 6, "{table}");
    let stranger = live.person();
    let complaint = place.run(&["message", "list", "--author", &stranger.account]).fails();
    assert!(complaint.contains("has never been here"), "{complaint}");
}

async fn a_search_says_where_it_stopped(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    let mut ids = Vec::new();
    for text in ["needle", "hay", "hay"] {
        ids.push(user.post("a", &said(text), &[]).await);
    }
    let done = place.run(&["message", "list", "--limit", "2", "--quiet"]);
    assert_eq!(done.stdout, format!("{}\n{}\n", ids[2], ids[1]));
    assert!(
        done.stderr.contains(&format!("--before {} goes on", ids[1])),
        "{done:?}"
    );
    let done = place.run(&["message", "list", "--limit", "3", "--quiet"]);
    assert_eq!(done.stderr, "", "{done:?}");

    let search = ["message", "list", "--text", "needle", "--quiet"];
    let done = place.run(&[&search[..], &["--examine", "2"]].concat());
    assert_eq!(done.stdout, "");
    assert!(
        done.stderr.contains("Stopped after looking into 2 messages"),
        "{done:?}"
    );
    assert!(
        done.stderr.contains(&format!("--before {} goes on", ids[1])),
        "{done:?}"
    );
    let before = ids[1].to_string();
    let done = place.run(&[&search[..], &["--examine", "2", "--before", &before]].concat());
    assert_eq!(
        (done.stdout.trim(), done.stderr.as_str()),
        (ids[0].to_string().as_str(), "")
    );
    let done = place.run(&[&search[..], &["--examine", "3"]].concat());
    assert_eq!(
        (done.stdout.trim(), done.stderr.as_str()),
        (ids[0].to_string().as_str(), "")
    );
}

async fn more_messages_than_a_page_are_all_found(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (user, other) = (live.user().await, live.user().await);
    let mut ids = Vec::new();
    for number in 0..260 {
        let author = if number % 5 == 0 { &other } else { &user };
        let room = if number % 2 == 0 { "a" } else { "b" };
        ids.insert(0, author.post(room, &said(&format!("number {number}")), &[]).await);
    }
    let all = ["--limit", "1000"];
    assert_eq!(listed(&place, &all), ids);
    assert_eq!(listed(&place, &[&all[..], &["--room", "a"]].concat()).len(), 130);
    assert_eq!(listed(&place, &[&all[..], &["--author", &other.id]].concat()).len(), 52);
    let few = [&all[..], &["--author", &other.id, "--room", "b", "--text", "NUMBER"]].concat();
    assert_eq!(listed(&place, &few).len(), 26);
    let printed = place.run(&["message", "delete", "--author", &user.id, "--yes"]).ok();
    assert_eq!(printed, "deleted 104 messages in a\ndeleted 104 messages in b\n");
    assert_eq!(listed(&place, &all).len(), 52);
    assert_eq!(
        listed(&place, &[&all[..], &["--deleted", "--room", "a"]].concat()).len(),
        104
    );
}

async fn a_message_is_shown_with_all_that_belongs_to_it(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let (author, admin) = (live.user().await, live.user().await);
    live.after(place.run(&["mod", "add", &admin.id, "--room", "a", "--admin"]))
        .await;
    let file = author.upload("a", "notes.txt", "the bytes").await;
    let id = author.post("a", &said("first"), &[file]).await;
    let path = format!("/room/a/message/{id}");
    assert_eq!(author.send("PUT", &path, &content(said("second"))).await.status, 200);
    let react = format!("/room/a/reaction/{id}/👍");
    assert_eq!(admin.send("PUT", &react, &json!({})).await.status, 200);
    let pin = format!("/room/a/pin/{id}");
    assert_eq!(admin.send("POST", &pin, &json!({})).await.status, 200);

    let number = id.to_string();
    let show = ["message", "show", &number];
    let json = place.run(&[&show[..], &["--json"]].concat()).json();
    assert_eq!(json["author"], *author.id);
    assert_eq!(json["text"], "second");
    assert_eq!(json["history"][0]["text"], "first");
    assert_eq!(json["reactions"], json!([{ "reaction": "👍", "count": 1 }]));
    let attached = &json["files"][0];
    assert_eq!(
        (&attached["id"], &attached["size"], &attached["name"]),
        (&json!(file), &json!(9), &json!("notes.txt"))
    );
    // Pinned.
    assert_eq!(attached["expires"], Value::Null);
    assert_eq!(json["pin"]["by"], *admin.id);
    assert!(json["edited"].is_number() && json["deleted"].is_null(), "{json}");
    // Posted, edited, reacted to.
    assert_eq!((&json["seqno_data"], &json["seqno_reactions"]), (&json!(2), &json!(3)));
    let text = place.run(&show).ok();
    for part in [&author.id, &admin.id, "second", "first", "👍 1", "notes.txt", "edited"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let row = place.run(&["message", "list"]).ok();
    assert!(row.contains("edited, pinned, 1 file"), "{row}");

    place.run(&["message", "delete", &number, "--yes"]).ok();
    let json = place.run(&[&show[..], &["--json"]].concat()).json();
    assert!(json["deleted"].is_number() && json["edited"].is_null(), "{json}");
    assert_eq!(json["text"], Value::Null);
    assert_eq!(json["history"][1]["text"], "second");
    assert_eq!(json["pin"], Value::Null);
    let complaint = place.run(&["message", "show", "4711"]).fails();
    assert!(complaint.contains("there is no message 4711"), "{complaint}");
}

async fn filtered_messages_are_found_when_asked_for(stores: Stores) {
    let Some(mut place) = Place::on(stores) else { return };
    place.set("SOGS_FILTERS_ALPHABET_FILTERS", "cyrillic");
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    let shown = user.post("a", &said("hello"), &[]).await;
    let filtered = user.post("a", &said("привет"), &[]).await;
    assert_eq!(listed(&place, &[]), [shown]);
    assert_eq!(listed(&place, &["--filtered"]), [filtered]);
    assert_eq!(listed(&place, &["--filtered", "--author", &user.id]), [filtered]);
    let shown = place.run(&["message", "show", &filtered.to_string(), "--json"]).json();
    assert_eq!((&shown["filtered"], &shown["text"]), (&json!(true), &json!("привет")));
    let printed = place.run(&["message", "delete", "--filtered", "--yes"]).ok();
    assert_eq!(printed, "deleted 1 message in a\n");
    assert!(listed(&place, &["--filtered"]).is_empty());
}

async fn messages_are_deleted_by_number(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (author, admin) = (live.user().await, live.user().await);
    live.after(place.run(&["mod", "add", &admin.id, "--global", "--admin"]))
        .await;
    let file = author.upload("a", "x", "bytes").await;
    let one = author.post("a", &said("one"), &[file]).await;
    let two = author.post("b", &said("two"), &[]).await;
    let kept = author.post("a", &said("kept"), &[]).await;
    let pin = format!("/room/a/pin/{one}");
    assert_eq!(admin.send("POST", &pin, &json!({})).await.status, 200);
    let (first, second) = (one.to_string(), two.to_string());

    let asked = place.run(&["message", "delete", &first, &second]);
    for part in ["2 messages by 1 person", "in a: 1", "in b: 1", &author.id] {
        assert!(asked.stdout.contains(part), "{part}: {asked:?}");
    }
    assert!(asked.fails().contains("--yes"));
    assert_eq!(listed(&place, &[]), [kept, two, one]);

    let printed = live
        .after(place.run(&["message", "delete", &first, &second, "--yes"]))
        .await;
    assert_eq!(printed, "deleted 1 message in a\ndeleted 1 message in b\n");
    // Whoever had seen the posts (three changes of the room) is told that one is gone.
    let news = author.json("/room/a/messages/since/2").await;
    assert_eq!(news.as_array().unwrap().len(), 1, "{news}");
    assert_eq!(
        (&news[0]["id"], &news[0]["deleted"], &news[0]["seqno"]),
        (&json!(one), &json!(true), &json!(3))
    );
    assert_eq!(author.json("/room/a").await["pinned_messages"], json!([]));
    assert_eq!(author.get(&format!("/room/a/file/{file}")).await.status, 404);
    assert_eq!(listed(&place, &["--deleted"]), [two, one]);

    let again = place.run(&["message", "delete", &first, "--yes"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, "There is nothing to delete.\n")
    );
    let done = place.run(&["message", "delete", "4711", &kept.to_string(), "--yes"]);
    assert_eq!(done.stdout, "deleted 1 message in a\n");
    assert!(done.fails().contains("there is no message 4711"));
}

async fn messages_are_deleted_by_what_holds_of_them(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (spammer, other) = (live.user().await, live.user().await);
    for room in ["a", "b", "a"] {
        spammer.post(room, &said("Buy pills"), &[]).await;
    }
    let harmless = spammer.post("a", &said("hello"), &[]).await;
    let quoting = other.post("a", &said("who buys pills?"), &[]).await;

    let filter = ["message", "delete", "--author", &spammer.id[..12], "--text", "pills"];
    let dry = place.run(&[&filter[..], &["--dry-run"]].concat()).ok();
    for part in [
        "3 messages by 1 person",
        "in a: 2",
        "in b: 1",
        &spammer.id,
        "Nothing was deleted",
    ] {
        assert!(dry.contains(part), "{part}: {dry}");
    }
    assert_eq!(listed(&place, &[]).len(), 5);
    let printed = live
        .after(place.run(&[&filter[..], &["--room", "a", "--yes"]].concat()))
        .await;
    assert_eq!(printed, "deleted 2 messages in a\n");
    let printed = place.run(&[&filter[..], &["--since", "1h", "--yes"]].concat()).ok();
    assert_eq!(printed, "deleted 1 message in b\n");
    assert_eq!(listed(&place, &[]), [quoting, harmless]);
    let printed = place.run(&[&filter[..], &["--yes"]].concat()).ok();
    assert_eq!(printed, "There is nothing to delete.\n");
}

async fn no_message_makes_a_terminal_do_anything(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    let text = "red \u{1b}[31m\nand \u{202e}turned\u{7}";
    let id = user
        .post("a", &posted(&data_message(text, Some("\u{1b}]0;title\u{7}"))), &[])
        .await;
    for command in [&["message", "list"][..], &["message", "show", &id.to_string()]] {
        let printed = place.run(command).ok();
        assert!(printed.contains("red"), "{printed:?}");
        for wicked in ['\u{1b}', '\u{202e}', '\u{7}'] {
            assert!(!printed.contains(wicked), "{printed:?}");
        }
    }
    let json = place.run(&["message", "list", "--json"]).json();
    assert_eq!(json[0]["text"], text);
}
