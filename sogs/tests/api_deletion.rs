//! Deleting one message, and all that somebody posted.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Person, Server, Stores, json};
use serde_json::{Value, json};
use shared::client::{Answer, Request};
use shared::run;
use sogs::model::{Defaults, Override, RoomNo};
use sogs::store::{NewMessage, Write};

on_both_stores!(
    a_deleted_message_is_a_tombstone_only_for_clients_that_had_it,
    authors_and_moderators_delete_and_nobody_else,
    a_deletion_takes_a_number_for_itself_and_one_for_each_reaction,
    a_deletion_between_the_numbers_of_its_reactions_is_a_reaction_update,
    what_a_message_said_is_kept_in_the_history,
    moderators_delete_all_that_somebody_posted,
    who_may_delete_all_posts_of_whom,
    people_delete_all_of_their_own_posts_whatever_they_may,
    an_account_stands_for_its_blinded_id_and_for_its_older_posts,
    many_posts_are_deleted_in_one_request,
    posts_in_all_rooms_are_deleted_where_the_caller_may,
    own_posts_are_deleted_in_all_rooms,
);

async fn lobby(stores: Stores) -> Option<(Server, RoomNo, Person)> {
    let server = Server::start(stores).await?;
    let room = server.room("lobby").await;
    let author = server.user().await;
    Some((server, room, author))
}

async fn post_in(room: &str, author: &Person) -> i64 {
    let answer = author.say(room, "x").await;
    assert_eq!(answer.status, 201);
    json(&answer)["id"].as_i64().unwrap()
}

async fn post(author: &Person) -> i64 {
    post_in("lobby", author).await
}

async fn delete(person: &Person, message: i64) -> Answer {
    person.delete(&format!("/room/lobby/message/{message}")).await
}

async fn wipe(person: &Person, room: &str, target: &str) -> u16 {
    person.delete(&format!("/room/{room}/all/{target}")).await.status
}

async fn since(person: &Person, seqno: i64, query: &str) -> Value {
    json(&person.get(&format!("/room/lobby/messages/since/{seqno}{query}")).await)
}

async fn recent(person: &Person, room: &str) -> Vec<i64> {
    let list = json(&person.get(&format!("/room/{room}/messages/recent")).await);
    list.as_array()
        .unwrap()
        .iter()
        .map(|message| message["id"].as_i64().unwrap())
        .collect()
}

async fn react(person: &Person, message: i64, reaction: &str) {
    let path = format!("/room/lobby/reaction/{message}/{reaction}");
    assert_eq!(person.call(Request::new("PUT", &path)).await.status, 200);
}

async fn a_deleted_message_is_a_tombstone_only_for_clients_that_had_it(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let one = post(&author).await;
    server.pass(1);
    let two = post(&author).await;
    let posted = server.now();
    server.pass(5);
    let answer = delete(&author, two).await;
    assert_eq!((answer.status, json(&answer)), (200, json!({})));
    let stone = json!({
        "id": two, "session_id": author.id, "posted": posted, "edited": server.now(), "seqno": 3,
        "data": null, "deleted": true,
    });
    for query in ["", "?t=r"] {
        assert_eq!(since(&author, 2, query).await, json!([stone]));
        assert_eq!(since(&author, 1, query).await, json!([]));
        assert_eq!(since(&author, 0, query).await.as_array().unwrap().len(), 1);
    }
    assert_eq!(recent(&author, "lobby").await, [one]);
    assert_eq!(author.get(&format!("/room/lobby/message/{two}")).await.status, 404);
    assert_eq!(
        json(&author.get("/room/lobby/messages/before/99999").await)
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(delete(&author, two).await.status, 404);
}

async fn authors_and_moderators_delete_and_nobody_else(stores: Stores) {
    let Some((server, room, author)) = lobby(stores).await else {
        return;
    };
    let (other, moderator) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let (one, two) = (post(&author).await, post(&author).await);
    assert_eq!(delete(&other, one).await.status, 403);
    assert_eq!(delete(&author, 99_999).await.status, 404);
    let anonymous = Request::new("DELETE", &format!("/room/lobby/message/{one}"));
    assert_eq!(server.anonymous().direct(anonymous).await.unwrap().status, 401);
    assert_eq!(delete(&moderator, one).await.status, 200);
    let none = Override::default();
    for difference in [
        Override { banned: true, ..none },
        Override {
            write: Some(false),
            ..none
        },
    ] {
        server.differ(room, &author.id, difference).await;
        assert_eq!(delete(&author, two).await.status, 403);
    }
    assert_eq!(recent(&moderator, "lobby").await, [two]);
}

async fn a_deletion_takes_a_number_for_itself_and_one_for_each_reaction(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let other = server.user().await;
    let message = post(&author).await;
    react(&author, message, "a").await;
    react(&other, message, "a").await;
    react(&other, message, "b").await;
    assert_eq!(delete(&author, message).await.status, 200);
    assert_eq!(json(&server.get("/room/lobby").await)["message_sequence"], 8);
    let stone = since(&author, 4, "?t=r").await;
    assert_eq!((&stone[0]["seqno"], &stone[0]["deleted"]), (&json!(8), &json!(true)));
    assert!(stone[0].get("reactions").is_none() && stone[0].get("signature").is_none());
    let mut tx = server.app().store.database().read().await.unwrap();
    let left = "SELECT (SELECT COUNT(*) FROM reactions) + (SELECT COUNT(*) FROM reactors)";
    assert_eq!(shared::run!(tx, fetch_one, query_scalar::<_, i64>, left).unwrap(), 0);
}

async fn a_deletion_between_the_numbers_of_its_reactions_is_a_reaction_update(stores: Stores) {
    let Some((_server, _, author)) = lobby(stores).await else {
        return;
    };
    let message = post(&author).await;
    react(&author, message, "a").await;
    delete(&author, message).await;
    let update = json!([{ "id": message, "seqno": 4, "reactions": {} }]);
    assert_eq!(since(&author, 3, "?t=r").await, update);
    assert_eq!(since(&author, 3, "").await, json!([]));
}

async fn what_a_message_said_is_kept_in_the_history(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let message = post(&author).await;
    server.pass(3);
    delete(&author, message).await;
    let mut tx = server.app().store.database().read().await.unwrap();
    let history = shared::run!(
        tx,
        fetch_all,
        query_as::<_, (i64, Vec<u8>, i64, Vec<u8>, i64)>,
        "SELECT message, data, size, signature, replaced FROM message_history"
    );
    let replaced = server.clock.now().as_nanos();
    assert_eq!(history.unwrap(), [(message, b"x".to_vec(), 1, vec![0; 64], replaced)]);
}

async fn moderators_delete_all_that_somebody_posted(stores: Stores) {
    let Some((server, room, author)) = lobby(stores).await else {
        return;
    };
    server.room("attic").await;
    let (moderator, other) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let elsewhere = post_in("attic", &author).await;
    let (one, kept, two) = (post(&author).await, post(&other).await, post(&author).await);
    react(&other, one, "a").await;
    let path = format!("/room/lobby/all/{}", author.id.to_uppercase());
    let answer = moderator.delete(&path).await;
    assert_eq!((answer.status, json(&answer)), (200, json!({})));
    assert_eq!(recent(&moderator, "lobby").await, [kept]);
    assert_eq!(recent(&moderator, "attic").await, [elsewhere]);
    // One number for each message and one for the reaction.
    assert_eq!(json(&server.get("/room/lobby").await)["message_sequence"], 7);
    let stones = since(&moderator, 4, "").await;
    let seen: Vec<(i64, i64)> = stones
        .as_array()
        .unwrap()
        .iter()
        .map(|stone| (stone["id"].as_i64().unwrap(), stone["seqno"].as_i64().unwrap()))
        .collect();
    assert_eq!(seen, [(one, 6), (two, 7)]);
    assert!(stones.as_array().unwrap().iter().all(|stone| stone["deleted"] == true));
    assert_eq!(wipe(&moderator, "lobby", &author.id).await, 404);
}

async fn who_may_delete_all_posts_of_whom(stores: Stores) {
    let Some((server, room, author)) = lobby(stores).await else {
        return;
    };
    let (other, moderator) = (server.user().await, server.user().await);
    let (admin, second) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    server.appoint(room, &admin, true).await;
    server.appoint(room, &second, true).await;
    for person in [&author, &moderator, &admin] {
        post(person).await;
    }
    assert_eq!(wipe(&other, "lobby", &author.id).await, 403);
    assert_eq!(wipe(&moderator, "lobby", &admin.id).await, 403);
    let unknown = server.person().id;
    assert_eq!(wipe(&other, "lobby", &unknown).await, 403);
    assert_eq!(wipe(&moderator, "lobby", &unknown).await, 404);
    assert_eq!(wipe(&moderator, "nowhere", &author.id).await, 404);
    for malformed in ["15ab", "deleted", &format!("ff{}", &author.id[2..])] {
        assert_eq!(wipe(&moderator, "lobby", malformed).await, 404, "{malformed}");
    }
    let anonymous = Request::new("DELETE", &format!("/room/lobby/all/{}", author.id));
    assert_eq!(server.anonymous().direct(anonymous).await.unwrap().status, 401);
    assert_eq!(recent(&author, "lobby").await.len(), 3);
    assert_eq!(wipe(&second, "lobby", &admin.id).await, 200);
    assert_eq!(wipe(&admin, "lobby", &moderator.id).await, 200);
    assert_eq!(wipe(&moderator, "lobby", &author.id).await, 200);
    assert!(recent(&author, "lobby").await.is_empty());
}

async fn people_delete_all_of_their_own_posts_whatever_they_may(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (author, moderator) = (server.user().await, server.user().await);
    let none = Override::default();
    let hidden = Override {
        read: Some(false),
        accessible: Some(false),
        ..none
    };
    for (token, difference) in [
        ("banned", Override { banned: true, ..none }),
        (
            "mute",
            Override {
                write: Some(false),
                ..none
            },
        ),
        ("hidden", hidden),
    ] {
        let room = server.room(token).await;
        server.appoint(room, &moderator, false).await;
        post_in(token, &author).await;
        server.differ(room, &author.id, difference).await;
        assert_eq!(wipe(&author, token, &author.id).await, 200, "{token}");
        assert_eq!(wipe(&author, token, &author.id).await, 404, "{token}");
        assert!(recent(&moderator, token).await.is_empty(), "{token}");
    }
    // Where nothing is left a hidden room is like none.
    let answers = [
        author.delete(&format!("/room/hidden/all/{}", author.id)).await,
        author.delete(&format!("/room/nowhere/all/{}", author.id)).await,
    ];
    assert_eq!(answers[0].body, answers[1].body);
    assert_eq!(wipe(&author, "hidden", &moderator.id).await, 404);
}

async fn an_account_stands_for_its_blinded_id_and_for_its_older_posts(stores: Stores) {
    let Some((server, room, author)) = lobby(stores).await else {
        return;
    };
    let moderator = server.user().await;
    server.appoint(room, &moderator, false).await;
    let account = author.account.session_id();
    post(&author).await;
    // From the time before blinded ids were asked for.
    server
        .change(async |write: &mut Write| {
            let old = write.appear(&shared::crypto::UserId::Session(account)).await.unwrap();
            let new = NewMessage {
                room,
                author: old.no,
                data: b"old",
                signature: &[7; 64],
                whisper: None,
                whisper_mods: false,
                filtered: false,
                limit: None,
            };
            write.post(&new).await.unwrap();
        })
        .await;
    assert_eq!(recent(&moderator, "lobby").await.len(), 2);
    assert_eq!(wipe(&moderator, "lobby", &account.to_string()).await, 200);
    assert!(recent(&moderator, "lobby").await.is_empty());
    post(&author).await;
    assert_eq!(wipe(&author, "lobby", &account.to_string()).await, 200);
}

async fn spam(server: &Server, room: RoomNo, author: &Person) {
    let number = server.number_of(author).await;
    server
        .change(async |write: &mut Write| {
            for _ in 0..2001 {
                let new = NewMessage {
                    room,
                    author: number,
                    data: b"spam",
                    signature: &[7; 64],
                    whisper: None,
                    whisper_mods: false,
                    filtered: false,
                    limit: None,
                };
                write.post(&new).await.unwrap();
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_posts_of_a_room_are_deleted_or_none() {
    let Some((server, room, author)) = lobby(Stores::Embedded).await else {
        return;
    };
    spam(&server, room, &author).await;
    let fault = "CREATE TRIGGER fault BEFORE UPDATE ON messages WHEN old.id = 1500
        BEGIN SELECT RAISE(ABORT, 'no'); END";
    let mut tx = server.app().store.database().write().await.unwrap();
    run!(tx, execute, query, fault).unwrap();
    tx.commit().await.unwrap();
    let path = format!("/room/lobby/all/{}", author.id);
    assert!(author.delete(&path).await.status >= 500);
    for number in [1, 1000, 2001] {
        let path = format!("/room/lobby/message/{number}");
        assert_eq!(author.get(&path).await.status, 200, "{number}");
    }
    let mut tx = server.app().store.database().write().await.unwrap();
    run!(tx, execute, query, "DROP TRIGGER fault").unwrap();
    tx.commit().await.unwrap();
    assert_eq!(author.delete(&path).await.status, 200);
    assert!(recent(&author, "lobby").await.is_empty());
}

async fn many_posts_are_deleted_in_one_request(stores: Stores) {
    let Some((server, room, author)) = lobby(stores).await else {
        return;
    };
    spam(&server, room, &author).await;
    let answer = author.delete(&format!("/rooms/all/{}", author.id)).await;
    assert_eq!(json(&answer), json!({ "total": 2001, "rooms": { "lobby": 2001 } }));
    assert!(recent(&author, "lobby").await.is_empty());
    assert_eq!(json(&server.get("/room/lobby").await)["message_sequence"], 4002);
}

async fn posts_in_all_rooms_are_deleted_where_the_caller_may(stores: Stores) {
    let Some((server, lobby, author)) = lobby(stores).await else {
        return;
    };
    let attic = server.room("Attic").await;
    server.room("cellar").await;
    let secret = Defaults {
        read: false,
        accessible: false,
        ..Defaults::default()
    };
    let secret = server.room_with("secret", secret).await;
    let moderator = server.user().await;
    for room in [lobby, attic] {
        server.appoint(room, &moderator, false).await;
    }
    server
        .differ(
            secret,
            &author.id,
            Override {
                read: Some(true),
                ..Override::default()
            },
        )
        .await;
    for room in ["lobby", "lobby", "cellar", "secret"] {
        post_in(room, &author).await;
    }
    let path = format!("/rooms/all/{}", author.id);
    let answer = moderator.delete(&path).await;
    let expected = json!({ "total": 2, "rooms": { "Attic": 0, "lobby": 2 } });
    assert_eq!((answer.status, json(&answer)), (200, expected));
    assert_eq!(recent(&author, "cellar").await.len(), 1);
    assert_eq!(recent(&author, "secret").await.len(), 1);
    let stranger = server.user().await;
    assert_eq!(json(&stranger.delete(&path).await), json!({ "total": 0, "rooms": {} }));
    let anonymous = server.anonymous().direct(Request::new("DELETE", &path)).await.unwrap();
    assert_eq!(anonymous.status, 401);
    let unknown = format!("/rooms/all/{}", server.person().id);
    assert_eq!(moderator.delete(&unknown).await.status, 404);
}

async fn own_posts_are_deleted_in_all_rooms(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let attic = server.room("attic").await;
    let secret = server.room("secret").await;
    for room in ["lobby", "attic"] {
        post_in(room, &author).await;
    }
    let none = Override::default();
    server
        .differ(attic, &author.id, Override { banned: true, ..none })
        .await;
    let hidden = Override {
        read: Some(false),
        accessible: Some(false),
        ..none
    };
    server.differ(secret, &author.id, hidden).await;
    let answer = author.delete(&format!("/rooms/all/{}", author.id)).await;
    assert_eq!(
        json(&answer),
        json!({ "total": 2, "rooms": { "attic": 1, "lobby": 1 } })
    );
}
