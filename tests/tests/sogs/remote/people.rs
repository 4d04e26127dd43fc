//! Bans, timeouts, permissions and roles.

use e2e::eventually;
use serde_json::json;

use super::{start, tries_to_post, writes};
use crate::people::Person;
use crate::with_room;

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_holds_in_its_room_until_it_is_lifted() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let (spammer, other) = (Person::at(&server), Person::at(&server));
    for person in [&spammer, &other] {
        assert_eq!(person.get("/room/a/pollInfo/0").await.status, 200);
    }
    let said = moderator.done(&["user", "ban", &spammer.id, "--for", "2h"]);
    assert_eq!(said, format!("banned {} from a for 2h\n", spammer.id));
    assert_eq!(spammer.get("/room/a/pollInfo/0").await.status, 403);
    assert_eq!(other.get("/room/a/pollInfo/0").await.status, 200);

    let bans = moderator.json(&["user", "bans"]);
    assert_eq!(bans[0]["id"], json!(spammer.id));
    assert!(bans[0]["until"].is_number(), "{bans}");
    // One for good takes the place of the one that ends, and the account's id means the same person.
    moderator.done(&["user", "ban", &spammer.account_id()]);
    assert_eq!(moderator.json(&["user", "bans"])[0]["until"], json!(null));

    moderator.done(&["user", "unban", &spammer.id]);
    assert_eq!(spammer.get("/room/a/pollInfo/0").await.status, 200);
    assert_eq!(moderator.json(&["user", "bans"]), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_moderator_of_one_room_may_not_do_is_refused_in_plain_words() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    with_room(&server, "b");
    let person = Person::at(&server);
    assert_eq!(person.get("/room/a/pollInfo/0").await.status, 200);
    let complaint = moderator.fails(1, &["user", "ban", &person.id, "--global"]);
    assert!(complaint.contains("a moderator of the whole server"), "{complaint}");
    let complaint = moderator.fails(1, &["user", "ban", &person.id, "--room", "a", "b"]);
    assert!(complaint.contains("must be a moderator there"), "{complaint}");
    let complaint = moderator.fails(1, &["room", "set", "--name", "Mine"]);
    assert!(complaint.contains("must be an admin there"), "{complaint}");
    let complaint = moderator.fails(1, &["pin", "add", "1"]);
    assert!(complaint.contains("must be an admin there"), "{complaint}");
    let complaint = moderator.fails(1, &["mod", "add", &person.id]);
    assert!(complaint.contains("must be an admin there"), "{complaint}");
    let complaint = moderator.fails(1, &["user", "list", "--room", "nowhere"]);
    assert!(complaint.contains("no such room"), "{complaint}");
    assert_eq!(person.get("/room/a/pollInfo/0").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_global_moderator_bans_from_everything() {
    let Some((server, moderator)) = start(&["--global"]).await else {
        return;
    };
    let (one, two) = (Person::at(&server), Person::at(&server));
    for person in [&one, &two] {
        assert_eq!(person.get("/room/a").await.status, 200);
    }
    moderator.done(&["user", "ban", &one.id, &two.id, "--global"]);
    for person in [&one, &two] {
        assert_eq!(person.get("/capabilities").await.status, 403);
    }
    moderator.done(&["user", "unban", &one.id, "--global"]);
    assert_eq!(one.get("/capabilities").await.status, 200);
    assert_eq!(two.get("/capabilities").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_by_itself() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let person = Person::at(&server);
    person.said("a", "hello").await;
    let said = moderator.done(&["user", "timeout", &person.id, "--for", "4h"]);
    assert_eq!(said, format!("{} cannot post in a for 4h\n", person.id));
    assert_eq!(tries_to_post(&person, "a").await, 403);
    assert_eq!(person.get("/room/a/messages/recent").await.status, 200);
    let planned = moderator.json(&["schedule", "list"]);
    assert_eq!(
        (&planned[0]["session_id"], &planned[0]["write"]),
        (&json!(person.id), &json!(true))
    );

    // A shorter one takes the place of the longer one.
    moderator.done(&["user", "timeout", &person.id, "--for", "3h"]);
    assert_eq!(moderator.json(&["schedule", "list"]).as_array().unwrap().len(), 1);
    moderator.done(&["user", "timeout", &person.id, "--for", "1s"]);
    eventually("they may post again", async || tries_to_post(&person, "a").await == 201).await;
    assert_eq!(
        moderator.json(&["user", "show", &person.id])["rights"]["write"],
        json!(null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_gives_nobody_more_than_they_had() {
    let Some((server, moderator)) = start(&["--room", "a", "--admin"]).await else {
        return;
    };
    let person = Person::at(&server);
    person.said("a", "hello").await;
    moderator.done(&["user", "permit", &person.id, "--deny", "w"]);
    let complaint = moderator.fails(1, &["user", "timeout", &person.id, "--for", "1h"]);
    assert!(complaint.contains("may not post there anyway"), "{complaint}");
    let own = moderator.id(&server);
    let complaint = moderator.fails(1, &["user", "timeout", &own, "--for", "1h"]);
    assert!(complaint.contains("moderate there"), "{complaint}");
    assert_eq!(moderator.json(&["schedule", "list"]), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_given_taken_and_planned() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let person = Person::at(&server);
    person.said("a", "hello").await;
    let said = moderator.done(&["user", "permit", &person.id, "--deny", "w", "--allow", "r"]);
    assert_eq!(said, format!("for {} in a: +read, -write\n", person.id));
    assert_eq!(tries_to_post(&person, "a").await, 403);
    assert_eq!(
        moderator
            .json(&["user", "list"])
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["id"] == json!(person.id)),
        Some(
            &json!({ "id": person.id, "rights": { "read": true, "write": false, "banned": false, "moderator": false, "admin": false, "hidden": false } })
        )
    );
    moderator.done(&[
        "user", "permit", &person.id, "--allow", "u", "--deny", "r", "--in", "3h",
    ]);
    let planned = &moderator.json(&["user", "show", &person.id])["planned"][0];
    assert_eq!((&planned["upload"], &planned["read"]), (&json!(true), &json!(false)));
    let said = moderator.done(&["user", "permit", &person.id, "--reset", "rwua"]);
    assert_eq!(said, format!("for {} in a: as for everybody\n", person.id));
    assert_eq!(tries_to_post(&person, "a").await, 201);
    assert_eq!(moderator.json(&["schedule", "list"]), json!([]));
    moderator.fails(1, &["user", "permit", &person.id, "--allow", "w", "--deny", "w"]);
    moderator.fails(1, &["user", "permit", &person.id, "--allow", "a", "--in", "1h"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_given_and_taken() {
    let Some((server, admin)) = start(&["--room", "a", "--admin"]).await else {
        return;
    };
    let (person, visitor) = (Person::at(&server), Person::at(&server));
    assert_eq!(person.get("/room/a").await.status, 200);
    admin.done(&["mod", "add", &person.id]);
    assert_eq!(visitor.json("/room/a").await["moderators"], json!([person.id]));
    assert_eq!(person.json("/room/a").await["moderator"], json!(true));
    admin.done(&["mod", "add", &person.id, "--admin", "--hidden"]);
    assert_eq!(visitor.json("/room/a").await["moderators"], json!([]));
    assert_eq!(person.json("/room/a").await["admin"], json!(true));
    let listed = admin.json(&["mod", "list"]);
    let theirs = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == json!(person.id));
    assert_eq!(
        theirs,
        Some(&json!({ "id": person.id, "admin": true, "visible": false }))
    );
    admin.done(&["mod", "remove", &person.id]);
    assert_eq!(person.json("/room/a").await["moderator"], json!(false));
    let complaint = admin.fails(1, &["mod", "add", &person.id, "--global"]);
    assert!(complaint.contains("an admin of the whole server"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_bans_and_deletes_in_the_room() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    with_room(&server, "b");
    let (spammer, other) = (Person::at(&server), Person::at(&server));
    eventually("the second room is there", async || {
        spammer.get("/room/b").await.status == 200
    })
    .await;
    for text in ["buy this", "buy that"] {
        writes(&spammer, "a", text, "Spam").await;
    }
    let elsewhere = writes(&spammer, "b", "buy more", "Spam").await;
    let good = writes(&other, "a", "no, thanks", "Ann").await;

    let shown = moderator.done(&["user", "purge", &spammer.id, "--dry-run"]);
    assert!(shown.contains("2 of the latest 3 messages in a are theirs"), "{shown}");
    assert!(
        shown.contains("buy this") && shown.contains("buy that") && !shown.contains("thanks"),
        "{shown}"
    );
    let complaint = moderator.fails(1, &["user", "purge", &spammer.id]);
    assert!(complaint.contains("--yes"), "{complaint}");
    assert_eq!(other.json("/room/a/messages/recent").await.as_array().unwrap().len(), 3);

    moderator.done(&["user", "purge", &spammer.id, "--yes"]);
    let left = other.json("/room/a/messages/recent").await;
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left[0]["id"], json!(good));
    assert_eq!(spammer.get("/room/a/pollInfo/0").await.status, 403);
    assert_eq!(other.get(&format!("/room/b/message/{elsewhere}")).await.status, 200);
    // There is nothing left, which is no failure.
    let said = moderator.done(&["user", "purge", &spammer.id, "--yes"]);
    assert!(said.contains("has no messages in a"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_global_purge_reaches_all_rooms() {
    let Some((server, moderator)) = start(&["--global"]).await else {
        return;
    };
    with_room(&server, "b");
    let (spammer, bystander) = (Person::at(&server), Person::at(&server));
    eventually("the second room is there", async || {
        spammer.get("/room/b").await.status == 200
    })
    .await;
    for room in ["a", "b"] {
        writes(&spammer, room, "buy this", "Spam").await;
    }
    let kept = writes(&bystander, "b", "hello", "Ann").await;
    let said = moderator.done(&["user", "purge", &spammer.id, "--global", "--yes"]);
    assert!(said.contains("1 in a, 1 in b"), "{said}");
    assert_eq!(spammer.get("/rooms").await.status, 403);
    assert_eq!(bystander.json("/room/a/messages/recent").await, json!([]));
    assert_eq!(bystander.json("/room/b/messages/recent").await[0]["id"], json!(kept));
    let said = moderator.done(&["user", "purge", &bystander.id, "--no-ban", "--yes", "--room", "b"]);
    assert!(said.contains("deleted all messages"), "{said}");
    assert_eq!(bystander.json("/room/b/messages/recent").await, json!([]));
}
