//! Timeouts, purges, and what people may and why, from the command line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::client::Request;
use support::{Live, Person, Place, Stores};

in_every_place!(
    a_timeout_holds_at_once_and_ends_by_command,
    a_timeout_is_seen_where_it_is_looked_for,
    a_timeout_is_for_those_who_could_post_otherwise,
    whoever_is_purged_is_banned_and_leaves_nothing,
    a_purge_shows_what_it_would_touch_before,
    a_purge_of_a_room_leaves_the_others_alone,
    rights_are_told_with_the_rule_that_decides,
    rights_of_a_room_are_those_of_everybody_and_of_some,
    both_ids_of_somebody_are_shown,
    people_are_sorted_by_what_they_left,
    an_id_that_nobody_can_have_is_refused,
);

async fn with_rooms(place: &Place, tokens: &[&str]) -> Live {
    let live = place.live().await;
    for token in tokens {
        live.after(place.run(&["room", "add", token, "--name", &token.to_uppercase()]))
            .await;
    }
    live
}

async fn send(person: &Person, method: &str, path: &str, body: Value) -> u16 {
    let request = Request::new(method, path).header("Content-Type", "application/json");
    person.call(request.body(body.to_string())).await.status
}

async fn a_timeout_holds_at_once_and_ends_by_command(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let user = live.user().await;
    let both = format!("{} ({})", user.id, user.account);
    let printed = live
        .after(place.run(&[
            "user",
            "timeout",
            &user.account,
            "--room",
            "a",
            "--for",
            "4h",
            "--reason",
            "Rude",
        ]))
        .await;
    assert!(
        printed.starts_with(&format!("{both} may not post in A (a) until 2")),
        "{printed}"
    );
    assert_eq!(user.try_to_say("a", "hello").await.status, 403);
    assert_eq!(user.get("/room/a/messages/recent").await.status, 200);
    user.say("b", "hello").await;
    let longer = ["user", "timeout", &user.id, "--all-rooms", "--for", "2 days"];
    let printed = live.after(place.run(&longer)).await;
    assert!(printed.contains("; before that it was until 2"), "{printed}");
    assert_eq!(printed.lines().count(), 2);
    assert_eq!(user.try_to_say("b", "hello").await.status, 403);
    let shown = place.run(&["user", "show", &user.id, "--json"]).json();
    assert_eq!(shown["pending"].as_array().unwrap().len(), 2, "{shown}");

    let printed = live
        .after(place.run(&["user", "untimeout", &user.id, "--room", "a"]))
        .await;
    assert_eq!(printed, format!("ended the timeout of {} in A (a)\n", user.id));
    user.say("a", "hello").await;
    assert_eq!(user.try_to_say("b", "hello").await.status, 403);
    live.after(place.run(&["user", "permit", &user.id, "--room", "b", "--reset", "w"]))
        .await;
    user.say("b", "hello").await;
    let shown = place.run(&["user", "show", &user.id, "--json"]).json();
    assert_eq!((&shown["pending"], &shown["rooms"]), (&json!([]), &json!({})));
    let printed = place.run(&["user", "untimeout", &user.id, "--all-rooms"]).ok();
    assert_eq!(printed.matches("has no timeout").count(), 2);
    for wrong in ["0", "100 years"] {
        let complaint = place
            .run(&["user", "timeout", &user.id, "--room", "a", "--for", wrong])
            .fails();
        assert!(complaint.contains("--for"), "{complaint}");
    }
    let everywhere = place.run(&["user", "timeout", &user.id, "--global", "--for", "1h"]);
    assert_eq!(everywhere.code, 2, "{}", everywhere.stderr);
}

async fn a_timeout_is_seen_where_it_is_looked_for(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    live.after(place.run(&[
        "user", "timeout", &user.id, "--room", "a", "--for", "4h", "--reason", "Rude",
    ]))
    .await;
    let shown = place.run(&["user", "show", &user.id, "--json"]).json();
    let end = shown["pending"][0]["at"].as_f64().unwrap();
    assert_eq!(
        (&shown["pending"][0]["room"], &shown["pending"][0]["write"]),
        (&json!("a"), &json!(true))
    );
    assert_eq!(shown["history"][0]["action"], "timeout.set");
    assert_eq!(shown["history"][0]["reason"], "Rude");
    assert_eq!(shown["history"][0]["detail"]["until"].as_f64(), Some(end));
    let write = json!({ "allowed": false, "because": "own permission", "permission": "write" });
    assert_eq!(shown["rights"]["a"]["write"], write);
    assert_eq!(shown["rights"]["a"]["read"]["allowed"], json!(true));
    let text = place.run(&["user", "show", &user.id]).ok();
    for words in ["write is forbidden to them", "Rude", "+write", "r--a"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let rights = place.run(&["room", "show", "a", "--rights", "--json"]).json();
    assert_eq!(rights["people"][0]["id"], user.id);
    assert_eq!(rights["people"][0]["pending"][0]["at"].as_f64(), Some(end));
}

async fn a_timeout_is_for_those_who_could_post_otherwise(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    live.after(place.run(&["room", "add", "news", "--read-only"])).await;
    let (user, silent, guest) = (live.user().await, live.user().await, live.user().await);
    let timeout = |id: &str, room: &str| place.run(&["user", "timeout", id, "--room", room, "--for", "1h"]);
    live.after(place.run(&["user", "permit", &silent.id, "--room", "a", "--deny", "w"]))
        .await;
    for (person, room) in [(&user, "news"), (&silent, "a")] {
        let printed = timeout(&person.id, room).ok();
        assert!(
            printed.contains("may not post in") && printed.contains("anyway"),
            "{printed}"
        );
        let shown = place.run(&["user", "show", &person.id, "--json"]).json();
        assert_eq!(shown["pending"], json!([]));
    }
    live.after(place.run(&["user", "permit", &guest.id, "--room", "news", "--allow", "w"]))
        .await;
    live.after(timeout(&guest.id, "news")).await;
    assert_eq!(guest.try_to_say("news", "hello").await.status, 403);
    live.after(place.run(&["user", "untimeout", &guest.id, "--room", "news"]))
        .await;
    guest.say("news", "hello").await;
    for scope in [&["--room", "a"][..], &["--global"]] {
        let mut appoint = vec!["mod", "add", &user.id];
        appoint.extend(scope);
        live.after(place.run(&appoint)).await;
        let complaint = timeout(&user.id, "a").fails();
        assert!(complaint.contains("sogs mod remove"), "{complaint}");
        appoint[1] = "remove";
        live.after(place.run(&appoint)).await;
    }
    assert!(
        place
            .run(&["audit", "--action", "timeout", "--user", &user.id])
            .ok()
            .starts_with("Nothing")
    );
}

/// Somebody who has left something of every kind in rooms a and b, and somebody to whom they wrote.
async fn spammer(live: &Live) -> (Person, Person) {
    let (user, other) = (live.user().await, live.user().await);
    for room in ["a", "b"] {
        user.say(room, "buy").await;
        let message = other.say(room, "hello").await;
        let reaction = format!("/room/{room}/reaction/{message}/🐟");
        assert_eq!(send(&user, "PUT", &reaction, json!({})).await, 200);
        assert_eq!(send(&other, "PUT", &reaction, json!({})).await, 200);
        let upload = Request::new("POST", &format!("/room/{room}/file")).body("picture");
        assert_eq!(user.call(upload).await.status, 201);
    }
    let letter = json!({ "message": STANDARD.encode("sealed") });
    assert_eq!(
        send(&user, "POST", &format!("/inbox/{}", other.id), letter.clone()).await,
        201
    );
    assert_eq!(send(&other, "POST", &format!("/inbox/{}", user.id), letter).await, 201);
    (user, other)
}

fn left(place: &Place, person: &Person) -> [i64; 5] {
    let shown = place.run(&["user", "show", &person.id, "--json"]).json();
    let number = |value: &Value| value.as_i64().unwrap();
    [
        number(&shown["messages"]["count"]),
        number(&shown["files"]["count"]),
        number(&shown["reactions"]),
        number(&shown["direct_messages"]["sent"]),
        number(&shown["direct_messages"]["received"]),
    ]
}

async fn whoever_is_purged_is_banned_and_leaves_nothing(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (user, other) = spammer(&live).await;
    assert_eq!(left(&place, &user), [2, 2, 2, 1, 1]);
    let info = other.json("/room/a").await["message_sequence"].as_i64().unwrap();
    let printed = live
        .after(place.run(&["user", "purge", &user.account, "--yes", "--reason", "Spam"]))
        .await;
    let both = format!("{} ({})", user.id, user.account);
    assert_eq!(
        printed,
        format!(
            "banned {both} from the whole server for good\n\
             deleted 1 message and 1 reaction of {both} in A (a)\n\
             deleted 1 message and 1 reaction of {both} in B (b)\n\
             deleted 2 direct messages of {both}\n"
        )
    );
    assert_eq!(user.get("/rooms").await.status, 403);
    // What is uploaded ends at once, and goes with the next sweep.
    live.app().files.sweep(&live.app().directory).await.unwrap();
    assert_eq!(left(&place, &user), [0, 0, 0, 0, 0]);
    assert_eq!(left(&place, &other), [2, 0, 2, 0, 0]);
    assert_eq!(other.json("/inbox").await, json!([]));
    let news = other.json(&format!("/room/a/messages/since/{info}?t=r")).await;
    let news = news.as_array().unwrap();
    assert_eq!(news.len(), 2, "{news:?}");
    assert!(
        news.iter()
            .any(|one| one["data"].is_null() && one["deleted"] == json!(true)),
        "{news:?}"
    );
    let fish = news.iter().find_map(|one| one["reactions"]["🐟"]["count"].as_i64());
    assert_eq!(fish, Some(1), "{news:?}");
    let records = place.run(&["audit", "--user", &user.id, "--json"]).json();
    let actions: Vec<&str> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["action"].as_str().unwrap())
        .collect();
    let expected = [
        "direct.purge",
        "reaction.purge",
        "message.purge",
        "reaction.purge",
        "message.purge",
        "ban.set",
    ];
    assert_eq!(actions, expected);
    for record in records.as_array().unwrap() {
        assert_eq!((&record["by"], &record["reason"]), (&json!("operator"), &json!("Spam")));
    }
    let again = live.after(place.run(&["user", "purge", &user.id, "--yes"])).await;
    assert!(
        again.ends_with(&format!("deleted 0 direct messages of {}\n", user.id)),
        "{again}"
    );
}

async fn a_purge_shows_what_it_would_touch_before(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b", "c"]).await;
    let (user, boss) = (spammer(&live).await.0, live.user().await);
    let shown = place.run(&["user", "purge", &user.id, "--dry-run"]).ok();
    for words in [
        "would be banned from the whole server",
        "A (a)",
        "B (b)",
        "1 direct messages sent and 1 received",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("C (c)"), "{shown}");
    let complaint = place.run(&["user", "purge", &user.id]).fails();
    assert!(complaint.contains("--yes"), "{complaint}");
    live.after(place.run(&["mod", "add", &boss.id, "--global"])).await;
    boss.say("a", "hello").await;
    let complaint = place.run(&["user", "purge", &boss.id, "--yes"]).fails();
    assert!(complaint.contains("sogs mod remove"), "{complaint}");
    assert_eq!(left(&place, &user), [2, 2, 2, 1, 1]);
    assert_eq!(left(&place, &boss), [1, 0, 0, 0, 0]);
    assert_eq!(user.get("/rooms").await.status, 200);
}

async fn a_purge_of_a_room_leaves_the_others_alone(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (user, _) = spammer(&live).await;
    live.after(place.run(&["user", "purge", &user.id, "--room", "a", "--yes"]))
        .await;
    live.app().files.sweep(&live.app().directory).await.unwrap();
    assert_eq!(left(&place, &user), [1, 1, 1, 1, 1]);
    assert_eq!(user.try_to_say("a", "again").await.status, 403);
    live.after(place.run(&["user", "purge", &user.id, "--room", "b", "--no-ban", "--yes"]))
        .await;
    assert_eq!(left(&place, &user)[0], 0);
    user.say("b", "again").await;
}

async fn rights_are_told_with_the_rule_that_decides(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    live.after(place.run(&["room", "add", "news", "--read-only"])).await;
    let user = live.user().await;
    let id = user.id.as_str();
    let rights = |room: &str, need: &str| {
        let shown = place.run(&["user", "show", id, "--json"]).json();
        let right = &shown["rights"][room][need];
        (
            right["allowed"] == json!(true),
            right["because"].as_str().unwrap().to_owned(),
        )
    };
    let expect = |room: &str, need: &str, allowed: bool, because: &str| {
        assert_eq!(rights(room, need), (allowed, because.to_owned()), "{room} {need}");
    };
    expect("a", "write", true, "default");
    expect("news", "write", false, "default");
    live.after(place.run(&["user", "permit", id, "--room", "news", "--allow", "w"]))
        .await;
    expect("news", "write", true, "own permission");
    expect("news", "upload", false, "default");
    user.say("news", "hello").await;
    live.after(place.run(&["user", "ban", id, "--room", "news"])).await;
    expect("news", "write", false, "room ban");
    expect("a", "write", true, "default");
    live.after(place.run(&["mod", "add", id, "--room", "a"])).await;
    expect("a", "write", true, "room moderator");
    live.after(place.run(&["mod", "add", id, "--global"])).await;
    expect("news", "read", true, "global moderator");
    live.after(place.run(&["mod", "add", id, "--global", "--admin"])).await;
    expect("news", "read", true, "global admin");
    live.after(place.run(&["mod", "remove", id, "--global"])).await;
    live.after(place.run(&["mod", "remove", id, "--room", "a"])).await;
    live.after(place.run(&["user", "ban", id, "--global", "--for", "1h", "--reason", "Rude"]))
        .await;
    expect("a", "read", false, "global ban");
    let text = place.run(&["user", "show", id]).ok();
    assert!(
        text.contains("banned until 2") && text.contains("banned from the whole server"),
        "{text}"
    );
}

async fn rights_of_a_room_are_those_of_everybody_and_of_some(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    assert!(
        place
            .run(&["room", "show", "a", "--rights"])
            .ok()
            .contains("This holds for all.")
    );
    let people = [
        live.user().await,
        live.user().await,
        live.user().await,
        live.user().await,
    ];
    let [boss, moderator, guest, banned] = &people;
    live.after(place.run(&["mod", "add", &boss.id, "--global", "--admin"]))
        .await;
    live.after(place.run(&["mod", "add", &moderator.id, "--room", "a"]))
        .await;
    live.after(place.run(&["user", "permit", &guest.id, "--room", "a", "--deny", "u"]))
        .await;
    live.after(place.run(&["user", "ban", &banned.id, "--room", "a", "--reason", "Rude"]))
        .await;
    let shown = place.run(&["room", "show", "a", "--rights", "--json"]).json();
    assert_eq!(
        shown["everybody"],
        json!({ "read": true, "write": true, "upload": true, "accessible": true })
    );
    let told: Vec<(&str, &str, bool)> = shown["people"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let upload = &one["rights"]["upload"];
            let because = upload["because"].as_str().unwrap();
            (one["id"].as_str().unwrap(), because, upload["allowed"] == json!(true))
        })
        .collect();
    let expected = [
        (boss.id.as_str(), "global admin", true),
        (moderator.id.as_str(), "room moderator", true),
        (guest.id.as_str(), "own permission", false),
        (banned.id.as_str(), "room ban", false),
    ];
    assert_eq!(told, expected);
    assert_eq!(shown["people"][3]["ban_reason"], "Rude");
    let text = place.run(&["room", "show", "a", "--rights"]).ok();
    for words in ["rwua", "rw-a", "----", "upload is forbidden to them", "Rude"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    place.run(&["room", "show", "b", "--rights"]).fails();
}

async fn both_ids_of_somebody_are_shown(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let newcomer = live.person();
    live.after(place.run(&["user", "ban", &newcomer.account, "--room", "a"]))
        .await;
    let shown = place.run(&["user", "show", &newcomer.id, "--json"]).json();
    assert_eq!(shown["id"], newcomer.account);
    // The sign of the blinded id, the highest bit, is not known yet.
    let waits_for = shown["waits_for"].as_str().unwrap();
    assert_eq!(
        (&waits_for[..64], &waits_for[65..]),
        (&newcomer.id[..64], &newcomer.id[65..])
    );
    assert_eq!(newcomer.get("/rooms").await.status, 200);
    let shown = place.run(&["user", "show", &newcomer.account, "--json"]).json();
    assert_eq!(shown["id"], newcomer.id);
    assert_eq!(shown["rooms"]["a"]["banned"], json!(true));
    assert_eq!(shown["also"][0]["id"], newcomer.account);
    assert_eq!(
        (&shown["also"][0]["rooms"], &shown["also"][0]["waits_for"]),
        (&json!({}), &Value::Null)
    );
    let text = place.run(&["user", "show", &newcomer.account]).ok();
    assert!(text.contains("known by another id too"), "{text}");
}

async fn people_are_sorted_by_what_they_left(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let (chatty, hoarder, quiet) = (live.user().await, live.user().await, live.user().await);
    for _ in 0..3 {
        chatty.say("a", "x").await;
    }
    hoarder.say("a", "x").await;
    let upload = Request::new("POST", "/room/a/file").body(vec![0; 1000]);
    assert_eq!(hoarder.call(upload).await.status, 201);
    let ids = |sort: &[&str]| -> Vec<(String, i64, i64)> {
        let mut arguments = vec!["user", "list", "--json"];
        arguments.extend(sort);
        let listed = place.run(&arguments).json();
        let row = |one: &Value| {
            let id = one["id"].as_str().unwrap().to_owned();
            (id, one["posts"].as_i64().unwrap(), one["bytes"].as_i64().unwrap())
        };
        listed.as_array().unwrap().iter().map(row).collect()
    };
    let of = |person: &Person, posts: i64, bytes: i64| (person.id.clone(), posts, bytes);
    let (chatty, hoarder, quiet) = (of(&chatty, 3, 3), of(&hoarder, 1, 1001), of(&quiet, 0, 0));
    assert_eq!(
        ids(&["--sort", "posts"]),
        [chatty.clone(), hoarder.clone(), quiet.clone()]
    );
    assert_eq!(
        ids(&["--sort", "storage"]),
        [hoarder.clone(), chatty.clone(), quiet.clone()]
    );
    assert_eq!(
        ids(&["--sort", "storage", "--limit", "1"]),
        std::slice::from_ref(&hoarder)
    );
    let mut latest = ids(&["--sort", "activity"]);
    latest.sort();
    let mut all = vec![chatty, hoarder, quiet];
    all.sort();
    assert_eq!(latest, all);
    let wrong = place.run(&["user", "list", "--sort", "name"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("activity"), "{}", wrong.stderr);
}

async fn an_id_that_nobody_can_have_is_refused(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let boss = live.user().await;
    live.after(place.run(&["mod", "add", &boss.id, "--global", "--admin"]))
        .await;
    let before = place.run(&["user", "list", "--json"]).json();
    // Neither lies on the curve.
    for nobody in [format!("15{}", "ab".repeat(32)), format!("05{}", "03".repeat(32))] {
        for command in [
            &["user", "ban", &nobody, "--global"][..],
            &["mod", "add", &nobody, "--room", "a"],
            &["user", "permit", &nobody, "--room", "a", "--deny", "w"],
            &["user", "timeout", &nobody, "--room", "a", "--for", "1h"],
        ] {
            let complaint = place.run(command).fails();
            assert!(complaint.contains("is a digit wrong?"), "{complaint}");
        }
        let ban = send(&boss, "POST", &format!("/user/{nobody}/ban"), json!({ "global": true })).await;
        assert_eq!(ban, 404);
    }
    assert_eq!(place.run(&["user", "list", "--json"]).json(), before);
}
