//! Bans: who bans whom, from what, for how long.

use crate::in_process::{Server, Stores, json};
use serde_json::{Value, json};
use shared::crypto::UserId;

use crate::{admin_of, counter, global_admin, global_moderator, moderator_of, role_in, room_of, status};

on_both_stores!(
    moderators_ban_ordinary_people_and_admins_moderators_too,
    whoever_has_not_come_yet_is_safe_by_each_of_their_ids,
    a_moderator_who_is_banned_loses_the_role_and_clients_are_told,
    nobody_bans_themselves_or_whoever_moderates_the_server,
    a_global_ban_shuts_out_until_it_is_lifted,
    a_ban_ends_with_its_timeout,
    a_new_ban_replaces_what_was_scheduled,
    lifting_a_room_ban_leaves_the_schedule_and_a_global_one_does_not,
    a_ban_ends_the_activity_in_the_room,
    lifting_what_is_not_there_changes_nothing,
    a_refusal_leaves_no_trace_of_the_person_named,
    ids_are_read_in_either_case_and_nothing_else_is_an_id,
    changes_at_the_same_time_all_take_effect,
);

async fn moderators_ban_ordinary_people_and_admins_moderators_too(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let ordinary = server.user().await;
    for (actor, of_person, of_moderator, of_admin, everywhere) in [
        (server.user().await, 403, 403, 403, 403),
        (moderator_of(&server, room).await, 200, 403, 403, 403),
        (global_moderator(&server).await, 200, 403, 403, 200),
        (admin_of(&server, room).await, 200, 200, 200, 403),
        (global_admin(&server).await, 200, 200, 200, 200),
    ] {
        let here = || json!({ "rooms": ["lobby"] });
        assert_eq!(status(&actor, &ordinary, "ban", here()).await, of_person);
        assert_eq!(status(&actor, &ordinary, "unban", here()).await, of_person);
        let moderator = moderator_of(&server, room).await;
        assert_eq!(status(&actor, &moderator, "ban", here()).await, of_moderator);
        let admin = admin_of(&server, room).await;
        assert_eq!(status(&actor, &admin, "ban", here()).await, of_admin);
        assert_eq!(
            status(&actor, &ordinary, "ban", json!({ "global": true })).await,
            everywhere
        );
        assert_eq!(
            status(&actor, &ordinary, "unban", json!({ "global": true })).await,
            everywhere
        );
    }
}

async fn whoever_has_not_come_yet_is_safe_by_each_of_their_ids(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, boss) = (moderator_of(&server, room).await, global_admin(&server).await);
    let waiting = server.person();
    let session = waiting.account.session_id();
    let appointed = boss
        .post(
            &format!("/user/{session}/moderator"),
            &json!({ "rooms": ["lobby"], "admin": true }),
        )
        .await;
    assert_eq!(appointed.status, 200);
    let here = json!({ "rooms": ["lobby"] });
    let by_session = moderator.post(&format!("/user/{session}/ban"), &here).await;
    assert_eq!(by_session.status, 403);
    assert_eq!(status(&moderator, &waiting, "ban", here.clone()).await, 403);
    assert_eq!(role_in(&waiting, "lobby").await, (true, true));
    // What is no reason against it is taken over with the ban.
    let ordinary = server.person();
    let session = ordinary.account.session_id();
    let silenced = boss
        .post(
            &format!("/room/lobby/permissions/{session}"),
            &json!({ "upload": false }),
        )
        .await;
    assert_eq!(silenced.status, 200);
    assert_eq!(status(&moderator, &ordinary, "ban", here).await, 200);
    assert_eq!(ordinary.say("lobby", "x").await.status, 403);
}

async fn a_moderator_who_is_banned_loses_the_role_and_clients_are_told(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (admin, moderator) = (admin_of(&server, room).await, moderator_of(&server, room).await);
    assert_eq!(
        status(&admin, &moderator, "ban", json!({ "rooms": ["lobby"] })).await,
        200
    );
    assert_eq!(moderator.get("/room/lobby/pollInfo/0").await.status, 403);
    assert_eq!(room_of(&admin, "lobby").await["moderators"], json!([]));
    let own = json(&admin.get(&format!("/room/lobby/permissions/{}", moderator.id)).await);
    assert_eq!(own, json!({ "banned": true }));
    assert_eq!(
        status(&admin, &moderator, "unban", json!({ "rooms": ["lobby"] })).await,
        200
    );
    assert_eq!(role_in(&moderator, "lobby").await, (false, false));
}

async fn nobody_bans_themselves_or_whoever_moderates_the_server(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let root = global_admin(&server).await;
    let admin = admin_of(&server, room).await;
    let moderator = global_moderator(&server).await;
    let (here, everywhere) = (json!({ "rooms": ["lobby"] }), json!({ "global": true }));
    for (actor, target) in [
        (&admin, &admin),
        (&root, &root),
        (&moderator, &moderator),
        (&admin, &moderator),
        (&root, &moderator),
        (&moderator, &root),
    ] {
        assert_eq!(status(actor, target, "ban", here.clone()).await, 403);
    }
    for (actor, target) in [(&root, &root), (&root, &moderator), (&moderator, &root)] {
        assert_eq!(status(actor, target, "ban", everywhere.clone()).await, 403);
    }
    // Neither by the id of the account.
    let account = admin.account.session_id();
    assert_eq!(admin.post(&format!("/user/{account}/ban"), &here).await.status, 403);
    // A role in a room does not protect from a global ban.
    assert_eq!(status(&moderator, &admin, "ban", everywhere).await, 200);
    assert_eq!(admin.get("/rooms").await.status, 403);
}

async fn a_global_ban_shuts_out_until_it_is_lifted(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let (root, person) = (global_admin(&server).await, server.user().await);
    assert_eq!(status(&root, &person, "ban", json!({ "global": true })).await, 200);
    for path in ["/capabilities", "/rooms", "/room/lobby/pollInfo/0"] {
        let answer = person.get(path).await;
        assert_eq!((answer.status, &answer.body[..]), (403, &b"Banned"[..]), "{path}");
        assert_eq!(server.get(path).await.status, 200);
    }
    // The two kinds of bans know nothing of each other.
    assert_eq!(
        status(&root, &person, "unban", json!({ "rooms": ["lobby"] })).await,
        200
    );
    assert_eq!(person.get("/rooms").await.status, 403);
    assert_eq!(status(&root, &person, "unban", json!({ "global": true })).await, 200);
    assert_eq!(person.get("/room/lobby/pollInfo/0").await.status, 200);
}

async fn a_ban_ends_with_its_timeout(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    let (root, person) = (global_admin(&server).await, server.user().await);
    let moderator = moderator_of(&server, room).await;
    for timeout in [json!("60"), json!(true), json!([]), json!({})] {
        let body = json!({ "rooms": ["lobby"], "timeout": timeout });
        assert_eq!(status(&moderator, &person, "ban", body.clone()).await, 400, "{body}");
    }
    assert_eq!(person.get("/room/lobby/pollInfo/0").await.status, 200);
    for (actor, body, path) in [
        (
            &moderator,
            json!({ "rooms": ["lobby"], "timeout": 60 }),
            "/room/lobby/pollInfo/0",
        ),
        (&root, json!({ "global": true, "timeout": 60 }), "/rooms"),
    ] {
        assert_eq!(status(actor, &person, "ban", body).await, 200);
        server.pass(59);
        assert_eq!(server.app().apply_due().await.unwrap(), 0);
        assert_eq!(person.get(path).await.status, 403);
        server.pass(1);
        assert_eq!(server.app().apply_due().await.unwrap(), 1);
        assert_eq!(person.get(path).await.status, 200);
    }
    for (timeout, due) in [
        (json!(0), 0),
        (Value::Null, 0),
        (json!(-5), 1),
        (json!(-1e300), 1),
        (json!(1e300), 0),
    ] {
        let body = json!({ "rooms": ["lobby"], "timeout": timeout });
        assert_eq!(status(&moderator, &person, "ban", body.clone()).await, 200, "{body}");
        assert_eq!(person.get("/room/lobby/pollInfo/0").await.status, 403);
        assert_eq!(server.app().apply_due().await.unwrap(), due, "{body}");
        let expected = if due == 1 { 200 } else { 403 };
        assert_eq!(person.get("/room/lobby/pollInfo/0").await.status, expected, "{body}");
    }
}

async fn a_new_ban_replaces_what_was_scheduled(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    server.room("other").await;
    let (root, person) = (global_admin(&server).await, server.user().await);
    let here = |timeout: Value| json!({ "rooms": ["lobby"], "timeout": timeout });
    for body in [
        json!({ "rooms": ["other"], "timeout": 60 }),
        here(json!(60)),
        here(json!(120)),
        json!({ "global": true, "timeout": 60 }),
        json!({ "global": true }),
    ] {
        assert_eq!(status(&root, &person, "ban", body).await, 200);
    }
    let planned = json(&root.get(&format!("/room/lobby/futurePermissions/{}", person.id)).await);
    assert_eq!(planned, json!([{ "at": server.now() + 120.0, "banned": false }]));
    let other = json(&root.get("/room/other/futurePermissions").await);
    assert_eq!(
        other,
        json!([{ "session_id": person.id, "at": server.now() + 60.0, "banned": false }])
    );
    server.pass(100);
    assert_eq!(
        server.app().apply_due().await.unwrap(),
        1,
        "only that of the other room"
    );
    assert_eq!(person.get("/rooms").await.status, 403);
}

async fn lifting_a_room_ban_leaves_the_schedule_and_a_global_one_does_not(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    let (root, person) = (global_admin(&server).await, server.user().await);
    for (place, due) in [(json!({ "rooms": ["lobby"] }), 1), (json!({ "global": true }), 0)] {
        let mut body = place.clone();
        body["timeout"] = json!(60);
        assert_eq!(status(&root, &person, "ban", body).await, 200);
        assert_eq!(status(&root, &person, "unban", place.clone()).await, 200);
        server.pass(60);
        assert_eq!(server.app().apply_due().await.unwrap(), due, "{place}");
        assert_eq!(person.get("/room/lobby/pollInfo/0").await.status, 200);
    }
}

async fn a_ban_ends_the_activity_in_the_room(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    let id: UserId = person.id.parse().unwrap();
    let no = server.app().store.find_user(&id).await.unwrap().unwrap().no;
    let database = server.app().store.database();
    let mut tx = database.write().await.unwrap();
    let row = "INSERT INTO room_activity (room, person, last_active) VALUES ($1, $2, 1)";
    shared::run!(tx, execute, query, row, room.0, no.0).unwrap();
    tx.commit().await.unwrap();
    assert_eq!(person.get("/room/lobby/pollInfo/0").await.status, 200);
    assert_eq!(moderator.get("/room/lobby/pollInfo/0").await.status, 200);

    assert_eq!(
        status(&moderator, &person, "ban", json!({ "rooms": ["lobby"] })).await,
        200
    );
    let seen = server.app().activity.take();
    assert!(!seen.rooms.contains_key(&(room, no)));
    assert_eq!(seen.rooms.len(), 1, "others are still counted");
    let mut tx = database.read().await.unwrap();
    let count = "SELECT COUNT(*) FROM room_activity";
    assert_eq!(shared::run!(tx, fetch_one, query_scalar::<_, i64>, count).unwrap(), 0);
}

async fn lifting_what_is_not_there_changes_nothing(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (root, moderator) = (global_admin(&server).await, moderator_of(&server, room).await);
    for place in [json!({ "rooms": ["lobby"] }), json!({ "global": true })] {
        let stranger = server.person();
        for target in [&stranger, &moderator] {
            let answer = root.post(&format!("/user/{}/unban", target.id), &place).await;
            assert_eq!(json(&answer), json!({}));
        }
        let id: UserId = stranger.id.parse().unwrap();
        assert!(server.app().store.find_user(&id).await.unwrap().is_none());
    }
    assert_eq!(role_in(&moderator, "lobby").await, (true, false));
}

async fn a_refusal_leaves_no_trace_of_the_person_named(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (person, moderator) = (server.user().await, moderator_of(&server, room).await);
    let stranger = server.person();
    for actor in [&person, &moderator] {
        let body = json!({ "rooms": ["lobby"], "moderator": true });
        assert_eq!(status(actor, &stranger, "moderator", body).await, 403);
    }
    assert_eq!(
        status(&person, &stranger, "ban", json!({ "rooms": ["lobby"] })).await,
        403
    );
    let body = json!({ "rooms": ["lobby"], "timeout": "x" });
    assert_eq!(status(&moderator, &stranger, "ban", body).await, 400);
    let id: UserId = stranger.id.parse().unwrap();
    assert!(server.app().store.find_user(&id).await.unwrap().is_none());
}

async fn ids_are_read_in_either_case_and_nothing_else_is_an_id(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let (root, person) = (global_admin(&server).await, server.user().await);
    let body = json!({ "rooms": ["lobby"], "moderator": true });
    let upper = person.id.to_uppercase();
    assert_eq!(root.post(&format!("/user/{upper}/moderator"), &body).await.status, 200);
    assert_eq!(role_in(&person, "lobby").await, (true, false));
    let system = format!("ff{}", server.app().key.public());
    for bad in [
        "zz",
        &person.id[..65],
        &format!("{}0", person.id),
        &format!("25{}", &upper[2..]),
        &system,
    ] {
        for what in ["moderator", "ban", "unban"] {
            assert_eq!(
                root.post(&format!("/user/{bad}/{what}"), &body).await.status,
                404,
                "{bad}"
            );
        }
    }
}

async fn changes_at_the_same_time_all_take_effect(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    for room in ["one", "two", "three"] {
        server.room(room).await;
    }
    let root = global_admin(&server).await;
    let before = counter(&room_of(&root, "two").await);
    for _ in 0..5 {
        let (person, other, third) = (server.user().await, server.user().await, server.person());
        let account = third.account.session_id();
        let post = async |path: String, body: Value| {
            let answer = root.post(&path, &body).await;
            assert_eq!(answer.status, 200, "{path} {body}: {:?}", answer.body);
        };
        let renamed = json!({ "name": other.id });
        let permissions = |room: &str| format!("/room/{room}/permissions/{}", person.id);
        tokio::join!(
            post(permissions("two"), json!({ "write": false })),
            post(permissions("two"), json!({ "upload": false })),
            post(permissions("two"), json!({ "read": true })),
            post(
                format!("/user/{}/moderator", person.id),
                json!({ "rooms": ["three", "two", "one"], "moderator": true }),
            ),
            post(
                format!("/user/{}/moderator", other.id),
                json!({ "global": true, "moderator": true })
            ),
            post(
                format!("/user/{account}/moderator"),
                json!({ "rooms": ["two", "three"], "admin": true })
            ),
            third.get("/rooms"),
            root.put("/room/three", &renamed),
        );
        let own = json(&root.get(&permissions("two")).await);
        assert_eq!(
            own,
            json!({ "write": false, "upload": false, "read": true, "moderator": true })
        );
        assert_eq!(role_in(&other, "one").await, (true, false));
        assert_eq!(role_in(&third, "two").await, (true, true));
    }
    let told = counter(&room_of(&root, "two").await) - before;
    // Whether somebody showed up before or after they were named makes a difference of one.
    assert!((15..=20).contains(&told), "{told}");
}
