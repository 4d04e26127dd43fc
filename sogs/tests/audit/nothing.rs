//! What is not written down.

use serde_json::json;
use shared::crypto::UserId;
use sogs::model::Scope;

use crate::in_process::{Server, Stores};
use crate::{admin, good, records, said};
on_both_stores!(
    nothing_is_written_down_of_what_is_refused_or_undone,
    nothing_is_written_down_where_nothing_changes,
    what_people_do_with_their_own_is_not_written_down,
);

async fn nothing_is_written_down_of_what_is_refused_or_undone(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (boss, moderator, user) = (admin(&server).await, server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let message = said(&boss, "hello").await;
    let before = records(&server).await;
    let lobby = json!({ "rooms": ["lobby"] });
    let refused = [
        user.post("/rooms", &json!({ "token": "mine", "name": "Mine" })).await,
        boss.post("/rooms", &json!({ "token": "lobby", "name": "Twice" })).await,
        moderator.put("/room/lobby", &json!({ "name": "Mine" })).await,
        boss.put("/room/lobby", &json!({ "name": "Half", "image": 1_000_000 }))
            .await,
        moderator.post(&format!("/user/{}/ban", boss.id), &lobby).await,
        user.post(&format!("/user/{}/ban", moderator.id), &lobby).await,
        moderator
            .post(
                &format!("/user/{}/moderator", user.id),
                &json!({ "rooms": ["lobby"], "moderator": true }),
            )
            .await,
        user.post(
            &format!("/room/lobby/permissions/{}", user.id),
            &json!({ "write": true }),
        )
        .await,
        user.delete(&format!("/room/lobby/message/{message}")).await,
        moderator.delete(&format!("/room/lobby/all/{}", boss.id)).await,
        moderator.post(&format!("/room/lobby/pin/{message}"), &json!({})).await,
        user.delete(&format!("/room/lobby/reactions/{message}")).await,
        user.delete("/room/lobby").await,
    ];
    for answer in refused {
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    let mut write = server.app().store.write(server.clock.now()).await.unwrap();
    let id: UserId = user.id.parse().unwrap();
    write.ban(&id, &Scope::Server, None).await.unwrap();
    drop(write);
    assert_eq!(records(&server).await, before);
}

async fn nothing_is_written_down_where_nothing_changes(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (boss, moderator, user) = (admin(&server).await, server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let message = said(&user, "hello").await;
    let before = records(&server).await;
    let lobby = json!({ "rooms": ["lobby"] });
    good(&boss.post(&format!("/user/{}/unban", user.id), &lobby).await);
    let again = json!({ "rooms": ["lobby"], "moderator": true });
    good(&boss.post(&format!("/user/{}/moderator", moderator.id), &again).await);
    let dismissed = json!({ "global": true, "moderator": false });
    good(&boss.post(&format!("/user/{}/moderator", user.id), &dismissed).await);
    good(
        &boss
            .put(
                "/room/lobby",
                &json!({ "name": "The room lobby", "default_read": true }),
            )
            .await,
    );
    good(
        &boss
            .post(
                &format!("/room/lobby/permissions/{}", user.id),
                &json!({ "default_write": true }),
            )
            .await,
    );
    good(&boss.post(&format!("/room/lobby/unpin/{message}"), &json!({})).await);
    good(&boss.post("/room/lobby/unpin/all", &json!({})).await);
    good(&boss.delete(&format!("/room/lobby/reactions/{message}")).await);
    good(&boss.delete(&format!("/rooms/all/{}", moderator.id)).await);
    assert_eq!(records(&server).await, before);
}

async fn what_people_do_with_their_own_is_not_written_down(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let boss = admin(&server).await;
    let user = server.user().await;
    let before = records(&server).await;
    for person in [&boss, &user] {
        let (one, two) = (said(person, "one").await, said(person, "two").await);
        let edited = json!({ "data": "eA==", "signature": format!("{}==", "A".repeat(86)) });
        good(&person.put(&format!("/room/lobby/message/{one}"), &edited).await);
        let reaction = format!("/room/lobby/reaction/{one}/🐟");
        good(&person.put(&reaction, &json!({})).await);
        good(&person.delete(&reaction).await);
        good(&person.delete(&format!("/room/lobby/message/{one}")).await);
        good(&person.delete(&format!("/room/lobby/all/{}", person.id)).await);
        let account = person.account.session_id();
        assert!(said(person, "three").await > two);
        good(&person.delete(&format!("/rooms/all/{account}")).await);
        good(&person.delete("/inbox").await);
    }
    assert_eq!(records(&server).await, before);
}
