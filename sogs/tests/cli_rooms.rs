//! Rooms from the command line, beside a running server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use serde_json::{Value, json};
use shared::client::Request;
use support::{Place, Stores};

in_every_place!(
    a_new_room_is_printed_with_its_link_and_served_at_once,
    rooms_begin_with_the_permissions_that_were_asked_for,
    a_token_that_is_taken_is_refused_whatever_its_case,
    a_change_is_told_line_by_line_and_served_at_once,
    a_change_that_contradicts_itself_changes_nothing,
    a_rate_limit_binds_the_next_posts,
    what_browsers_see_can_be_switched,
    a_room_is_shown_with_what_is_in_it,
    the_list_has_a_link_for_every_room,
    an_image_is_served_as_it_was_given,
    a_room_is_deleted_only_on_confirmation,
    no_more_rooms_are_made_than_are_allowed,
);

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nthe rest is not looked at";

async fn a_new_room_is_printed_with_its_link_and_served_at_once(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    let user = live.user().await;
    assert_eq!(user.json("/rooms").await, json!([]));
    let add = [
        "room",
        "add",
        "Sudoku",
        "--name",
        "Sudoku club",
        "--description",
        r"one\ntwo",
    ];
    let printed = live.after(place.run(&add)).await;
    let link = place.link("Sudoku");
    assert_eq!(printed, format!("made the room Sudoku club (Sudoku)\n{link}\n"));
    let room = user.json("/room/sudoku").await;
    assert_eq!(room["token"], "Sudoku");
    assert_eq!(room["name"], "Sudoku club");
    assert_eq!(room["description"], "one\ntwo");
    assert_eq!(room["info_updates"], 1);
    user.say("sudoku", "hello").await;
}

async fn rooms_begin_with_the_permissions_that_were_asked_for(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    place.run(&["init"]).ok();
    // read, write, upload, accessible
    for (token, flags, expected) in [
        ("plain", &[][..], [true, true, true, true]),
        ("readonly", &["--read-only"], [true, false, false, true]),
        ("private", &["--private"], [false, true, true, false]),
        ("denied", &["--deny", "uw"], [true, false, false, true]),
        ("nothing", &["--deny", "rwua"], [false, false, false, false]),
    ] {
        let mut arguments = vec!["room", "add", token];
        arguments.extend(flags);
        place.run(&arguments).ok();
        let [read, write, upload, accessible] = expected;
        assert_eq!(
            place.run(&["room", "show", token, "--json"]).json()["permissions"],
            json!({ "read": read, "write": write, "upload": upload, "accessible": accessible }),
            "{token}"
        );
    }
}

async fn a_token_that_is_taken_is_refused_whatever_its_case(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    place.run(&["init"]).ok();
    place.run(&["room", "add", "Sudoku"]).ok();
    let complaint = place.run(&["room", "add", "sUDOKU", "--name", "other"]).fails();
    assert!(complaint.contains("there is a room sUDOKU already"), "{complaint}");
    assert!(complaint.contains("`sogs room set`"), "{complaint}");
    assert_eq!(
        place.run(&["room", "show", "sudoku", "--json"]).json()["name"],
        "Sudoku"
    );
    let long = "x".repeat(201);
    let complaint = place.run(&["room", "add", "other", "--name", &long]).fails();
    assert!(complaint.contains("too long"), "{complaint}");
    assert!(
        place
            .run(&["room", "add", "other", "--name", " "])
            .fails()
            .contains("needs a name")
    );
    assert_eq!(
        place.run(&["room", "list", "--json"]).json().as_array().unwrap().len(),
        1
    );
}

async fn a_change_is_told_line_by_line_and_served_at_once(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    let user = live.user().await;
    live.after(place.run(&["room", "add", "a", "--name", "Old"])).await;
    let before = user.json("/room/a").await["info_updates"].as_i64().unwrap();
    let set = [
        "room",
        "set",
        "A",
        "--name",
        "New",
        "--description",
        "About",
        "--deny",
        "wu",
        "--rate-limit",
        "3/1m",
    ];
    assert_eq!(
        live.after(place.run(&set)).await,
        "renamed a from 'Old' to 'New'\n\
         the description of a is now: About\n\
         denied everybody by default in New (a): write\n\
         denied everybody by default in New (a): upload\n\
         the rate limit of New (a) is now: 3 posts in 1m\n"
    );
    let room = user.json("/room/a").await;
    assert_eq!(room["name"], "New");
    assert_eq!(room["description"], "About");
    assert_eq!(room["write"], false);
    // One for the name, one for the description; permissions are not counted.
    assert_eq!(room["info_updates"], before + 2);
    assert_eq!(place.run(&set).ok(), "New (a) is like that already\n");

    let set = [
        "room",
        "set",
        "a",
        "--description",
        "",
        "--allow",
        "w",
        "--rate-limit",
        "off",
    ];
    assert_eq!(
        live.after(place.run(&set)).await,
        "removed the description of New (a)\n\
         allowed everybody by default in New (a): write\n\
         the rate limit of New (a) is now: off\n"
    );
    assert_eq!(user.json("/room/a").await["description"], "");
}

async fn a_change_that_contradicts_itself_changes_nothing(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    place.run(&["init"]).ok();
    place.run(&["room", "add", "a"]).ok();
    let complaint = place
        .run(&["room", "set", "a", "--name", "New", "--allow", "rw", "--deny", "wa"])
        .fails();
    assert!(complaint.contains("--allow and --deny"), "{complaint}");
    assert_eq!(place.run(&["room", "show", "a", "--json"]).json()["name"], "a");
    let complaint = place.run(&["room", "set", "b", "--name", "New"]).fails();
    assert!(
        complaint.contains("there is no room b; `sogs room list`"),
        "{complaint}"
    );
}

async fn a_rate_limit_binds_the_next_posts(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    let user = live.user().await;
    live.after(place.run(&["room", "add", "a"])).await;
    live.after(place.run(&["room", "set", "a", "--rate-limit", "2/1h"]))
        .await;
    user.say("a", "one").await;
    user.say("a", "two").await;
    assert_eq!(user.try_to_say("a", "three").await.status, 429);
    live.after(place.run(&["room", "set", "a", "--rate-limit", "off"]))
        .await;
    user.say("a", "three").await;
    assert_eq!(
        place.run(&["room", "show", "a", "--json"]).json()["rate_limit"],
        Value::Null
    );
}

async fn what_browsers_see_can_be_switched(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    let user = live.user().await;
    live.after(place.run(&["room", "add", "a", "--name", "Room"])).await;
    assert_eq!(user.get("/r/a/").await.status, 200);
    let hide = ["room", "set", "a", "--web-hide", "page,feed"];
    assert_eq!(
        live.after(place.run(&hide)).await,
        "browsers do not see this of Room (a) now: page\n\
         browsers do not see this of Room (a) now: feed\n"
    );
    assert_eq!(user.get("/r/a/").await.status, 403);
    assert_eq!(user.get("/r/a/feed.atom").await.status, 403);
    assert_eq!(place.run(&hide).ok(), "Room (a) is like that already\n");
    assert_eq!(
        place.run(&["room", "show", "a", "--json"]).json()["web"],
        json!({ "index": true, "page": false, "messages": true, "feed": false })
    );
    let text = place.run(&["room", "show", "a"]).ok();
    assert!(
        text.contains("\nweb pages      +index, -page, +messages, -feed\n"),
        "{text}"
    );
    let show = ["room", "set", "a", "--web-show", "page", "--web-hide", "index"];
    live.after(place.run(&show)).await;
    assert_eq!(user.get("/r/a/").await.status, 200);
    let both = ["room", "set", "a", "--web-show", "feed", "--web-hide", "feed"];
    assert!(place.run(&both).fails().contains("--web-show and --web-hide"));
}

async fn a_room_is_shown_with_what_is_in_it(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    let (user, other) = (live.user().await, live.user().await);
    live.after(place.run(&["room", "add", "a", "--name", "Room", "--description", "About"]))
        .await;
    let kept = user.say("a", "12345").await;
    let gone = user.say("a", "1234567").await;
    let path = format!("/room/a/message/{gone}");
    assert_eq!(user.call(Request::new("DELETE", &path)).await.status, 200);
    for (person, reaction) in [(&user, "🍍"), (&other, "🍍"), (&other, "👍")] {
        let path = format!("/room/a/reaction/{kept}/{reaction}");
        assert_eq!(person.call(Request::new("PUT", &path)).await.status, 200);
    }
    let upload = Request::new("POST", "/room/a/file").body("0123456789");
    assert_eq!(user.call(upload).await.status, 201);
    live.after(place.run(&["mod", "add", &user.id, "--room", "a", "--admin"]))
        .await;
    live.after(place.run(&["mod", "add", &other.id, "--room", "a", "--hidden"]))
        .await;
    let elsewhere = live.user().await;
    live.after(place.run(&["mod", "add", &elsewhere.id, "--global", "--admin"]))
        .await;

    let room = place.run(&["room", "show", "a", "--json"]).json();
    assert_eq!(room["token"], "a");
    assert_eq!(room["name"], "Room");
    assert_eq!(room["description"], "About");
    assert_eq!(room["link"], place.link("a"));
    assert_eq!(room["messages"], json!({ "count": 1, "bytes": 5 }));
    assert_eq!(room["attachments"], json!({ "count": 1, "bytes": 10 }));
    assert_eq!(
        room["reactions"],
        json!({ "count": 3, "top": [{ "reaction": "🍍", "count": 2 }, { "reaction": "👍", "count": 1 }] })
    );
    assert_eq!(room["rate_limit"], json!({ "posts": 5, "seconds": 16.0 }));
    assert_eq!(
        room["moderators"],
        json!([
            { "id": user.id, "admin": true, "visible": true },
            { "id": other.id, "admin": false, "visible": false },
        ])
    );
    assert_eq!(
        room["global_moderators"],
        json!([{ "id": elsewhere.id, "admin": true, "visible": false }])
    );

    let text = place.run(&["room", "show", "A"]).ok();
    for line in [
        "Room (a)".to_owned(),
        format!("link           {}", place.link("a")),
        "messages       1 (5 B)".to_owned(),
        "reactions      3: 🍍 2, 👍 1".to_owned(),
        "everybody      +read, +write, +upload, +accessible".to_owned(),
        "moderators     1 admin, 1 moderator (1 hidden)".to_owned(),
        format!("               {} hidden moderator", other.id),
        "everywhere     1 admin (1 hidden), 0 moderators".to_owned(),
        format!("               {} hidden admin", elsewhere.id),
    ] {
        assert!(text.lines().any(|printed| printed == line), "{line} is not in\n{text}");
    }
}

async fn the_list_has_a_link_for_every_room(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    place.run(&["init"]).ok();
    assert!(place.run(&["room", "list"]).ok().contains("There are no rooms"));
    assert_eq!(place.run(&["room", "list", "--json"]).json(), json!([]));
    for token in ["beta", "Alpha"] {
        place.run(&["room", "add", token]).ok();
    }
    let text = place.run(&["room", "list"]).ok();
    let links: Vec<&str> = text.lines().filter(|line| line.starts_with("https://")).collect();
    assert_eq!(links, [place.link("Alpha"), place.link("beta")]);
    let json = place.run(&["room", "list", "--json"]).json();
    assert_eq!(json[0]["token"], "Alpha");
    assert_eq!(json[1]["link"], place.link("beta"));
}

async fn an_image_is_served_as_it_was_given(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    let user = live.user().await;
    live.after(place.run(&["room", "add", "a", "--name", "Room"])).await;
    place.write("picture.png", PNG);
    place.write("text.txt", "no picture");
    let complaint = place.run(&["room", "image", "a", "text.txt"]).fails();
    assert!(complaint.contains("PNG, JPEG, GIF and WebP"), "{complaint}");
    let complaint = place.run(&["room", "image", "b", "picture.png"]).fails();
    assert!(complaint.contains("there is no room b"), "{complaint}");
    assert!(
        place
            .run(&["room", "image", "a", "none.png"])
            .fails()
            .contains("none.png")
    );
    assert_eq!(user.json("/room/a").await.get("image_id"), None);

    let printed = live.after(place.run(&["room", "image", "A", "picture.png"])).await;
    assert!(
        printed.starts_with("picture.png is the image of Room (a) now\nhttp"),
        "{printed}"
    );
    let image = user.json("/room/a").await["image_id"].as_i64().unwrap();
    let answer = user.get(&format!("/room/a/file/{image}")).await;
    assert_eq!((answer.status, &answer.body[..]), (200, PNG));
}

async fn a_room_is_deleted_only_on_confirmation(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = place.live().await;
    let user = live.user().await;
    live.after(place.run(&["room", "add", "a", "--name", "Room"])).await;
    user.say("a", "hello").await;
    let complaint = place.run(&["room", "delete", "a"]).fails();
    assert!(complaint.contains("--yes"), "{complaint}");
    assert_eq!(user.get("/room/a").await.status, 200);
    let printed = live.after(place.run(&["room", "delete", "A", "--yes"])).await;
    assert_eq!(printed, "deleted the room Room (a)\n");
    assert_eq!(user.get("/room/a").await.status, 404);
    let complaint = place.run(&["room", "delete", "a", "--yes"]).fails();
    assert!(complaint.contains("there is no room a"), "{complaint}");
}

async fn no_more_rooms_are_made_than_are_allowed(stores: Stores) {
    let Some(mut place) = Place::on(stores) else { return };
    place.set("SOGS_ROOMS_MAX_COUNT", "1");
    let _live = place.live().await;
    place.run(&["room", "add", "a"]).ok();
    let complaint = place.run(&["room", "add", "b"]).fails();
    assert!(complaint.contains("rooms.max_count"), "{complaint}");
    place.run(&["room", "delete", "a", "--yes"]).ok();
    place.run(&["room", "add", "b"]).ok();
}
