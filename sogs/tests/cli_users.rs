//! People from the command line, beside a running server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use serde_json::{Value, json};
use shared::clock::Clock;
use support::{Live, Place, Stores};

in_every_place!(
    a_ban_from_a_room_holds_at_once_and_can_be_lifted,
    a_ban_from_the_whole_server_holds_at_once_and_can_be_lifted,
    a_ban_ends_when_it_was_said_to_and_its_reason_goes_with_it,
    a_ban_of_an_account_holds_when_it_comes,
    whoever_is_banned_from_a_room_loses_their_role_there,
    moderators_of_the_whole_server_cannot_be_banned,
    permissions_of_one_person_can_be_set_and_reset,
    somebody_is_shown_with_all_that_is_kept_about_them,
    the_list_begins_with_who_was_there_last,
    all_that_somebody_posted_can_be_deleted,
);

async fn with_rooms(place: &Place, tokens: &[&str]) -> Live {
    let live = place.live().await;
    for token in tokens {
        live.after(place.run(&["room", "add", token, "--name", &token.to_uppercase()]))
            .await;
    }
    live
}

async fn a_ban_from_a_room_holds_at_once_and_can_be_lifted(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let user = live.user().await;
    let printed = live
        .after(place.run(&["user", "ban", &user.account, "--room", "a"]))
        .await;
    let both = format!("{} ({})", user.id, user.account);
    assert_eq!(printed, format!("banned {both} from A (a) for good\n"));
    assert_eq!(user.try_to_say("a", "hello").await.status, 403);
    user.say("b", "hello").await;
    let printed = place.run(&["user", "ban", &user.id, "--room", "a"]).ok();
    assert_eq!(
        printed,
        format!("{} was banned from A (a) already; the ban lasts for good\n", user.id)
    );

    let printed = live.after(place.run(&["user", "unban", &user.id, "--all-rooms"])).await;
    assert_eq!(
        printed,
        format!(
            "lifted the ban of {0} from A (a)\n{0} is not banned from B (b)\n",
            user.id
        )
    );
    user.say("a", "hello").await;
}

async fn a_ban_from_the_whole_server_holds_at_once_and_can_be_lifted(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    let printed = live.after(place.run(&["user", "ban", &user.id, "--global"])).await;
    assert_eq!(printed, format!("banned {} from the whole server for good\n", user.id));
    assert_eq!(user.get("/rooms").await.status, 403);
    live.after(place.run(&["user", "unban", &user.id, "--global"])).await;
    assert_eq!(user.get("/rooms").await.status, 200);
}

async fn a_ban_ends_when_it_was_said_to_and_its_reason_goes_with_it(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    assert_eq!(place.run(&["user", "bans"]).ok(), "Nobody is banned.\n");
    let before = Clock::system().now().as_seconds_f64();
    let ban = [
        "user",
        "ban",
        &user.id,
        "--room",
        "a",
        "--for",
        "2d",
        "--reason",
        "Advertises",
    ];
    let printed = live.after(place.run(&ban)).await;
    assert!(printed.contains(" until 2"), "{printed}");
    live.after(place.run(&["user", "ban", &user.id, "--global", "--reason", "Again"]))
        .await;

    let bans = place.run(&["user", "bans", "--json"]).json();
    assert_eq!(
        bans[0],
        json!({ "id": user.id, "room": null, "until": null, "reason": "Again" })
    );
    assert_eq!(bans[1]["room"], "a");
    assert_eq!(bans[1]["reason"], "Advertises");
    let until = bans[1]["until"].as_f64().unwrap();
    assert!(
        (before + 172_800.0..before + 172_800.0 + 600.0).contains(&until),
        "{until}"
    );
    let text = place.run(&["user", "bans", "--room", "a"]).ok();
    assert!(text.contains("Advertises") && !text.contains("Again"), "{text}");

    for scope in [&["--room", "a"][..], &["--global"]] {
        let mut arguments = vec!["user", "unban", &user.id];
        arguments.extend(scope);
        live.after(place.run(&arguments)).await;
        arguments[1] = "ban";
        live.after(place.run(&arguments)).await;
    }
    for ban in place.run(&["user", "bans", "--json"]).json().as_array().unwrap() {
        assert_eq!((&ban["reason"], &ban["until"]), (&Value::Null, &Value::Null), "{ban}");
    }
    let complaint = place.run(&["user", "ban", &user.id, "--global", "--for", "0"]).fails();
    assert!(complaint.contains("--for"), "{complaint}");
}

async fn a_ban_of_an_account_holds_when_it_comes(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let newcomer = live.person();
    let ban = [
        "user",
        "ban",
        &newcomer.account,
        "--global",
        "--reason",
        "Known elsewhere",
    ];
    live.after(place.run(&ban)).await;
    // To be named is not to be here.
    let named = place.run(&["user", "show", &newcomer.account, "--json"]).json();
    assert_eq!(
        (&named["first_seen"], &named["last_seen"]),
        (&Value::Null, &Value::Null)
    );
    let text = place.run(&["user", "show", &newcomer.account]).ok();
    for line in ["first seen    never", "last seen     never"] {
        assert!(text.lines().any(|printed| printed == line), "{text}");
    }
    assert!(place.run(&["user", "list"]).ok().contains("never"));
    assert_eq!(newcomer.get("/rooms").await.status, 403);
    let come = place.run(&["user", "show", &newcomer.id, "--json"]).json();
    assert!(
        come["first_seen"].is_number() && come["last_seen"].is_number(),
        "{come}"
    );
    let bans = place.run(&["user", "bans", "--json"]).json();
    assert_eq!(
        bans,
        json!([{ "id": newcomer.id, "room": null, "until": null, "reason": "Known elsewhere" }])
    );
}

async fn whoever_is_banned_from_a_room_loses_their_role_there(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    live.after(place.run(&["mod", "add", &user.id, "--room", "a", "--admin"]))
        .await;
    let printed = live.after(place.run(&["user", "ban", &user.id, "--room", "a"])).await;
    assert_eq!(
        printed,
        format!("banned {} from A (a) for good; their role there is gone\n", user.id)
    );
    assert_eq!(place.run(&["mod", "list", "--json"]).json(), json!([]));
    assert_eq!(user.try_to_say("a", "hello").await.status, 403);
}

async fn moderators_of_the_whole_server_cannot_be_banned(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let (boss, user) = (live.user().await, live.user().await);
    live.after(place.run(&["mod", "add", &boss.id, "--global"])).await;
    for scope in [&["--room", "a"][..], &["--global"]] {
        let mut arguments = vec!["user", "ban", &user.id, &boss.id];
        arguments.extend(scope);
        let complaint = place.run(&arguments).fails();
        let mends = format!("sogs mod remove {} --global", boss.id);
        assert!(complaint.contains(&mends), "{complaint}");
    }
    assert_eq!(place.run(&["user", "bans", "--json"]).json(), json!([]));
}

async fn permissions_of_one_person_can_be_set_and_reset(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    live.after(place.run(&["room", "add", "secret", "--name", "Secret", "--private"]))
        .await;
    let user = live.user().await;
    let printed = live
        .after(place.run(&["user", "permit", &user.id, "--room", "a", "--deny", "wu"]))
        .await;
    assert_eq!(printed, format!("for {} in A (a): -write, -upload\n", user.id));
    assert_eq!(user.try_to_say("a", "hello").await.status, 403);
    assert_eq!(user.get("/room/secret").await.status, 404);
    let permit = ["user", "permit", &user.account, "--room", "secret", "--allow", "ra"];
    live.after(place.run(&permit)).await;
    user.say("secret", "hello").await;

    let reset = ["user", "permit", &user.id, "--all-rooms", "--reset", "rwua"];
    let printed = live.after(place.run(&reset)).await;
    assert!(
        printed.contains(": write as for everybody, upload as for everybody\n"),
        "{printed}"
    );
    user.say("a", "hello").await;
    assert_eq!(user.get("/room/secret").await.status, 404);
    let printed = place.run(&reset).ok();
    assert_eq!(
        printed.lines().next().unwrap(),
        format!("that is how it is for {} in A (a) already", user.id)
    );
    let complaint = place
        .run(&["user", "permit", &user.id, "--room", "a", "--allow", "r", "--deny", "r"])
        .fails();
    assert!(complaint.contains("the same permission"), "{complaint}");
}

async fn somebody_is_shown_with_all_that_is_kept_about_them(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let user = live.user().await;
    user.say("a", "12345").await;
    live.after(place.run(&["mod", "add", &user.id, "--room", "a"])).await;
    live.after(place.run(&["user", "permit", &user.id, "--room", "b", "--deny", "u"]))
        .await;
    live.after(place.run(&[
        "user", "ban", &user.id, "--room", "b", "--for", "1h", "--reason", "Rude",
    ]))
    .await;

    let shown = place
        .run(&["user", "show", &user.account.to_uppercase(), "--json"])
        .json();
    assert_eq!(shown["id"], user.id);
    assert_eq!(shown["messages"], json!({ "count": 1, "bytes": 5 }));
    assert_eq!(shown["files"], json!({ "count": 0, "bytes": 0 }));
    assert_eq!((&shown["banned"], &shown["moderator"]), (&json!(false), &json!(false)));
    assert_eq!(
        (&shown["rooms"]["a"]["moderator"], &shown["rooms"]["a"]["visible"]),
        (&json!(true), &json!(true))
    );
    let b = &shown["rooms"]["b"];
    assert_eq!(
        (&b["banned"], &b["ban_reason"], &b["upload"]),
        (&json!(true), &json!("Rude"), &json!(false))
    );
    assert_eq!(shown["pending"][0]["banned"], json!(false));
    assert_eq!(shown["pending"][0]["room"], "b");

    let text = place.run(&["user", "show", &user.id]).ok();
    assert!(
        text.contains("banned until 2") && text.contains("Z: Rude, -upload"),
        "{text}"
    );
    assert!(text.contains("visible moderator"), "{text}");
    assert!(text.contains("no longer banned from b"), "{text}");
    let stranger = live.person().id;
    assert!(
        place
            .run(&["user", "show", &stranger])
            .fails()
            .contains("has never been here")
    );
}

async fn the_list_begins_with_who_was_there_last(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &[]).await;
    let (first, second) = (live.user().await, live.user().await);
    let ids = |arguments: &[&str]| -> Vec<String> {
        let listed = place.run(arguments).json();
        let listed = listed.as_array().unwrap().iter();
        listed.map(|person| person["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["user", "list", "--json"]), [second.id.clone(), first.id.clone()]);
    assert_eq!(
        ids(&["user", "list", "--json", "--limit", "1"]),
        std::slice::from_ref(&second.id)
    );
    assert_eq!(ids(&["user", "list", "--json", "--limit", "0"]).len(), 2);
    let cut = place.run(&["user", "list", "--limit", "1"]);
    assert!(cut.stderr.contains("1 of 2 people"), "{cut:?}");
    let whole = place.run(&["user", "list"]);
    assert!(whole.stdout.contains(&first.id) && whole.stderr.is_empty(), "{whole:?}");
    assert_eq!(
        place.run(&["user", "list", "--quiet"]).ok(),
        format!("{}\n{}\n", second.id, first.id)
    );
}

async fn all_that_somebody_posted_can_be_deleted(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (user, other) = (live.user().await, live.user().await);
    for text in ["one", "two"] {
        user.say("a", text).await;
    }
    user.say("b", "three").await;
    let kept = other.say("a", "four").await;
    let complaint = place.run(&["user", "purge", &user.id, "--room", "a"]).fails();
    assert!(complaint.contains("--yes"), "{complaint}");
    let printed = live
        .after(place.run(&["user", "purge", &user.account, "--all-rooms", "--no-ban", "--yes"]))
        .await;
    let both = format!("{} ({})", user.id, user.account);
    assert_eq!(
        printed,
        format!("deleted 2 messages of {both} in A (a)\ndeleted 1 message of {both} in B (b)\n")
    );
    let messages = other.json("/room/a/messages/recent").await;
    let left: Vec<i64> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["id"].as_i64().unwrap())
        .collect();
    assert_eq!(left, [kept]);
    let printed = place
        .run(&["user", "purge", &user.id, "--room", "a", "--no-ban", "--yes"])
        .ok();
    assert_eq!(printed, format!("{} has no messages in A (a)\n", user.id));
}
