//! Moderators and admins from the command line, beside a running server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use serde_json::{Value, json};
use support::{Live, Person, Place, Stores};

in_every_place!(
    roles_are_seen_in_rooms_and_hidden_on_the_whole_server,
    an_account_is_known_by_its_blinded_id_in_either_case,
    whoever_has_not_been_there_gets_the_role_when_they_come,
    an_admin_stays_one_and_what_is_so_already_is_said,
    all_of_a_change_is_made_or_nothing,
    all_rooms_are_those_that_there_are,
    roles_are_taken_away_where_they_were_given,
    the_list_tells_who_moderates_what,
);

async fn with_rooms(place: &Place, tokens: &[&str]) -> Live {
    let live = place.live().await;
    for token in tokens {
        live.after(place.run(&["room", "add", token, "--name", &token.to_uppercase()]))
            .await;
    }
    live
}

/// What somebody is told that they are in a room.
async fn roles(person: &Person, room: &str) -> [bool; 4] {
    let room = person.json(&format!("/room/{room}")).await;
    ["moderator", "admin", "global_moderator", "global_admin"].map(|flag| room[flag].as_bool().unwrap())
}

async fn roles_are_seen_in_rooms_and_hidden_on_the_whole_server(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let (boss, local, anybody) = (live.user().await, live.user().await, live.user().await);
    let add = ["mod", "add", &boss.id, "--global", "--admin"];
    assert_eq!(
        live.after(place.run(&add)).await,
        format!("made {} a hidden admin of the whole server\n", boss.id)
    );
    let add = ["mod", "add", &local.id, "--room", "a"];
    assert_eq!(
        live.after(place.run(&add)).await,
        format!("made {} a visible moderator of A (a)\n", local.id)
    );
    let seen = anybody.json("/room/a").await;
    assert_eq!(seen["moderators"], json!([local.id]));
    assert_eq!(seen["hidden_admins"], json!([]));
    assert_eq!(local.json("/room/a").await["hidden_admins"], json!([boss.id]));
    assert_eq!(roles(&boss, "a").await, [true, true, true, true]);
    assert_eq!(roles(&local, "a").await, [true, false, false, false]);

    let add = ["mod", "add", &local.id, "--room", "a", "--hidden"];
    live.after(place.run(&add)).await;
    assert_eq!(anybody.json("/room/a").await["moderators"], json!([]));
    let add = ["mod", "add", &boss.id, "--global", "--visible"];
    live.after(place.run(&add)).await;
    assert_eq!(anybody.json("/room/a").await["admins"], json!([boss.id]));
}

async fn an_account_is_known_by_its_blinded_id_in_either_case(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let (one, two) = (live.user().await, live.user().await);
    let printed = live
        .after(place.run(&[
            "mod",
            "add",
            &one.account.to_uppercase(),
            &two.id.to_uppercase(),
            "--room",
            "A",
        ]))
        .await;
    assert_eq!(
        printed,
        format!(
            "made {} ({}) a visible moderator of A (a)\nmade {} a visible moderator of A (a)\n",
            one.id, one.account, two.id
        )
    );
    assert_eq!(roles(&one, "a").await, [true, false, false, false]);
    assert_eq!(roles(&two, "a").await, [true, false, false, false]);
}

async fn whoever_has_not_been_there_gets_the_role_when_they_come(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let newcomer = live.person();
    let printed = live
        .after(place.run(&["mod", "add", &newcomer.account, "--global", "--admin"]))
        .await;
    assert_eq!(
        printed,
        format!("made {} a hidden admin of the whole server\n", newcomer.account)
    );
    assert_eq!(roles(&newcomer, "a").await, [true, true, true, true]);
}

async fn an_admin_stays_one_and_what_is_so_already_is_said(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    live.after(place.run(&["mod", "add", &user.id, "--room", "a", "--admin"]))
        .await;
    let printed = place.run(&["mod", "add", &user.id, "--room", "a"]).ok();
    assert_eq!(printed, format!("{} is a visible admin of A (a) already\n", user.id));
    assert_eq!(roles(&user, "a").await, [true, true, false, false]);
}

async fn all_of_a_change_is_made_or_nothing(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (user, banned) = (live.user().await, live.user().await);
    live.after(place.run(&["user", "ban", &banned.id, "--room", "b"])).await;
    let done = place.run(&["mod", "add", &user.id, "--room", "a", "none"]);
    assert_eq!(done.stdout, "");
    assert!(done.fails().contains("there is no room none"));
    let done = place.run(&["mod", "add", &user.id, &banned.id, "--room", "a", "b"]);
    assert_eq!(done.stdout, "");
    let complaint = done.fails();
    assert!(
        complaint.contains(&format!("{} is banned from B (b)", banned.id)),
        "{complaint}"
    );
    let mends = format!("sogs user unban {} --room b", banned.id);
    assert!(complaint.contains(&mends), "{complaint}");
    assert_eq!(place.run(&["mod", "list", "--json"]).json(), json!([]));
    let mends: Vec<&str> = mends.split(' ').skip(1).collect();
    place.run(&mends).ok();
    let printed = place
        .run(&["mod", "add", &user.id, &banned.id, "--room", "a", "b"])
        .ok();
    assert_eq!(printed.lines().count(), 4, "{printed}");
}

async fn all_rooms_are_those_that_there_are(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &[]).await;
    let user = live.user().await;
    let complaint = place.run(&["mod", "add", &user.id, "--all-rooms"]).fails();
    assert!(complaint.contains("there are no rooms"), "{complaint}");
    for token in ["a", "b"] {
        live.after(place.run(&["room", "add", token])).await;
    }
    live.after(place.run(&["mod", "add", &user.id, "--all-rooms"])).await;
    live.after(place.run(&["room", "add", "later"])).await;
    for (room, moderates) in [("a", true), ("b", true), ("later", false)] {
        assert_eq!(roles(&user, room).await, [moderates, false, false, false], "{room}");
    }
}

async fn roles_are_taken_away_where_they_were_given(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let user = live.user().await;
    live.after(place.run(&["mod", "add", &user.id, "--all-rooms"])).await;
    live.after(place.run(&["mod", "add", &user.id, "--global"])).await;
    let printed = live
        .after(place.run(&["mod", "remove", &user.account, "--room", "a"]))
        .await;
    let both = format!("{} ({})", user.id, user.account);
    assert_eq!(printed, format!("removed {both} as visible moderator of A (a)\n"));
    assert_eq!(roles(&user, "a").await, [true, false, true, false]);
    let printed = live.after(place.run(&["mod", "remove", &user.id, "--global"])).await;
    assert_eq!(
        printed,
        format!("removed {} as hidden moderator of the whole server\n", user.id)
    );
    assert_eq!(roles(&user, "a").await, [false; 4]);
    assert_eq!(roles(&user, "b").await, [true, false, false, false]);
    let printed = place.run(&["mod", "remove", &user.id, "--room", "a"]).ok();
    assert_eq!(printed, format!("{} has no role in A (a)\n", user.id));
    let stranger = live.person().account;
    let printed = place.run(&["mod", "remove", &stranger, "--global"]).ok();
    assert_eq!(printed, format!("{stranger} has no role in the whole server\n"));
}

async fn the_list_tells_who_moderates_what(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["b", "a"]).await;
    let (boss, local) = (live.user().await, live.user().await);
    assert!(
        place
            .run(&["mod", "list"])
            .ok()
            .contains("sogs mod add ID --global --admin")
    );
    live.after(place.run(&["mod", "add", &boss.id, "--global", "--admin"]))
        .await;
    live.after(place.run(&["mod", "add", &local.id, "--all-rooms", "--hidden"]))
        .await;
    let row = |person: &Person, room: Value, admin: bool| json!({ "id": person.id, "room": room, "admin": admin, "visible": false });
    let global = row(&boss, Value::Null, true);
    let [a, b] = ["a", "b"].map(|room| row(&local, json!(room), false));
    for (scope, expected) in [
        (&[][..], json!([global, a, b])),
        (&["--global"], json!([global])),
        (&["--all-rooms"], json!([a, b])),
        (&["--room", "B"], json!([b])),
    ] {
        let mut arguments = vec!["mod", "list", "--json"];
        arguments.extend(scope);
        assert_eq!(place.run(&arguments).json(), expected, "{scope:?}");
    }
    assert!(
        place
            .run(&["mod", "list", "--room", "c"])
            .fails()
            .contains("there is no room c")
    );
    let text = place.run(&["mod", "list"]).ok();
    let line = text.lines().find(|line| line.contains(&boss.id)).unwrap();
    assert!(
        line.contains("(whole server)") && line.contains("hidden admin"),
        "{line}"
    );
}
