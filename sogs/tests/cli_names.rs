//! How rooms and people are named in commands, and the links that commands print.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use serde_json::json;
use shared::crypto::Ed25519Public;
use support::{Live, Place, Stores};

in_every_place!(
    a_room_is_named_by_enough_of_its_token,
    a_person_is_named_by_enough_of_their_id,
    a_beginning_that_several_share_changes_nothing,
);

async fn with_rooms(place: &Place, tokens: &[&str]) -> Live {
    let live = place.live().await;
    for token in tokens {
        live.after(place.run(&["room", "add", token, "--name", &token.to_uppercase()]))
            .await;
    }
    live
}

async fn a_room_is_named_by_enough_of_its_token(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["sudoku", "Sudoku2", "chess"]).await;
    let user = live.user().await;
    assert_eq!(place.run(&["room", "show", "Ch", "--json"]).json()["token"], "chess");
    let complaint = place.run(&["room", "show", "su"]).fails();
    assert!(
        complaint.contains("SUDOKU (sudoku)") && complaint.contains("SUDOKU2 (Sudoku2)"),
        "{complaint}"
    );
    assert!(!complaint.contains("chess"), "{complaint}");
    // The whole token of one room is not the beginning of another one's.
    assert_eq!(
        place.run(&["room", "show", "SUDOKU", "--json"]).json()["token"],
        "sudoku"
    );
    assert!(place.run(&["room", "show", "x"]).fails().contains("there is no room x"));

    let printed = place.run(&["room", "set", "ch", "--name", "Chess club"]).ok();
    assert_eq!(printed, "renamed chess from 'CHESS' to 'Chess club'\n");
    live.after(place.run(&["mod", "add", &user.id, "--room", "ch", "sudoku"]))
        .await;
    let list = place.run(&["mod", "list", "--room", "ch", "--json"]).json();
    assert_eq!(
        list,
        json!([{ "id": user.id, "room": "chess", "admin": false, "visible": true }])
    );
    let printed = live.after(place.run(&["room", "delete", "c", "--yes"])).await;
    assert_eq!(printed, "deleted the room Chess club (chess)\n");
    assert_eq!(place.run(&["room", "list", "-q"]).ok(), "sudoku\nSudoku2\n");
    // What is made is called as it is typed.
    live.after(place.run(&["room", "add", "sudo"])).await;
    assert_eq!(place.run(&["room", "list", "-q"]).ok(), "sudo\nsudoku\nSudoku2\n");
}

async fn a_person_is_named_by_enough_of_their_id(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    let shown = place.run(&["user", "show", &user.id[..20], "--json"]).json();
    assert_eq!(shown["id"], *user.id);
    let cut = format!("{}…", user.id[..20].to_uppercase());
    let printed = live.after(place.run(&["user", "ban", &cut, "--room", "a"])).await;
    assert_eq!(printed, format!("banned {} from A (a) for good\n", user.id));
    let printed = live
        .after(place.run(&["user", "unban", &user.id[..65], "--room", "a"]))
        .await;
    assert_eq!(printed, format!("lifted the ban of {} from A (a)\n", user.id));
    let printed = live
        .after(place.run(&["mod", "add", &user.id[..20], &user.id, "--global"]))
        .await;
    assert_eq!(
        printed,
        format!("made {} a hidden moderator of the whole server\n", user.id)
    );

    let stranger = live.person();
    let complaint = place.run(&["user", "ban", &stranger.account[..20], "--global"]).fails();
    assert!(complaint.contains("the whole id names anybody"), "{complaint}");
    live.after(place.run(&["user", "ban", &stranger.account, "--global"]))
        .await;
    assert_eq!(stranger.get("/rooms").await.status, 403);
    let done = place.run(&["user", "show", "15ab1"]);
    assert_eq!(done.code, 2, "{done:?}");
}

async fn a_beginning_that_several_share_changes_nothing(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    shared::crypto::init().unwrap();
    // Nobody can have an id that is not a point; about one in sixteen is.
    let keys = (0..=u16::MAX).map(|last| format!("{}{last:04x}", "ab1".repeat(20)));
    let keys = keys.filter(|key| Ed25519Public::from_bytes(hex::decode(key).unwrap().try_into().unwrap()).is_ok());
    let ids: Vec<String> = keys.take(7).map(|key| format!("15{key}")).collect();
    for id in &ids {
        live.after(place.run(&["mod", "add", id, "--room", "a"])).await;
    }
    let complaint = place.run(&["mod", "remove", "15ab1ab1", "--room", "a"]).fails();
    for id in &ids[..5] {
        assert!(complaint.contains(id), "{complaint}");
    }
    assert!(
        !complaint.contains(&ids[5]) && complaint.contains("and more"),
        "{complaint}"
    );
    assert_eq!(
        place
            .run(&["mod", "list", "--room", "a", "--quiet"])
            .ok()
            .lines()
            .count(),
        7
    );
}

#[test]
fn links_that_lead_nowhere_are_warned_of_where_they_are_printed() {
    let mut place = Place::new();
    place.run(&["init"]).ok();
    for (address, warning) in [
        ("", "base_url is not set"),
        ("http://localhost:8080", "with a dot"),
        ("https://community.example.org", ""),
    ] {
        place.set("SOGS_BASE_URL", address);
        let _ = place.run(&["room", "delete", "a", "--yes"]);
        for command in [
            "room add a",
            "room list",
            "room show a",
            "room list --json",
            "room show a --json",
        ] {
            let arguments: Vec<&str> = command.split(' ').collect();
            let done = place.run(&arguments);
            assert_eq!(done.code, 0, "{command}: {done:?}");
            assert_eq!(
                done.stderr.lines().count(),
                usize::from(!warning.is_empty()),
                "{command}: {done:?}"
            );
            assert!(done.stderr.contains(warning), "{command}: {done:?}");
        }
        assert_eq!(place.run(&["room", "list", "--quiet"]).stderr, "");
    }
}

#[test]
fn links_have_the_address_as_clients_write_it() {
    let mut place = Place::new();
    place.run(&["init"]).ok();
    place.set("SOGS_BASE_URL", " HTTPS://Bücher.example:443/ ");
    let printed = place.run(&["room", "add", "a"]).ok();
    assert!(
        printed.contains("\nhttps://xn--bcher-kva.example/a?public_key="),
        "{printed}"
    );
    for address in ["https://me@a.example", "https://a.example/rooms"] {
        place.set("SOGS_BASE_URL", address);
        let complaint = place.run(&["room", "list"]).fails();
        assert!(complaint.contains("base_url"), "{complaint}");
    }
}
