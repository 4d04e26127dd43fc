//! What is written down of changes, from the command line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use serde_json::{Value, json};
use shared::client::Request;
use support::{Place, Stores};

in_every_place!(
    every_command_leaves_one_record_with_its_reason,
    a_command_that_changes_nothing_leaves_none,
    records_are_found_by_what_was_asked_for,
);

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n";

fn records(place: &Place, filter: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["audit", "--json", "--limit", "0"];
    arguments.extend(filter);
    place.run(&arguments).json().as_array().unwrap().clone()
}

async fn every_command_leaves_one_record_with_its_reason(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    let user = live.user().await;
    let id = user.id.as_str();
    let picture = place.write("picture.png", PICTURE);
    let mut count = records(&place, &[]).len();
    let mut check = async |command: &[&str], action: &str, room: Option<&str>, person: Option<&str>, detail: Value| {
        let mut arguments = command.to_vec();
        arguments.extend(["--reason", "Because"]);
        live.after(place.run(&arguments)).await;
        count += 1;
        let all = records(&place, &[]);
        assert_eq!(all.len(), count, "{command:?}: {all:?}");
        let mut latest = all[0].clone();
        if let Some(detail) = latest["detail"].as_object_mut() {
            detail.remove("until");
            if detail.contains_key("image") {
                detail.insert("image".to_owned(), json!("some"));
            }
        }
        latest.as_object_mut().unwrap().remove("at");
        let expected = json!({
            "by": "operator", "action": action, "room": room, "person": person, "detail": detail, "reason": "Because",
        });
        assert_eq!(latest, expected);
    };
    let (a, person) = (Some("a"), Some(id));
    let room = ["--room", "a"];
    let with = |start: &[&'static str]| -> Vec<&str> {
        let [group, verb, rest @ ..] = start else {
            return Vec::new();
        };
        let mut all = vec![*group, *verb, id];
        all.extend(room);
        all.extend(rest);
        all
    };
    check(&["room", "add", "a"], "room.create", a, None, json!({})).await;
    let limit = json!({ "posts": 2, "seconds": 60.0 });
    check(
        &[
            "room",
            "set",
            "a",
            "--rate-limit",
            "2/1m",
            "--deny",
            "a",
            "--name",
            "An A",
        ],
        "room.change",
        a,
        None,
        json!({ "rate_limit": limit, "accessible": false, "name": "An A" }),
    )
    .await;
    let path = picture.to_str().unwrap();
    check(
        &["room", "image", "a", path],
        "room.change",
        a,
        None,
        json!({ "image": "some" }),
    )
    .await;
    let admin = json!({ "role": "admin", "visible": true });
    check(&with(&["mod", "add", "--admin"]), "role.change", a, person, admin).await;
    check(
        &with(&["mod", "remove"]),
        "role.change",
        a,
        person,
        json!({ "role": "none" }),
    )
    .await;
    check(&with(&["user", "ban", "--for", "1h"]), "ban.set", a, person, json!({})).await;
    check(&with(&["user", "unban"]), "ban.lift", a, person, json!({})).await;
    let denied = json!({ "read": false });
    check(
        &with(&["user", "permit", "--deny", "r"]),
        "permission.change",
        a,
        person,
        denied,
    )
    .await;
    let reset = json!({ "read": "default" });
    check(
        &with(&["user", "permit", "--reset", "r"]),
        "permission.change",
        a,
        person,
        reset,
    )
    .await;
    check(
        &with(&["user", "timeout", "--for", "1h"]),
        "timeout.set",
        a,
        person,
        json!({}),
    )
    .await;
    check(&with(&["user", "untimeout"]), "timeout.lift", a, person, json!({})).await;
    let message = user.say("a", "hello").await;
    let named = message.to_string();
    let deleted = json!({ "message": message });
    check(
        &["message", "delete", &named, "--yes"],
        "message.delete",
        a,
        person,
        deleted,
    )
    .await;
    let upload = Request::new("POST", "/room/a/file").body("picture");
    let uploaded: Value = serde_json::from_slice(&user.call(upload).await.body).unwrap();
    let named = uploaded["id"].to_string();
    let deleted = json!({ "files": 1 });
    check(&["file", "delete", &named, "--yes"], "file.delete", a, person, deleted).await;
    let ban = ["user", "ban", id, "--room", "b", "--for", "1h"];
    check(&["room", "add", "b"], "room.create", Some("b"), None, json!({})).await;
    check(&ban, "ban.set", Some("b"), person, json!({})).await;
    let scheduled = place.run(&["schedule", "list", "--json"]).json();
    // In the other room the end of the ban that was lifted is still there.
    let scheduled = scheduled
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["room"] == "b")
        .unwrap();
    let number = scheduled["number"].as_str().unwrap().to_owned();
    check(
        &["schedule", "cancel", &number, "--yes"],
        "schedule.cancel",
        Some("b"),
        person,
        json!({ "appointments": 1, "at": scheduled["at"] }),
    )
    .await;
    user.say("a", "hello").await;
    let purged = json!({ "messages": 1 });
    check(
        &with(&["user", "purge", "--no-ban", "--yes"]),
        "message.purge",
        a,
        person,
        purged,
    )
    .await;
    check(&["room", "delete", "a", "--yes"], "room.delete", a, None, json!({})).await;
}

async fn a_command_that_changes_nothing_leaves_none(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    live.after(place.run(&["room", "add", "a"])).await;
    let user = live.user().await;
    let id = user.id.as_str();
    let before = records(&place, &[]);
    for done in [
        &["room", "set", "a", "--name", "a", "--allow", "r"][..],
        &["user", "unban", id, "--room", "a"],
        &["user", "unban", id, "--global"],
        &["mod", "remove", id, "--global"],
        &["user", "permit", id, "--room", "a", "--reset", "rw"],
        &["user", "untimeout", id, "--room", "a"],
        &["user", "purge", id, "--no-ban", "--yes"],
        &["user", "purge", id, "--dry-run"],
    ] {
        place.run(done).ok();
    }
    for refused in [
        &["room", "add", "a"][..],
        &["room", "delete", "b", "--yes"],
        &["user", "ban", id, "--room", "a", "b"],
        &["user", "ban", id, "--room", "a", "--for", "0"],
        &["user", "purge", id],
    ] {
        place.run(refused).fails();
    }
    assert_eq!(records(&place, &[]), before);
}

async fn records_are_found_by_what_was_asked_for(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    for room in ["a", "b"] {
        live.after(place.run(&["room", "add", room])).await;
    }
    let (boss, user) = (live.user().await, live.user().await);
    live.after(place.run(&["mod", "add", &boss.account, "--room", "a", "--admin"]))
        .await;
    let ban = Request::new("POST", &format!("/user/{}/ban", user.id))
        .header("Content-Type", "application/json")
        .body(json!({ "rooms": ["a"] }).to_string());
    assert_eq!(boss.call(ban).await.status, 200);
    live.after(place.run(&["user", "unban", &user.id, "--room", "a", "--reason", "Sorry"]))
        .await;
    let actions = |filter: &[&str]| -> Vec<String> {
        let found = records(&place, filter).into_iter();
        found
            .map(|record| record["action"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(actions(&["--room", "B"]), ["room.create"]);
    assert_eq!(actions(&["--user", &user.id]), ["ban.lift", "ban.set"]);
    assert_eq!(actions(&["--user", &user.account]), ["ban.lift", "ban.set"]);
    assert_eq!(actions(&["--by", &boss.account]), ["ban.set"]);
    assert_eq!(
        actions(&["--by", "operator", "--room", "a"]),
        ["ban.lift", "role.change", "room.create"]
    );
    assert_eq!(actions(&["--by", "server"]), Vec::<String>::new());
    assert_eq!(actions(&["--action", "ban"]), ["ban.lift", "ban.set"]);
    assert_eq!(actions(&["--action", "ban.set"]), ["ban.set"]);
    assert_eq!(actions(&["--since", "1h"]).len(), 5);
    assert_eq!(actions(&["--since", "2000-01-01"]).len(), 5);
    assert_eq!(actions(&["--since", "2999-01-01"]), Vec::<String>::new());
    let latest = place.run(&["audit", "--json", "--limit", "1"]).json();
    assert_eq!(
        (&latest[0]["action"], &latest[0]["reason"]),
        (&json!("ban.lift"), &json!("Sorry"))
    );
    let text = place.run(&["audit", "--action", "ban.lift"]).ok();
    assert!(text.contains("operator") && text.contains("Sorry"), "{text}");
    assert_eq!(
        place.run(&["audit", "--by", "server"]).ok(),
        "Nothing was changed that is asked for.\n"
    );
    for wrong in [
        ["--action", "bans"],
        ["--by", "me"],
        ["--since", "soon"],
        ["--user", "05"],
    ] {
        let done = place.run(&["audit", wrong[0], wrong[1]]);
        assert!(done.code == 2 && done.stderr.contains(wrong[1]), "{}", done.stderr);
    }
}
