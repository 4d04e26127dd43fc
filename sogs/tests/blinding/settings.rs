//! Where blinded ids are not asked for, or were not.

use serde_json::json;
use shared::crypto::UserId;
use sogs::settings::Settings;
use sogs::store::Write;

use crate::in_process::{Server, Stores, json};
use crate::{act, newcomer, root};
on_both_stores!(
    without_blinding_each_id_is_a_person_of_its_own,
    accounts_from_before_blinding_are_noted_at_start,
    what_waits_for_a_blinded_id_waits_on_while_ids_are_not_blinded,
);

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

async fn what_waits_for_a_blinded_id_waits_on_while_ids_are_not_blinded(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let boss = root(&server).await;
    let mut people = Vec::new();
    for negative in [false, true] {
        let (person, session) = newcomer(&server, negative);
        act(
            &boss,
            &session,
            "moderator",
            json!({ "rooms": ["lobby"], "admin": true }),
        )
        .await;
        people.push(person.account);
    }
    server.settings.users.require_blind_keys = false;
    server.restart().await;
    for account in &people {
        let blinded = server.person_of(account.clone());
        assert_eq!(json(&blinded.get("/room/lobby").await)["admin"], false);
        let plain = server.unblinded_of(account.clone());
        assert_eq!(json(&plain.get("/room/lobby").await)["admin"], true);
    }
    for _ in 0..2 {
        server.settings.users.require_blind_keys = true;
        server.restart().await;
        for account in &people {
            let blinded = server.person_of(account.clone());
            assert_eq!(json(&blinded.get("/room/lobby").await)["admin"], true);
        }
    }
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
