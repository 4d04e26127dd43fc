//! Rooms.

use e2e::eventually;
use serde_json::json;

use super::{start, start_with, writes};
use crate::people::Person;

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_changes_what_a_room_is_called_and_what_everybody_may() {
    let Some((server, admin)) = start(&["--room", "a", "--admin"]).await else {
        return;
    };
    let person = Person::at(&server);
    let said = admin.done(&[
        "room",
        "set",
        "--name",
        "Club",
        "--description",
        r"one\ntwo",
        "--deny",
        "wu",
    ]);
    assert!(said.starts_with("Club (a)\n"), "{said}");
    assert!(said.contains("+read, -write, -upload, +accessible"), "{said}");
    let seen = person.json("/room/a").await;
    assert_eq!(
        (&seen["name"], &seen["description"]),
        (&json!("Club"), &json!("one\ntwo"))
    );
    assert_eq!((&seen["read"], &seen["write"]), (&json!(true), &json!(false)));
    admin.done(&["room", "set", "--description", "", "--allow", "w"]);
    let seen = person.json("/room/a").await;
    assert_eq!((&seen["description"], &seen["write"]), (&json!(""), &json!(true)));
    assert_eq!(admin.json(&["room", "show"])["default_upload"], json!(false));
    admin.fails(2, &["room", "set"]);
    admin.fails(1, &["room", "set", "--name", " "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_listed_with_what_one_is_there() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let _ = server.run(&["room", "add", "b", "--name", "\u{9b}31mRed"]);
    eventually("both rooms are there", async || {
        moderator.json(&["room", "list"]).as_array().unwrap().len() == 2
    })
    .await;
    let listed = moderator.done(&["room", "list"]);
    assert!(
        listed.contains("no moderator") && !listed.contains('\u{9b}'),
        "{listed:?}"
    );
    // All rooms are those that one moderates.
    let person = Person::at(&server);
    writes(&person, "a", "hello", "Ann").await;
    let said = moderator.done(&["user", "permit", &person.id, "--deny", "w", "--all-rooms"]);
    assert_eq!(said, format!("for {} in a: -write\n", person.id));
    let said = moderator.done(&["room", "show", "--room", "b"]);
    assert!(said.contains("no moderator"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_blinded_ids_is_met_with_ones_own() {
    let settings = "[users]\nrequire_blind_keys = false\n";
    let Some((server, moderator)) = start_with(settings, &["--room", "a"]).await else {
        return;
    };
    let own = moderator.account.session_id().to_string();
    assert!(moderator.done(&["room", "show"]).contains(&own));
    let person = Person::at(&server);
    let id = writes(&person, "a", "hello", "Ann").await;
    moderator.done(&["message", "delete", &id.to_string(), "--yes"]);
    assert_eq!(person.get(&format!("/room/a/message/{id}")).await.status, 404);
    let listed = moderator.json(&["mod", "list"]);
    assert_eq!(listed, json!([{ "id": own, "admin": false, "visible": true }]));
}
