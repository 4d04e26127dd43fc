//! People of whom both ids are known.

use serde_json::json;
use shared::client::Account;
use shared::crypto::UserId;
use sogs::model::Override;
use sogs::settings::Settings;

use crate::in_process::{Server, Stores, json};
use crate::{act, kept, newcomer, root};
on_both_stores!(
    taking_away_reaches_both_ids_of_somebody,
    what_was_kept_for_an_account_goes_to_a_blinded_id_that_is_there_already,
    a_ban_by_one_id_and_a_role_by_the_other_both_stay,
);

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
    server.stop_jobs().await;
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
