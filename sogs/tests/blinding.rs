//! People who are named by their account's id, which is not the one that they show up with.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Person, Server, Stores, json};
use serde_json::{Value, json};
use shared::client::Account;
use shared::crypto::{BlindedId, UserId};
use shared::run;
use sogs::model::{Member, Override, RoleChange, Scope};
use sogs::settings::Settings;
use sogs::store::Write;

on_both_stores!(
    a_role_in_a_room_waits_for_its_person,
    a_global_role_waits_for_its_person,
    a_ban_from_a_room_waits_for_its_person,
    a_global_ban_refuses_the_very_first_request,
    permissions_and_scheduled_changes_wait_for_their_person,
    somebody_already_there_is_found_by_their_account,
    somebody_named_by_the_blinded_id_takes_over_at_once,
    what_was_taken_over_leaves_the_account_without_anything,
    a_ban_does_not_miss_a_first_visit_at_the_same_time,
    without_blinding_each_id_is_a_person_of_its_own,
    accounts_from_before_blinding_are_noted_at_start,
    taking_away_reaches_both_ids_of_somebody,
    what_was_kept_for_an_account_goes_to_a_blinded_id_that_is_there_already,
    a_ban_by_one_id_and_a_role_by_the_other_both_stay,
    roles_are_taken_over_in_the_order_in_which_rooms_are_locked,
);

fn account(server: &Server, negative: bool) -> Account {
    loop {
        let account = Account::generate();
        let blinded = account.blinded_id(server.app().key.public()).unwrap();
        if (blinded != blinded.absolute()) == negative {
            return account;
        }
    }
}

/// Somebody new whose blinded id has the sign bit set or not: nobody can tell that from the account.
fn newcomer(server: &Server, negative: bool) -> (Person, UserId) {
    let person = server.person_of(account(server, negative));
    let id: BlindedId = person.id.parse().unwrap();
    assert_eq!(id == id.negative(), negative);
    let session = UserId::Session(person.account.session_id());
    (person, session)
}

async fn root(server: &Server) -> Person {
    let person = server.user().await;
    let id: UserId = person.id.parse().unwrap();
    server
        .change(async |write: &mut Write| {
            let change = RoleChange::Admin { visible: None };
            write.change_role(&id, &Scope::Server, change).await.unwrap();
        })
        .await;
    person
}

async fn act(actor: &Person, id: &UserId, what: &str, body: Value) {
    let answer = actor.post(&format!("/user/{id}/{what}"), &body).await;
    assert_eq!(answer.status, 200, "{what} {body}: {:?}", answer.body);
}

/// What is kept for exactly this id.
async fn kept(server: &Server, id: &UserId) -> Option<Member> {
    server.app().store.member(id).await.unwrap()
}

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
    let Some(server) = Server::start(stores).await else {
        return;
    };
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

async fn somebody_already_there_is_found_by_their_account(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let root = root(&server).await;
    for negative in [false, true] {
        let (person, session) = newcomer(&server, negative);
        assert_eq!(person.get("/rooms").await.status, 200);
        act(
            &root,
            &session,
            "moderator",
            json!({ "rooms": ["lobby"], "moderator": true }),
        )
        .await;
        assert_eq!(json(&person.get("/room/lobby").await)["moderator"], true);
        act(
            &root,
            &session,
            "moderator",
            json!({ "rooms": ["lobby"], "moderator": false }),
        )
        .await;
        assert_eq!(json(&person.get("/room/lobby").await)["moderator"], false);
        act(&root, &session, "ban", json!({ "global": true })).await;
        assert_eq!(person.get("/rooms").await.status, 403);
        act(&root, &session, "unban", json!({ "global": true })).await;
        assert_eq!(person.get("/rooms").await.status, 200);
        assert!(kept(&server, &session).await.is_none(), "no second row is made");
    }
}

async fn somebody_named_by_the_blinded_id_takes_over_at_once(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let root = root(&server).await;
    let (person, session) = newcomer(&server, true);
    act(
        &root,
        &session,
        "moderator",
        json!({ "rooms": ["lobby"], "moderator": true }),
    )
    .await;
    let path = format!("/room/lobby/permissions/{}", person.id);
    assert_eq!(root.post(&path, &json!({ "upload": false })).await.status, 200);
    let local = kept(&server, &person.id.parse().unwrap()).await.unwrap().overrides[&room];
    assert!(local.moderator);
    assert_eq!(local.upload, Some(false));
}

async fn what_was_taken_over_leaves_the_account_without_anything(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let root = root(&server).await;
    let (person, session) = newcomer(&server, false);
    act(
        &root,
        &session,
        "moderator",
        json!({ "rooms": ["lobby"], "moderator": true }),
    )
    .await;
    act(
        &root,
        &session,
        "moderator",
        json!({ "global": true, "admin": true, "visible": true }),
    )
    .await;
    let created = server.clock.now();
    server.pass(5);
    assert_eq!(person.get("/rooms").await.status, 200);
    let old = kept(&server, &session).await.unwrap();
    let standing = old.user.standing;
    assert!(!standing.moderator && !standing.admin && !standing.banned);
    assert!(old.overrides.is_empty());
    let new = kept(&server, &person.id.parse().unwrap()).await.unwrap();
    assert!(new.user.standing.admin && new.user.visible_mod);
    assert_eq!(new.overrides.len(), 1);
    let mut write = server.app().store.write(server.clock.now()).await.unwrap();
    let there = write.note_all_unblinded().await.unwrap();
    assert!(there.is_empty(), "nothing is left to wait");
    drop(write);
    let mut tx = server.app().store.database().read().await.unwrap();
    let of = "SELECT created FROM users WHERE id = $1";
    let since = shared::run!(tx, fetch_one, query_scalar::<_, i64>, of, new.user.no.0).unwrap();
    assert_eq!(since, created.as_nanos());
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

async fn without_blinding_each_id_is_a_person_of_its_own(stores: Stores) {
    let open = |settings: &mut Settings| settings.users.require_blind_keys = false;
    let Some(server) = Server::start_with(stores, open).await else {
        return;
    };
    server.room("lobby").await;
    let root = root(&server).await;
    let plain = server.unblinded();
    let blinded = server.person_of(plain.account.clone());
    let session = UserId::Session(plain.account.session_id());
    act(
        &root,
        &session,
        "moderator",
        json!({ "rooms": ["lobby"], "moderator": true }),
    )
    .await;
    assert_eq!(json(&blinded.get("/room/lobby").await)["moderator"], false);
    assert_eq!(json(&plain.get("/room/lobby").await)["moderator"], true);
    act(&root, &session, "ban", json!({ "global": true })).await;
    assert_eq!(plain.get("/rooms").await.status, 403);
    assert_eq!(blinded.get("/rooms").await.status, 200);
}

async fn accounts_from_before_blinding_are_noted_at_start(stores: Stores) {
    let open = |settings: &mut Settings| settings.users.require_blind_keys = false;
    let Some(mut server) = Server::start_with(stores, open).await else {
        return;
    };
    let room = server.room("lobby").await;
    let boss = root(&server).await;
    let mut people = Vec::new();
    for negative in [false, true] {
        for what in ["role", "permission", "schedule", "ban", "admin", "nothing"] {
            let (person, session) = newcomer(&server, negative);
            let path = |endpoint| format!("/room/lobby/{endpoint}/{session}");
            match what {
                "role" => {
                    act(
                        &boss,
                        &session,
                        "moderator",
                        json!({ "rooms": ["lobby"], "moderator": true }),
                    )
                    .await;
                }
                "permission" => {
                    let answer = boss.post(&path("permissions"), &json!({ "write": false })).await;
                    assert_eq!(answer.status, 200);
                }
                "schedule" => {
                    let body = json!({ "write": false, "in": 1 });
                    assert_eq!(boss.post(&path("futurePermissions"), &body).await.status, 200);
                }
                "ban" => act(&boss, &session, "ban", json!({ "global": true })).await,
                "admin" => act(&boss, &session, "moderator", json!({ "global": true, "admin": true })).await,
                _ => {
                    server
                        .change(async |write: &mut Write| write.named(&session).await.unwrap())
                        .await;
                }
            }
            people.push((what, person.account));
        }
    }
    server.settings.users.require_blind_keys = true;
    server.restart().await;
    for (what, account) in people {
        let person = server.person_of(account);
        let answer = person.get("/room/lobby").await;
        match what {
            "role" => assert_eq!(json(&answer)["moderator"], true),
            "permission" => assert_eq!(json(&answer)["write"], false),
            "schedule" => {
                let planned = server.app().store.planned(room, None).await.unwrap();
                assert!(planned.iter().any(|one| one.session_id == person.id));
            }
            "ban" => assert_eq!(answer.status, 403),
            "admin" => assert_eq!(json(&answer)["global_admin"], true),
            _ => assert_eq!(json(&answer)["moderator"], false),
        }
    }
}

async fn taking_away_reaches_both_ids_of_somebody(stores: Stores) {
    let open = |settings: &mut Settings| settings.users.require_blind_keys = false;
    let Some(mut server) = Server::start_with(stores, open).await else {
        return;
    };
    let room = server.room("lobby").await;
    let boss = root(&server).await;
    let mut people = Vec::new();
    // Both ids have something from the time when they were two people.
    for negative in [false, true] {
        for by_account in [false, true] {
            let (moderator, session) = newcomer(&server, negative);
            let (banned, banned_session) = newcomer(&server, negative);
            for id in [session, moderator.id.parse().unwrap()] {
                act(
                    &boss,
                    &id,
                    "moderator",
                    json!({ "rooms": ["lobby"], "moderator": true }),
                )
                .await;
                act(&boss, &id, "moderator", json!({ "global": true, "moderator": true })).await;
            }
            for id in [banned_session, banned.id.parse().unwrap()] {
                act(&boss, &id, "ban", json!({ "rooms": ["lobby"] })).await;
                act(&boss, &id, "ban", json!({ "global": true, "timeout": 60 })).await;
            }
            people.push((by_account, moderator.account, banned.account));
        }
    }
    server.settings.users.require_blind_keys = true;
    server.restart().await;
    let boss = server.person_of(boss.account);
    for (by_account, moderator, banned) in people {
        let ids = |account: &Account| {
            let blinded = account.blinded_id(server.app().key.public()).unwrap();
            [UserId::Blinded(blinded), UserId::Session(account.session_id())]
        };
        let named = |account: &Account| ids(account)[usize::from(by_account)];
        for place in [json!({ "rooms": ["lobby"] }), json!({ "global": true })] {
            let mut body = place.clone();
            body["moderator"] = json!(false);
            act(&boss, &named(&moderator), "moderator", body).await;
            act(&boss, &named(&banned), "unban", place).await;
        }
        for id in ids(&moderator).into_iter().chain(ids(&banned)) {
            let person = kept(&server, &id).await.unwrap();
            assert!(!person.user.standing.moderator && !person.user.standing.banned, "{id}");
            let local = person.overrides.get(&room).copied().unwrap_or_default();
            assert_eq!(local, Override::default(), "{id}");
        }
    }
    server.pass(60);
    assert_eq!(server.app().apply_due().await.unwrap(), 0);
}

async fn what_was_kept_for_an_account_goes_to_a_blinded_id_that_is_there_already(stores: Stores) {
    let open = |settings: &mut Settings| settings.users.require_blind_keys = false;
    let Some(mut server) = Server::start_with(stores, open).await else {
        return;
    };
    let room = server.room("lobby").await;
    let boss = root(&server).await;
    let mut people = Vec::new();
    for negative in [false, true] {
        for what in ["ban", "room ban", "role", "permission", "schedule"] {
            let (person, session) = newcomer(&server, negative);
            assert_eq!(person.get("/room/lobby").await.status, 200);
            // The blinded id has a permission of its own, which stays.
            let blinded: UserId = person.id.parse().unwrap();
            let own = json!({ "upload": false });
            assert_eq!(
                boss.post(&format!("/room/lobby/permissions/{blinded}"), &own)
                    .await
                    .status,
                200
            );
            let lobby = json!({ "rooms": ["lobby"], "moderator": true });
            match what {
                "ban" => act(&boss, &session, "ban", json!({ "global": true, "timeout": 60 })).await,
                "room ban" => act(&boss, &session, "ban", lobby).await,
                "role" => act(&boss, &session, "moderator", lobby).await,
                "permission" => {
                    let denied = json!({ "write": false, "upload": true });
                    assert_eq!(
                        boss.post(&format!("/room/lobby/permissions/{session}"), &denied)
                            .await
                            .status,
                        200
                    );
                }
                _ => {
                    let later = json!({ "write": false, "in": 60 });
                    assert_eq!(
                        boss.post(&format!("/room/lobby/futurePermissions/{session}"), &later)
                            .await
                            .status,
                        200
                    );
                }
            }
            people.push((what, session, person.account));
        }
    }
    server.settings.users.require_blind_keys = true;
    server.restart().await;
    for (what, session, account) in &people {
        let person = server.person_of(account.clone());
        let answer = person.get("/room/lobby").await;
        if *what == "ban" {
            assert_eq!(answer.status, 403);
        } else if *what == "room ban" {
            assert_eq!(person.say("lobby", "hello").await.status, 403);
        } else {
            let shown = json(&answer);
            assert_eq!(shown["moderator"], *what == "role");
            assert_eq!(shown["write"], *what != "permission", "{what}");
            assert_eq!(shown["upload"], *what == "role", "{what}");
        }
        let left = kept(&server, session).await.unwrap();
        assert!(!left.user.standing.banned && left.overrides.is_empty(), "{what}");
        let planned = server.app().store.planned(room, None).await.unwrap();
        let expected = usize::from(*what == "schedule");
        assert_eq!(
            planned.iter().filter(|one| one.session_id == person.id).count(),
            expected
        );
    }
    server.pass(60);
    assert_eq!(server.app().apply_due().await.unwrap(), 4);
    for (what, _, account) in &people {
        let status = server.person_of(account.clone()).get("/rooms").await.status;
        assert_eq!(status, 200, "{what}");
    }
}

async fn a_ban_by_one_id_and_a_role_by_the_other_both_stay(stores: Stores) {
    let open = |settings: &mut Settings| settings.users.require_blind_keys = false;
    let Some(mut server) = Server::start_with(stores, open).await else {
        return;
    };
    let room = server.room("lobby").await;
    let boss = root(&server).await;
    let (person, session) = newcomer(&server, false);
    let blinded: UserId = person.id.parse().unwrap();
    for place in [json!({ "rooms": ["lobby"] }), json!({ "global": true })] {
        let mut role = place.clone();
        role["moderator"] = json!(true);
        act(&boss, &blinded, "moderator", role).await;
        act(&boss, &session, "ban", place).await;
    }
    server.settings.users.require_blind_keys = true;
    server.restart().await;
    let (account, blinded) = (
        kept(&server, &session).await.unwrap(),
        kept(&server, &blinded).await.unwrap(),
    );
    assert!(account.user.standing.banned && account.overrides[&room].banned);
    assert!(blinded.user.standing.moderator && blinded.overrides[&room].moderator);
    assert!(!blinded.user.standing.banned && !blinded.overrides[&room].banned);
}

async fn roles_are_taken_over_in_the_order_in_which_rooms_are_locked(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (first, second) = (server.room("first").await, server.room("second").await);
    let boss = root(&server).await;
    let (person, session) = newcomer(&server, false);
    let role = json!({ "rooms": ["first"], "moderator": true });
    act(&boss, &session, "moderator", role).await;
    let mut other = server.app().store.write(server.clock.now()).await.unwrap();
    let change = sogs::store::RoomChange {
        read: Some(false),
        ..sogs::store::RoomChange::default()
    };
    other.change_room(first, &change).await.unwrap();
    let ban = async {
        let id: UserId = person.id.parse().unwrap();
        act(&boss, &id, "ban", json!({ "rooms": ["second"] })).await;
    };
    let carry_on = async {
        until_somebody_waits(&server, stores).await;
        other.change_room(second, &change).await.unwrap();
        let committed = other.commit().await.unwrap();
        server.app().take_note(&committed);
    };
    tokio::join!(ban, carry_on);
    let member = kept(&server, &person.id.parse().unwrap()).await.unwrap();
    assert!(member.overrides[&first].moderator && member.overrides[&second].banned);
}

/// Returns when a change waits for another to end. SQLite does not begin it before.
async fn until_somebody_waits(server: &Server, stores: Stores) {
    if stores == Stores::Embedded {
        return;
    }
    loop {
        let mut tx = server.app().store.database().read().await.unwrap();
        let waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted";
        if run!(tx, fetch_one, query_scalar::<_, i64>, waiting).unwrap() > 0 {
            return;
        }
        drop(tx);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
