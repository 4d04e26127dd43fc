//! What is kept for people who have not come yet.

use serde_json::{Value, json};
use sogs::store::Write;

use crate::in_process::{Server, Stores, json};
use crate::{act, newcomer, root};
on_both_stores!(
    a_role_in_a_room_waits_for_its_person,
    a_global_role_waits_for_its_person,
    a_ban_from_a_room_waits_for_its_person,
    a_global_ban_refuses_the_very_first_request,
    permissions_and_scheduled_changes_wait_for_their_person,
    a_ban_does_not_miss_a_first_visit_at_the_same_time,
);

async fn a_role_in_a_room_waits_for_its_person(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let root = root(&server).await;
    for negative in [false, true] {
        let (person, session) = newcomer(&server, negative);
        act(
            &root,
            &session,
            "moderator",
            json!({ "rooms": ["lobby"], "admin": true, "visible": false }),
        )
        .await;
        let before = json(&root.get("/room/lobby").await);
        assert!(
            before["hidden_admins"]
                .as_array()
                .unwrap()
                .contains(&json!(session.to_string()))
        );
        let seen = json(&person.get("/room/lobby").await);
        assert_eq!(seen["admin"], true);
        let after = json(&root.get("/room/lobby").await);
        let admins = after["hidden_admins"].as_array().unwrap();
        assert!(admins.contains(&json!(person.id)));
        assert!(!admins.contains(&json!(session.to_string())));
        // Clients must fetch the list again to see the new id.
        let counter = |room: &Value| room["info_updates"].as_i64().unwrap();
        assert_eq!(counter(&after), counter(&before) + 1);
    }
}

async fn a_global_role_waits_for_its_person(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("one").await;
    server.room("two").await;
    let root = root(&server).await;
    for negative in [false, true] {
        let (person, session) = newcomer(&server, negative);
        act(
            &root,
            &session,
            "moderator",
            json!({ "global": true, "moderator": true, "visible": true }),
        )
        .await;
        let before = json(&root.get("/rooms").await);
        let rooms = json(&person.get("/rooms").await);
        for (room, before) in rooms.as_array().unwrap().iter().zip(before.as_array().unwrap()) {
            assert_eq!(room["global_moderator"], true);
            assert!(room["moderators"].as_array().unwrap().contains(&json!(person.id)));
            assert_eq!(room["info_updates"], before["info_updates"].as_i64().unwrap() + 1);
        }
    }
}

async fn a_ban_from_a_room_waits_for_its_person(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let root = root(&server).await;
    for negative in [false, true] {
        let (person, session) = newcomer(&server, negative);
        act(&root, &session, "ban", json!({ "rooms": ["lobby"], "timeout": 60 })).await;
        assert_eq!(person.get("/room/lobby/pollInfo/0").await.status, 403);
        server.pass(60);
        server.app().apply_due().await.unwrap();
        assert_eq!(
            person.get("/room/lobby/pollInfo/0").await.status,
            200,
            "the timeout came along"
        );
    }
}

async fn a_global_ban_refuses_the_very_first_request(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let root = root(&server).await;
    for negative in [false, true] {
        let (person, session) = newcomer(&server, negative);
        act(&root, &session, "ban", json!({ "global": true })).await;
        let answer = person.get("/capabilities").await;
        assert_eq!((answer.status, &answer.body[..]), (403, &b"Banned"[..]));
        act(&root, &session, "unban", json!({ "global": true })).await;
        assert_eq!(person.get("/capabilities").await.status, 200);
    }
}

async fn permissions_and_scheduled_changes_wait_for_their_person(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    let root = root(&server).await;
    for negative in [false, true] {
        let (person, session) = newcomer(&server, negative);
        let path = format!("/room/lobby/permissions/{session}");
        assert_eq!(root.post(&path, &json!({ "write": false })).await.status, 200);
        assert_eq!(json(&person.get("/room/lobby").await)["write"], false);

        // Something scheduled alone must be noted too.
        let (person, session) = newcomer(&server, negative);
        let path = format!("/room/lobby/futurePermissions/{session}");
        assert_eq!(root.post(&path, &json!({ "write": false, "in": 60 })).await.status, 200);
        assert_eq!(json(&person.get("/room/lobby").await)["write"], true);
        let planned = json(&root.get("/room/lobby/futurePermissions").await);
        assert_eq!(planned[0]["session_id"], json!(person.id));
        server.pass(60);
        assert_eq!(server.app().apply_due().await.unwrap(), 1);
        assert_eq!(json(&person.get("/room/lobby").await)["write"], false);

        let (person, session) = newcomer(&server, negative);
        let at = server.clock.now();
        server
            .change(async |write: &mut Write| {
                write.schedule_ban(None, &session, at, true).await.unwrap();
            })
            .await;
        assert_eq!(person.get("/rooms").await.status, 200);
        assert_eq!(server.app().apply_due().await.unwrap(), 1);
        assert_eq!(person.get("/rooms").await.status, 403);
    }
}

async fn a_ban_does_not_miss_a_first_visit_at_the_same_time(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let root = root(&server).await;
    for round in 0..20 {
        let (person, session) = newcomer(&server, round % 2 == 0);
        let body = json!({ "global": true });
        tokio::join!(act(&root, &session, "ban", body), person.get("/rooms"));
        assert_eq!(person.get("/rooms").await.status, 403, "round {round}");
    }
}
