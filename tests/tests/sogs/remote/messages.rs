//! Messages, pins and reactions.

use serde_json::{Value, json};
use shared::client::Request;

use super::{Moderator, start, writes};
use crate::people::Person;

fn numbers(moderator: &Moderator, arguments: &[&str]) -> Vec<i64> {
    let printed = moderator.done(&[&["message", "list", "--quiet"], arguments].concat());
    printed.lines().map(|line| line.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_decoded_and_searched() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let (ann, bob) = (Person::at(&server), Person::at(&server));
    let first = writes(&ann, "a", "Good morning", "Ann").await;
    let second = writes(&bob, "a", "buy\n\tpills", "Bob").await;
    let third = writes(&ann, "a", "\u{1b}]0;owned\u{7}\u{202e}evil", "\u{1b}[2JAnn").await;

    let listed = moderator.done(&["message", "list"]);
    for expected in [&format!("{first}  "), &bob.id, "Good morning", "buy  pills", "Bob"] {
        assert!(listed.contains(expected), "{listed}");
    }
    assert!(!listed.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{listed:?}");

    assert_eq!(numbers(&moderator, &[]), [third, second, first]);
    assert_eq!(numbers(&moderator, &["--limit", "1"]), [third]);
    assert_eq!(numbers(&moderator, &["--before", &third.to_string()]), [second, first]);
    assert_eq!(numbers(&moderator, &["--author", &ann.id]), [third, first]);
    assert_eq!(numbers(&moderator, &["--author", &bob.account_id()]), [second]);
    assert_eq!(numbers(&moderator, &["--text", "PILLS"]), [second]);

    let listed = moderator.json(&["message", "list", "--author", &bob.id]);
    let known: Vec<&Value> = ["id", "author", "name", "text"]
        .iter()
        .map(|key| &listed[0][*key])
        .collect();
    assert_eq!(
        known,
        [&json!(second), &json!(bob.id), &json!("Bob"), &json!("buy\n\tpills")]
    );
    let shown = moderator.done(&["message", "show", &second.to_string()]);
    assert!(shown.contains("buy\npills"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_messages_than_a_server_shows_at_once_are_listed() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let person = Person::at(&server);
    let mut all = Vec::new();
    for number in 0..260 {
        all.push(writes(&person, "a", &format!("number {number}"), "Ann").await);
    }
    all.reverse();
    assert_eq!(numbers(&moderator, &["--limit", "1000"]), all);
    assert_eq!(numbers(&moderator, &["--limit", "258"]), all[..258]);
    assert_eq!(numbers(&moderator, &["--text", "number 1"]), {
        let fits = |number: &usize| format!("number {number}").contains("number 1");
        let found: Vec<i64> = (0..260).rev().filter(fits).map(|number| all[259 - number]).collect();
        found[..30].to_vec()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_deleted_when_that_is_confirmed() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let person = Person::at(&server);
    let (one, two) = (
        writes(&person, "a", "one", "Ann").await,
        writes(&person, "a", "two", "Ann").await,
    );
    let (one_text, two_text) = (one.to_string(), two.to_string());
    let complaint = moderator.fails(1, &["message", "delete", &one_text]);
    assert!(complaint.contains("nothing was done"), "{complaint}");
    assert_eq!(person.get(&format!("/room/a/message/{one}")).await.status, 200);

    let output = moderator.run(&["message", "delete", &one_text, "999", &two_text, "--yes"]);
    assert_eq!(output.status.code(), Some(1), "one was not there");
    assert!(super::text(&output.stderr).contains("message 999: there is no such message"));
    let said = super::text(&output.stdout);
    assert!(
        said.contains(&format!("deleted message {one} in a")) && said.contains("    one"),
        "{said}"
    );
    for id in [one, two] {
        assert_eq!(person.get(&format!("/room/a/message/{id}")).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pins_are_set_seen_and_taken_away() {
    let Some((server, admin)) = start(&["--room", "a", "--admin"]).await else {
        return;
    };
    let person = Person::at(&server);
    let mut ids = Vec::new();
    for text in ["rules", "news", "party"] {
        ids.push(writes(&person, "a", text, "Ann").await);
    }
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let pinned = async || {
        let room = person.json("/room/a").await;
        let pins = room["pinned_messages"].as_array().unwrap().clone();
        pins.into_iter()
            .map(|pin| pin["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    admin.done(&["pin", "add", &texts[1], &texts[0], &texts[2]]);
    assert_eq!(pinned().await, [ids[1], ids[0], ids[2]]);
    let listed = admin.done(&["pin", "list"]);
    assert!(
        listed.contains("rules") && listed.contains(&admin.id(&server)),
        "{listed}"
    );
    assert_eq!(admin.json(&["pin", "list"])[0]["id"], json!(ids[1]));
    admin.done(&["pin", "remove", &texts[0]]);
    assert_eq!(pinned().await, [ids[1], ids[2]]);
    let said = admin.done(&["pin", "remove", &texts[0]]);
    assert_eq!(said, format!("message {} is not pinned in a\n", texts[0]));
    admin.fails(1, &["pin", "remove", "--all"]);
    assert_eq!(pinned().await, [ids[1], ids[2]]);
    admin.done(&["pin", "remove", "--all", "--yes"]);
    assert_eq!(pinned().await, Vec::<i64>::new());
    admin.fails(2, &["pin", "remove"]);
    let complaint = admin.fails(1, &["pin", "add", "999"]);
    assert!(complaint.contains("no such message"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_are_taken_away_one_kind_or_all() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let (ann, bob) = (Person::at(&server), Person::at(&server));
    let id = writes(&ann, "a", "hello", "Ann").await;
    let text = id.to_string();
    for (person, reaction) in [(&ann, "🍍"), (&bob, "🍍"), (&bob, "a/b?c%")] {
        let encoded: String = reaction.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/room/a/reaction/{id}/{encoded}");
        assert_eq!(person.call(Request::new("PUT", &path)).await.status, 200);
    }
    let listed = moderator.json(&["reaction", "list", &text]);
    assert_eq!(listed["🍍"], json!({ "count": 2, "reactors": [ann.id, bob.id] }));
    moderator.fails(1, &["reaction", "delete", &text, "🍍"]);
    let said = moderator.done(&["reaction", "delete", &text, "a/b?c%", "--yes"]);
    assert!(said.contains("deleted a/b?c% to message"), "{said}");
    let reactions = |message: Value| {
        message["reactions"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let path = format!("/room/a/message/{id}");
    assert_eq!(reactions(ann.json(&path).await), ["🍍"]);
    moderator.done(&["reaction", "delete", &text, "--yes"]);
    assert_eq!(reactions(ann.json(&path).await), Vec::<String>::new());
}
