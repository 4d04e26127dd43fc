//! Who becomes a moderator or an admin, by whom, and how that is told.

use crate::in_process::{Server, Stores, json, with_json};
use serde_json::{Value, json};
use sogs::model::RoleChange;

use crate::{admin_of, counter, global_admin, global_moderator, make, moderator_of, role_in, room_of, status};

on_both_stores!(
    each_combination_of_moderator_and_admin_does_what_the_table_says,
    a_role_is_seen_in_rooms_and_hidden_on_the_server_unless_told_otherwise,
    who_names_no_place_or_two_is_told_so,
    rooms_without_the_role_refuse_all_of_it,
    a_star_is_every_room_with_the_role,
    the_answer_tells_the_counter_of_every_room_concerned,
    only_real_changes_of_roles_are_counted,
    global_roles_are_counted_in_all_rooms,
    somebody_banned_gets_no_role,
    roles_are_given_by_admins_only,
);

async fn each_combination_of_moderator_and_admin_does_what_the_table_says(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let admin = admin_of(&server, room).await;
    let (none, moderator, admin_too) = ((false, false), (true, false), (true, true));
    let (yes, no, null) = (json!(true), json!(false), Value::Null);
    // moderator, admin, and what becomes of nobody, of a moderator and of an admin.
    let table = [
        (&yes, &null, [moderator, moderator, admin_too]),
        (&null, &yes, [admin_too, admin_too, admin_too]),
        (&yes, &yes, [admin_too, admin_too, admin_too]),
        (&no, &null, [none, none, none]),
        (&no, &no, [none, none, none]),
        (&yes, &no, [moderator, moderator, moderator]),
        (&null, &no, [none, moderator, moderator]),
    ];
    for (wants_moderator, wants_admin, outcomes) in table {
        for (before, expected) in [none, moderator, admin_too].into_iter().zip(outcomes) {
            let person = server.user().await;
            if before.0 {
                server.appoint(room, &person, before.1).await;
            }
            let body =
                json!({ "rooms": ["lobby"], "global": false, "moderator": wants_moderator, "admin": wants_admin });
            assert_eq!(status(&admin, &person, "moderator", body.clone()).await, 200, "{body}");
            assert_eq!(role_in(&person, "lobby").await, expected, "{before:?} and {body}");
        }
    }
    let person = server.user().await;
    for body in [
        json!({ "rooms": ["lobby"], "moderator": false, "admin": true }),
        json!({ "rooms": ["lobby"], "moderator": null, "admin": null }),
        json!({ "rooms": ["lobby"], "visible": true }),
    ] {
        assert_eq!(status(&admin, &person, "moderator", body.clone()).await, 400, "{body}");
    }
    // Anything counts as true or false.
    let body = json!({ "rooms": ["lobby"], "moderator": 1, "admin": "" });
    assert_eq!(status(&admin, &person, "moderator", body).await, 200);
    assert_eq!(role_in(&person, "lobby").await, moderator);
}

async fn a_role_is_seen_in_rooms_and_hidden_on_the_server_unless_told_otherwise(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let root = global_admin(&server).await;
    let person = server.user().await;
    let listed = async || {
        let room = json(&server.get("/room/lobby").await);
        let lists = [&room["moderators"], &room["admins"]];
        lists
            .iter()
            .any(|list| list.as_array().unwrap().contains(&json!(person.id)))
    };
    let give = async |body: Value| assert_eq!(status(&root, &person, "moderator", body).await, 200);
    give(json!({ "rooms": ["lobby"], "moderator": true })).await;
    assert!(listed().await);
    give(json!({ "rooms": ["lobby"], "moderator": true, "visible": false })).await;
    assert!(!listed().await);
    let hidden = room_of(&root, "lobby").await["hidden_moderators"].clone();
    assert!(hidden.as_array().unwrap().contains(&json!(person.id)), "{hidden}");
    // Every time a role is given it says anew who sees it; taking the higher one away does not.
    give(json!({ "rooms": ["lobby"], "admin": true })).await;
    assert!(listed().await);
    give(json!({ "rooms": ["lobby"], "admin": true, "visible": false })).await;
    give(json!({ "rooms": ["lobby"], "admin": false })).await;
    assert!(!listed().await);
    give(json!({ "rooms": ["lobby"], "moderator": false })).await;

    give(json!({ "global": true, "moderator": true })).await;
    assert!(!listed().await);
    give(json!({ "global": true, "moderator": true, "visible": true })).await;
    assert!(listed().await);
    give(json!({ "global": true, "moderator": true })).await;
    assert!(!listed().await);
    give(json!({ "global": true, "moderator": false })).await;
    assert_eq!(role_in(&person, "lobby").await, (false, false));
}

async fn who_names_no_place_or_two_is_told_so(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let (root, person) = (global_admin(&server).await, server.user().await);
    for what in ["moderator", "ban", "unban"] {
        for (mut body, expected) in [
            (json!({}), 400),
            (json!({ "rooms": [], "global": false }), 400),
            (json!({ "rooms": null, "global": 0 }), 400),
            (json!({ "rooms": "lobby" }), 400),
            (json!({ "rooms": 5 }), 400),
            (json!({ "rooms": { "lobby": 1 } }), 400),
            (json!({ "rooms": ["lobby"], "global": true }), 400),
            (json!({ "rooms": ["*", "lobby"] }), 400),
            (json!({ "rooms": ["*", "*"] }), 400),
            (json!({ "rooms": [7] }), 404),
            (json!({ "rooms": ["lobby", null] }), 404),
            (json!({ "rooms": ["nowhere"] }), 403),
            (json!({ "rooms": ["lobby", "nowhere"] }), 403),
            (json!({ "rooms": ["lobby", "lobby"] }), 403),
            (json!({ "rooms": ["lobby", "LOBBY"] }), 403),
            (json!({ "rooms": ["LOBBY"] }), 200),
            (json!({ "rooms": ["lobby"], "global": false }), 200),
            (json!({ "rooms": 0, "global": 1 }), 200),
        ] {
            body["moderator"] = json!(false);
            assert_eq!(
                status(&root, &person, what, body.clone()).await,
                expected,
                "{what} {body}"
            );
            make(&server, &person, RoleChange::Nothing).await;
            if what == "ban" && expected == 200 {
                for scope in [json!({ "rooms": ["lobby"] }), json!({ "global": true })] {
                    assert_eq!(status(&root, &person, "unban", scope).await, 200);
                }
            }
        }
        let path = format!("/user/{}/{what}", person.id);
        assert_eq!(root.post(&path, &json!(["lobby"])).await.status, 400);
        let request = shared::client::Request::new("POST", &path).body("{}");
        assert_eq!(root.call(request).await.status, 400, "without a content type");
        let unsigned = server.anonymous().direct(with_json("POST", &path, &json!({}))).await;
        assert_eq!(unsigned.unwrap().status, 401);
    }
}

async fn rooms_without_the_role_refuse_all_of_it(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let one = server.room("one").await;
    let two = server.room("two").await;
    let (admin, person) = (admin_of(&server, one).await, server.user().await);
    server.appoint(two, &admin, false).await;
    let body = json!({ "rooms": ["one", "two"], "moderator": true });
    assert_eq!(status(&admin, &person, "moderator", body).await, 403);
    assert_eq!(role_in(&person, "one").await, (false, false));
    // A moderator of the second room is protected there, so the first is left alone too.
    server.appoint(two, &person, false).await;
    let body = json!({ "rooms": ["one", "two"] });
    assert_eq!(status(&admin, &person, "ban", body).await, 403);
    assert_eq!(person.get("/room/one/pollInfo/0").await.status, 200);
}

async fn a_star_is_every_room_with_the_role(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let one = server.room("one").await;
    let two = server.room("two").await;
    server.room("three").await;
    let (admin, person) = (admin_of(&server, one).await, server.user().await);
    server.appoint(two, &admin, false).await;
    let path = format!("/user/{}/moderator", person.id);
    let answer = json(&admin.post(&path, &json!({ "rooms": ["*"], "moderator": true })).await);
    let told: Vec<&String> = answer["info_updates"].as_object().unwrap().keys().collect();
    assert_eq!(told, ["one"], "admin of the first room, moderator of the second");
    assert_eq!(
        status(&admin, &server.user().await, "ban", json!({ "rooms": ["*"] })).await,
        200
    );
    let other = server.user().await;
    assert_eq!(status(&admin, &other, "ban", json!({ "rooms": ["*"] })).await, 200);
    for (room, expected) in [("one", 403), ("two", 403), ("three", 200)] {
        assert_eq!(
            other.get(&format!("/room/{room}/pollInfo/0")).await.status,
            expected,
            "{room}"
        );
    }
    let body = json!({ "rooms": ["*"], "moderator": true });
    assert_eq!(status(&server.user().await, &other, "moderator", body).await, 403);
}

async fn the_answer_tells_the_counter_of_every_room_concerned(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    for room in ["One", "two", "three"] {
        server.room(room).await;
    }
    let (root, person) = (global_admin(&server).await, server.user().await);
    let path = format!("/user/{}/moderator", person.id);
    let one = counter(&room_of(&root, "one").await);
    let two = counter(&room_of(&root, "two").await);
    let answer = json(
        &root
            .post(&path, &json!({ "rooms": ["one", "two"], "admin": true }))
            .await,
    );
    assert_eq!(answer, json!({ "info_updates": { "One": one + 1, "two": two + 1 } }));
    let again = json(
        &root
            .post(&path, &json!({ "rooms": ["one", "two"], "admin": true }))
            .await,
    );
    assert_eq!(again, answer);
    let everywhere = json(&root.post(&path, &json!({ "global": true, "moderator": true })).await);
    assert_eq!(everywhere["info_updates"].as_object().unwrap().len(), 3);
    assert_eq!(everywhere["info_updates"]["One"], one + 2);
}

async fn only_real_changes_of_roles_are_counted(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (admin, person) = (admin_of(&server, room).await, server.user().await);
    let mut before = counter(&room_of(&admin, "lobby").await);
    for (what, mut body, increment) in [
        ("moderator", json!({ "moderator": false }), 0),
        ("moderator", json!({ "moderator": true }), 1),
        ("moderator", json!({ "moderator": true }), 0),
        ("moderator", json!({ "moderator": true, "visible": false }), 1),
        ("moderator", json!({ "admin": true, "visible": false }), 1),
        ("moderator", json!({ "admin": false }), 1),
        ("ban", json!({}), 1),
        ("ban", json!({}), 0),
        ("unban", json!({}), 0),
        ("ban", json!({}), 0),
    ] {
        body["rooms"] = json!(["lobby"]);
        assert_eq!(status(&admin, &person, what, body.clone()).await, 200);
        let now = counter(&room_of(&admin, "lobby").await);
        assert_eq!(now - before, increment, "{what} {body}");
        before = now;
    }
}

async fn global_roles_are_counted_in_all_rooms(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("one").await;
    server.room("two").await;
    let (root, person) = (global_admin(&server).await, server.user().await);
    let mut before = (
        counter(&room_of(&root, "one").await),
        counter(&room_of(&root, "two").await),
    );
    for (what, mut body, increment) in [
        ("moderator", json!({ "moderator": false }), 0),
        ("moderator", json!({ "moderator": true }), 1),
        ("moderator", json!({ "moderator": true, "visible": true }), 1),
        ("moderator", json!({ "moderator": true, "visible": true }), 0),
        ("moderator", json!({ "admin": true, "visible": true }), 1),
        ("moderator", json!({ "admin": false }), 1),
        ("moderator", json!({ "moderator": false }), 1),
        ("ban", json!({}), 0),
        ("unban", json!({}), 0),
    ] {
        body["global"] = json!(true);
        assert_eq!(status(&root, &person, what, body.clone()).await, 200);
        let now = (
            counter(&room_of(&root, "one").await),
            counter(&room_of(&root, "two").await),
        );
        assert_eq!(
            (now.0 - before.0, now.1 - before.1),
            (increment, increment),
            "{what} {body}"
        );
        before = now;
    }
}

async fn somebody_banned_gets_no_role(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    server.room("other").await;
    let (root, person) = (global_admin(&server).await, server.user().await);
    let path = format!("/user/{}/moderator", person.id);
    assert_eq!(status(&root, &person, "ban", json!({ "rooms": ["lobby"] })).await, 200);
    let body = json!({ "rooms": ["other", "lobby"], "moderator": true });
    let answer = root.post(&path, &body).await;
    assert_eq!(answer.status, 400);
    assert!(String::from_utf8_lossy(&answer.body).contains("lift the ban first"));
    assert_eq!(role_in(&person, "other").await, (false, false), "all or nothing");
    assert_eq!(
        status(&root, &person, "unban", json!({ "rooms": ["lobby"] })).await,
        200
    );
    assert_eq!(status(&root, &person, "ban", json!({ "global": true })).await, 200);
    let body = json!({ "global": true, "admin": true });
    assert_eq!(root.post(&path, &body).await.status, 400);
    // There is nothing to take away, and that is no contradiction.
    let body = json!({ "global": true, "moderator": false });
    assert_eq!(root.post(&path, &body).await.status, 200);
}

async fn roles_are_given_by_admins_only(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let person = server.user().await;
    let (local, global) = (
        json!({ "rooms": ["lobby"], "moderator": true }),
        json!({ "global": true, "moderator": true }),
    );
    for (actor, in_room, on_server) in [
        (server.user().await, 403, 403),
        (moderator_of(&server, room).await, 403, 403),
        (admin_of(&server, room).await, 200, 403),
        (global_moderator(&server).await, 403, 403),
        (global_admin(&server).await, 200, 200),
    ] {
        assert_eq!(status(&actor, &person, "moderator", local.clone()).await, in_room);
        assert_eq!(status(&actor, &person, "moderator", global.clone()).await, on_server);
    }
}
