//! Rooms: what people see of them, and who may change them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Server, Stores, json};
use serde_json::json;
use sogs::model::{Defaults, Override};

on_both_stores!(
    a_new_room_is_there_for_everybody,
    a_hidden_room_is_like_no_room,
    somebody_banned_does_not_find_the_room_and_is_told_403_inside,
    changes_of_details_are_counted_one_by_one,
    an_account_named_before_it_shows_up_gets_its_role_at_the_first_request,
);

async fn a_new_room_is_there_for_everybody(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("Sudoku").await;
    let person = server.user().await;
    for answer in [server.get("/room/sudoku").await, person.get("/room/SUDOKU").await] {
        let room = json(&answer);
        assert_eq!(room["token"], "Sudoku");
        assert_eq!(room["info_updates"], 1);
        assert_eq!(room["description"], "");
        assert_eq!(room["read"], true);
        assert_eq!(room["moderator"], false);
        assert_eq!(room["hidden_admins"], json!([]));
        assert!(room.get("default_read").is_none());
    }
    assert_eq!(json(&server.get("/rooms").await).as_array().unwrap().len(), 1);
    let poll = json(&person.get("/room/sudoku/pollInfo/0").await);
    assert_eq!(poll["details"]["name"], "The room Sudoku");
    assert!(
        json(&person.get("/room/sudoku/pollInfo/1").await)
            .get("details")
            .is_none()
    );
}

async fn a_hidden_room_is_like_no_room(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let hidden = Defaults {
        read: false,
        accessible: false,
        ..Defaults::default()
    };
    let room = server.room_with("secret", hidden).await;
    let (person, guest) = (server.user().await, server.user().await);
    let unknown = person.get("/room/nowhere").await;
    let answer = person.get("/room/secret").await;
    assert_eq!((answer.status, &answer.body), (404, &unknown.body));
    assert_eq!(person.get("/room/secret/pollInfo/0").await.status, 404);
    server
        .differ(
            room,
            &guest.id,
            Override {
                read: Some(true),
                ..Override::default()
            },
        )
        .await;
    assert_eq!(json(&guest.get("/rooms").await)[0]["token"], "secret");
    assert_eq!(json(&person.get("/rooms").await), json!([]));
}

async fn somebody_banned_does_not_find_the_room_and_is_told_403_inside(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let person = server.user().await;
    let ban = Override {
        banned: true,
        ..Override::default()
    };
    server.differ(room, &person.id, ban).await;
    assert_eq!(json(&person.get("/rooms").await), json!([]));
    assert_eq!(person.get("/room/lobby").await.status, 404);
    assert_eq!(person.get("/room/lobby/pollInfo/0").await.status, 403);
}

async fn changes_of_details_are_counted_one_by_one(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (admin, moderator) = (server.user().await, server.user().await);
    server.appoint(room, &admin, true).await;
    server.appoint(room, &moderator, false).await;
    let before = json(&admin.get("/room/lobby").await)["info_updates"].as_i64().unwrap();
    let change = json!({ "name": "New", "description": "Some\u{1}thing" });
    assert_eq!(moderator.put("/room/lobby", &change).await.status, 403);
    let answer = admin.put("/room/lobby", &change).await;
    assert_eq!(json(&answer)["info_updates"], before + 2);
    let again = admin.put("/room/lobby", &change).await;
    assert_eq!(json(&again)["info_updates"], before + 2);
    let defaults = admin.put("/room/lobby", &json!({ "default_write": false })).await;
    assert_eq!(json(&defaults)["info_updates"], before + 2);
    let room = json(&server.get("/room/lobby").await);
    assert_eq!(
        (&room["description"], &room["write"]),
        (&json!("Something"), &json!(false))
    );
    assert_eq!(admin.put("/room/lobby", &json!({})).await.status, 400);
    assert_eq!(admin.put("/room/lobby", &json!({ "image": 7 })).await.status, 406);
}

async fn an_account_named_before_it_shows_up_gets_its_role_at_the_first_request(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let person = server.person();
    let role = Override {
        moderator: true,
        ..Override::default()
    };
    let account = person.account.session_id().to_string();
    server.differ(room, &account, role).await;
    assert_eq!(json(&server.get("/room/lobby").await)["moderators"], json!([account]));
    assert_eq!(json(&person.get("/room/lobby").await)["moderator"], true);
    assert_eq!(json(&server.get("/room/lobby").await)["moderators"], json!([person.id]));
}
