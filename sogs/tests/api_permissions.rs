//! What single people may in a room, now and later.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Person, Server, Stores, json};
use serde_json::{Value, json};
use shared::clock::Timestamp;
use shared::crypto::UserId;
use sogs::model::{Defaults, LaterFlags, Override, RoleChange, RoomNo, Scope};
use sogs::store::Write;

on_both_stores!(
    permissions_are_set_and_given_back_one_by_one,
    what_is_given_must_say_something_and_not_two_things,
    values_count_as_true_or_false_and_null_as_nothing,
    the_list_names_whoever_differs,
    permissions_move_no_counter,
    to_reset_or_ask_makes_nobody_up,
    only_moderators_see_and_change_permissions,
    an_account_stands_for_its_blinded_id,
    scheduled_changes_are_listed_in_the_order_of_time,
    a_schedule_needs_a_permission_and_a_time_ahead,
    a_permission_that_is_set_leaves_the_schedule,
    the_schedule_is_kept_on_request,
    a_scheduled_change_takes_effect_at_its_time,
    what_is_due_together_happens_in_the_order_of_time,
    what_the_room_grants_anyway_is_not_kept,
    a_scheduled_ban_does_not_hit_somebody_who_moderates,
    a_scheduled_ban_begins_and_ends,
    what_is_scheduled_for_several_people_is_done_for_all,
);

async fn moderator_of(server: &Server, room: RoomNo) -> Person {
    let person = server.user().await;
    server.appoint(room, &person, false).await;
    person
}

/// `POST /room/lobby/permissions/ID`.
async fn set(moderator: &Person, person: &Person, body: Value) -> Value {
    json(
        &moderator
            .post(&format!("/room/lobby/permissions/{}", person.id), &body)
            .await,
    )
}

/// `POST /room/lobby/futurePermissions/ID`.
async fn plan(moderator: &Person, person: &Person, body: Value) -> Value {
    json(
        &moderator
            .post(&format!("/room/lobby/futurePermissions/{}", person.id), &body)
            .await,
    )
}

async fn own(moderator: &Person, person: &Person) -> Value {
    json(&moderator.get(&format!("/room/lobby/permissions/{}", person.id)).await)
}

async fn planned(moderator: &Person, person: &Person) -> Value {
    json(
        &moderator
            .get(&format!("/room/lobby/futurePermissions/{}", person.id))
            .await,
    )
}

async fn permissions_are_set_and_given_back_one_by_one(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    for (body, expected) in [
        (json!({ "write": false }), json!({ "write": false })),
        (
            json!({ "upload": false, "read": true }),
            json!({ "read": true, "write": false, "upload": false }),
        ),
        (
            json!({ "accessible": true, "write": null }),
            json!({ "accessible": true, "read": true, "write": false, "upload": false }),
        ),
        (
            json!({ "default_read": true, "write": true }),
            json!({ "accessible": true, "write": true, "upload": false }),
        ),
        (
            json!({ "default_accessible": 1, "default_upload": "x" }),
            json!({ "write": true }),
        ),
        (json!({ "default_write": true }), json!({})),
    ] {
        assert_eq!(set(&moderator, &person, body.clone()).await, expected, "{body}");
        assert_eq!(own(&moderator, &person).await, expected, "{body}");
    }
    set(&moderator, &person, json!({ "write": false, "upload": false })).await;
    let seen = json(&person.get("/room/lobby").await);
    assert_eq!(
        (&seen["read"], &seen["write"], &seen["upload"]),
        (&json!(true), &json!(false), &json!(false))
    );
    set(&moderator, &person, json!({ "read": false, "accessible": false })).await;
    assert_eq!(person.get("/room/lobby").await.status, 404);
}

async fn what_is_given_must_say_something_and_not_two_things(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    let path = format!("/room/lobby/permissions/{}", person.id);
    for body in [
        json!({}),
        json!([]),
        json!({ "write": null }),
        json!({ "default_write": false }),
        json!({ "unschedule": false }),
        json!({ "write": true, "default_write": true }),
        json!({ "read": false, "default_read": 1, "write": true }),
    ] {
        assert_eq!(moderator.post(&path, &body).await.status, 400, "{body}");
    }
    assert_eq!(own(&moderator, &person).await, json!({}));
    let body = json!({ "write": false, "default_write": false });
    assert_eq!(moderator.post(&path, &body).await.status, 200);
}

async fn values_count_as_true_or_false_and_null_as_nothing(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    let body = json!({ "read": 1, "accessible": "", "write": [], "upload": "no" });
    let expected = json!({ "read": true, "accessible": false, "write": false, "upload": true });
    assert_eq!(set(&moderator, &person, body).await, expected);
}

async fn the_list_names_whoever_differs(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let moderator = moderator_of(&server, room).await;
    let [admin, hidden, banned, person, plain] = [
        server.user().await,
        server.user().await,
        server.user().await,
        server.user().await,
        server.user().await,
    ];
    server.appoint(room, &admin, true).await;
    let hidden_role = Override {
        moderator: true,
        admin: true,
        visible_mod: false,
        upload: Some(false),
        ..Override::default()
    };
    server.differ(room, &hidden.id, hidden_role).await;
    let ban = json!({ "rooms": ["lobby"] });
    assert_eq!(
        moderator.post(&format!("/user/{}/ban", banned.id), &ban).await.status,
        200
    );
    set(&moderator, &person, json!({ "write": false })).await;
    let expected = json!({
        moderator.id.clone(): { "moderator": true },
        admin.id.clone(): { "admin": true },
        hidden.id.clone(): { "admin": true, "hidden": true, "upload": false },
        banned.id.clone(): { "banned": true },
        person.id.clone(): { "write": false },
    });
    assert_eq!(json(&moderator.get("/room/lobby/permissions").await), expected);
    assert_eq!(own(&moderator, &hidden).await, expected[&hidden.id]);
    assert_eq!(own(&moderator, &plain).await, json!({}));
}

async fn permissions_move_no_counter(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    let before = json(&server.get("/room/lobby").await)["info_updates"].clone();
    set(&moderator, &person, json!({ "write": false })).await;
    plan(&moderator, &person, json!({ "write": true, "in": 1 })).await;
    assert_eq!(json(&server.get("/room/lobby").await)["info_updates"], before);
}

async fn to_reset_or_ask_makes_nobody_up(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, stranger, person) = (moderator_of(&server, room).await, server.person(), server.user().await);
    assert_eq!(own(&moderator, &stranger).await, json!({}));
    assert_eq!(planned(&moderator, &stranger).await, json!([]));
    assert_eq!(
        set(&moderator, &stranger, json!({ "default_write": true })).await,
        json!({})
    );
    let id: UserId = stranger.id.parse().unwrap();
    assert!(server.app().store.find_user(&id).await.unwrap().is_none());
    set(&moderator, &person, json!({ "default_write": true })).await;
    let all = json(&moderator.get("/room/lobby/permissions").await);
    assert_eq!(all.as_object().unwrap().len(), 1, "only the moderator: {all}");
    // Somebody who has not shown up yet can be given something all the same.
    set(&moderator, &stranger, json!({ "write": false })).await;
    assert_eq!(json(&stranger.get("/room/lobby").await)["write"], false);
}

async fn only_moderators_see_and_change_permissions(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let hidden = Defaults {
        read: false,
        accessible: false,
        ..Defaults::default()
    };
    server.room_with("secret", hidden).await;
    let (person, other) = (server.user().await, server.user().await);
    for what in ["permissions", "futurePermissions"] {
        let body = json!({ "write": false, "in": 60 });
        for (room, unsigned, signed) in [("lobby", 401, 403), ("secret", 404, 404), ("nowhere", 404, 404)] {
            let (list, one) = (
                format!("/room/{room}/{what}"),
                format!("/room/{room}/{what}/{}", other.id),
            );
            let request = in_process::with_json("POST", &one, &body);
            assert_eq!(server.get(&list).await.status, unsigned, "{list}");
            assert_eq!(server.get(&one).await.status, unsigned, "{one}");
            assert_eq!(
                server.anonymous().direct(request).await.unwrap().status,
                unsigned,
                "{one}"
            );
            assert_eq!(person.get(&list).await.status, signed, "{list}");
            assert_eq!(person.get(&one).await.status, signed, "{one}");
            assert_eq!(person.post(&one, &body).await.status, signed, "{one}");
        }
        let bad = format!("/room/lobby/{what}/zz");
        assert_eq!(person.get(&bad).await.status, 404);
    }
}

async fn an_account_stands_for_its_blinded_id(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    let account = person.account.session_id().to_string();
    for (path, body) in [
        (format!("/room/lobby/permissions/{account}"), json!({ "write": false })),
        (
            format!("/room/lobby/futurePermissions/{}", account.to_uppercase()),
            json!({ "upload": false, "in": 60 }),
        ),
    ] {
        assert_eq!(moderator.post(&path, &body).await.status, 200);
        let answer = json(&moderator.get(&path).await);
        assert!(
            answer == json!({ "write": false }) || answer[0]["upload"] == false,
            "{answer}"
        );
    }
    assert_eq!(own(&moderator, &person).await, json!({ "write": false }));
    assert_eq!(planned(&moderator, &person).await[0]["upload"], false);
    let list = json(&moderator.get("/room/lobby/futurePermissions").await);
    assert_eq!(list[0]["session_id"], json!(person.id));
}

async fn scheduled_changes_are_listed_in_the_order_of_time(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    server.room("other").await;
    let (moderator, one, two) = (
        moderator_of(&server, room).await,
        server.user().await,
        server.user().await,
    );
    let now = server.now();
    let answer = plan(
        &moderator,
        &one,
        json!({ "write": false, "read": 0, "upload": null, "in": 3600 }),
    )
    .await;
    assert_eq!(answer, json!([{ "at": now + 3600.0, "read": false, "write": false }]));
    plan(&moderator, &two, json!({ "upload": true, "in": 0.5 })).await;
    let ban = json!({ "rooms": ["lobby"], "timeout": 60 });
    assert_eq!(moderator.post(&format!("/user/{}/ban", one.id), &ban).await.status, 200);
    assert_eq!(
        json(&moderator.get("/room/lobby/futurePermissions").await),
        json!([
            { "session_id": two.id, "at": now + 0.5, "upload": true },
            { "session_id": one.id, "at": now + 60.0, "banned": false },
            { "session_id": one.id, "at": now + 3600.0, "read": false, "write": false },
        ])
    );
    assert_eq!(
        planned(&moderator, &one).await,
        json!([{ "at": now + 60.0, "banned": false }, { "at": now + 3600.0, "read": false, "write": false }])
    );
    server
        .differ(
            server.app().directory.rooms().await.unwrap().find("other").unwrap().no,
            &moderator.id,
            Override {
                moderator: true,
                ..Override::default()
            },
        )
        .await;
    assert_eq!(json(&moderator.get("/room/other/futurePermissions").await), json!([]));
}

async fn a_schedule_needs_a_permission_and_a_time_ahead(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    let path = format!("/room/lobby/futurePermissions/{}", person.id);
    for body in [
        json!({ "in": 60 }),
        json!({ "write": null, "in": 60 }),
        json!({ "accessible": true, "in": 60 }),
        json!({ "write": true }),
        json!({ "write": true, "in": null }),
        json!({ "write": true, "in": 0 }),
        json!({ "write": true, "in": -5 }),
        json!({ "write": true, "in": 1_000_000_000 }),
        json!({ "write": true, "in": 1e300 }),
        json!({ "write": true, "in": "60" }),
        json!({ "write": true, "in": true }),
        json!([]),
    ] {
        assert_eq!(moderator.post(&path, &body).await.status, 400, "{body}");
    }
    assert_eq!(planned(&moderator, &person).await, json!([]));
    for body in [
        json!({ "write": true, "in": 0.001 }),
        json!({ "write": true, "in": 999_999_999 }),
    ] {
        assert_eq!(moderator.post(&path, &body).await.status, 200, "{body}");
    }
}

async fn a_permission_that_is_set_leaves_the_schedule(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, person, other) = (
        moderator_of(&server, room).await,
        server.user().await,
        server.user().await,
    );
    plan(&moderator, &person, json!({ "write": true, "in": 10 })).await;
    plan(&moderator, &person, json!({ "write": true, "read": true, "in": 20 })).await;
    plan(&moderator, &person, json!({ "upload": true, "in": 30 })).await;
    plan(&moderator, &other, json!({ "write": true, "in": 40 })).await;
    set(&moderator, &person, json!({ "write": false })).await;
    let now = server.now();
    assert_eq!(
        planned(&moderator, &person).await,
        json!([{ "at": now + 20.0, "read": true }, { "at": now + 30.0, "upload": true }])
    );
    assert_eq!(planned(&moderator, &other).await.as_array().unwrap().len(), 1);
    set(&moderator, &person, json!({ "default_upload": true })).await;
    assert_eq!(
        planned(&moderator, &person).await,
        json!([{ "at": now + 20.0, "read": true }])
    );
}

async fn the_schedule_is_kept_on_request(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    plan(&moderator, &person, json!({ "write": true, "in": 10 })).await;
    set(&moderator, &person, json!({ "write": false, "unschedule": false })).await;
    assert_eq!(planned(&moderator, &person).await.as_array().unwrap().len(), 1);
    // Only that very value keeps it.
    set(&moderator, &person, json!({ "write": false, "unschedule": 0 })).await;
    assert_eq!(planned(&moderator, &person).await, json!([]));
}

async fn a_scheduled_change_takes_effect_at_its_time(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    set(&moderator, &person, json!({ "upload": false })).await;
    plan(&moderator, &person, json!({ "write": false, "in": 60 })).await;
    server.pass(59);
    assert_eq!(server.app().apply_due().await.unwrap(), 0);
    assert_eq!(json(&person.get("/room/lobby").await)["write"], true);
    server.pass(1);
    assert_eq!(server.app().apply_due().await.unwrap(), 1);
    assert_eq!(json(&person.get("/room/lobby").await)["write"], false);
    assert_eq!(
        own(&moderator, &person).await,
        json!({ "write": false, "upload": false })
    );
    assert_eq!(planned(&moderator, &person).await, json!([]));
    assert_eq!(server.app().apply_due().await.unwrap(), 0);
}

async fn what_is_due_together_happens_in_the_order_of_time(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    plan(&moderator, &person, json!({ "write": false, "in": 30 })).await;
    plan(&moderator, &person, json!({ "write": true, "upload": false, "in": 10 })).await;
    plan(&moderator, &person, json!({ "read": false, "in": 20 })).await;
    server.pass(30);
    assert_eq!(server.app().apply_due().await.unwrap(), 3);
    let expected = json!({ "read": false, "write": false, "upload": false });
    assert_eq!(own(&moderator, &person).await, expected);
}

async fn what_the_room_grants_anyway_is_not_kept(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let quiet = Defaults {
        write: false,
        ..Defaults::default()
    };
    let room = server.room_with("lobby", quiet).await;
    let (moderator, person) = (moderator_of(&server, room).await, server.user().await);
    set(&moderator, &person, json!({ "read": false })).await;
    plan(&moderator, &person, json!({ "read": true, "write": true, "in": 1 })).await;
    server.pass(1);
    server.app().apply_due().await.unwrap();
    assert_eq!(own(&moderator, &person).await, json!({ "write": true }));
    plan(&moderator, &person, json!({ "write": false, "in": 1 })).await;
    server.pass(1);
    server.app().apply_due().await.unwrap();
    let all = json(&moderator.get("/room/lobby/permissions").await);
    assert!(all.get(&person.id).is_none(), "{all}");
}

async fn a_scheduled_ban_does_not_hit_somebody_who_moderates(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    let (moderator, boss, person) = (
        moderator_of(&server, room).await,
        server.user().await,
        server.user().await,
    );
    let at = server.clock.now().plus(std::time::Duration::from_secs(10));
    let ids: Vec<UserId> = [&moderator, &boss, &person].map(|who| who.id.parse().unwrap()).to_vec();
    server
        .change(async |write: &mut Write| {
            let change = RoleChange::Moderator { visible: None };
            for id in &ids {
                write.schedule_ban(Some(room), id, at, true).await.unwrap();
            }
            write.schedule_ban(None, &ids[1], at, true).await.unwrap();
            write.change_role(&ids[1], &Scope::Server, change).await.unwrap();
        })
        .await;
    server.pass(10);
    assert_eq!(server.app().apply_due().await.unwrap(), 4);
    for (who, expected) in [(&moderator, 200), (&boss, 200), (&person, 403)] {
        assert_eq!(who.get("/room/lobby/pollInfo/0").await.status, expected);
    }
    assert_eq!(own(&moderator, &boss).await, json!({}));
    assert_eq!(json(&moderator.get("/room/lobby/futurePermissions").await), json!([]));
}

async fn a_scheduled_ban_begins_and_ends(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    let person = server.user().await;
    let id: UserId = person.id.parse().unwrap();
    let at = |seconds| Timestamp::from_seconds(in_process::START + seconds);
    server
        .change(async |write: &mut Write| {
            for (place, begin) in [(Some(room), 10), (None, 30)] {
                write.schedule_ban(place, &id, at(begin), true).await.unwrap();
                write.schedule_ban(place, &id, at(begin + 10), false).await.unwrap();
            }
        })
        .await;
    for (in_room, elsewhere) in [(403, 200), (200, 200), (403, 403), (200, 200)] {
        server.pass(10);
        assert_eq!(server.app().apply_due().await.unwrap(), 1);
        assert_eq!(person.get("/room/lobby/pollInfo/0").await.status, in_room);
        assert_eq!(person.get("/rooms").await.status, elsewhere);
    }
}

async fn what_is_scheduled_for_several_people_is_done_for_all(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    let gone = server.room("gone").await;
    let moderator = moderator_of(&server, room).await;
    let mut people = Vec::new();
    for seconds in 1..=5 {
        let person = server.user().await;
        plan(&moderator, &person, json!({ "write": false, "in": seconds })).await;
        people.push(person);
    }
    let id: UserId = people[0].id.parse().unwrap();
    let flags = LaterFlags {
        read: Some(false),
        ..LaterFlags::default()
    };
    let at = server.clock.now();
    server
        .change(async |write: &mut Write| {
            write.schedule_permissions(gone, &id, at, flags).await.unwrap();
            write.delete_room(gone).await.unwrap();
        })
        .await;
    server.pass(4);
    assert_eq!(server.app().apply_due().await.unwrap(), 4);
    for (number, person) in people.iter().enumerate() {
        assert_eq!(json(&person.get("/room/lobby").await)["write"], number == 4);
    }
}
