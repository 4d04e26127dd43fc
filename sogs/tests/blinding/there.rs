//! Those who are there already, and taking over.

use serde_json::json;
use shared::crypto::UserId;
use shared::run;

use crate::in_process::{Server, Stores, json};
use crate::{act, kept, newcomer, root};
on_both_stores!(
    somebody_already_there_is_found_by_their_account,
    somebody_named_by_the_blinded_id_takes_over_at_once,
    what_was_taken_over_leaves_the_account_without_anything,
    roles_are_taken_over_in_the_order_in_which_rooms_are_locked,
);

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
