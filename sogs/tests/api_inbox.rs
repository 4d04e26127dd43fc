//! Direct messages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use in_process::{Person, Server, Stores, json, with_json};
use serde_json::{Value, json};
use shared::client::Answer;
use shared::crypto::UserId;
use sogs::model::{RoleChange, Scope};
use sogs::store::{Mailbox, Write};

on_both_stores!(
    a_message_is_in_the_inbox_of_one_and_the_outbox_of_the_other,
    messages_come_oldest_first_and_as_many_as_asked_for,
    only_what_is_new_is_sent_again,
    without_news_there_is_no_content,
    a_message_must_be_given_and_be_base64,
    a_message_that_is_too_large_is_refused,
    a_recipient_must_be_known_by_a_blinded_id,
    somebody_banned_from_the_server_receives_nothing,
    clearing_the_inbox_empties_the_outboxes_of_others,
    expired_messages_are_not_shown,
    within_a_day_only_so_many_are_sent,
    at_the_same_time_no_more_are_sent_either,
    the_boxes_are_for_people_with_blinded_ids,
    a_message_sent_by_another_process_is_found,
    a_message_of_another_process_is_not_lost_behind_one_of_our_own,
    ids_are_never_used_again,
);

async fn send(sender: &Person, recipient: &Person, body: &[u8]) -> Answer {
    let body = json!({ "message": STANDARD.encode(body), "public_key": "ignored" });
    sender.post(&format!("/inbox/{}", recipient.id), &body).await
}

async fn sent(sender: &Person, recipient: &Person, body: &[u8]) -> Value {
    let answer = send(sender, recipient, body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    json(&answer)
}

fn ids(answer: &Answer) -> Vec<i64> {
    let list = json(answer);
    list.as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_i64().unwrap())
        .collect()
}

async fn a_message_is_in_the_inbox_of_one_and_the_outbox_of_the_other(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    let answer = sent(&ann, &bob, b"\0\x01 sealed").await;
    let mut expected = json!({
        "id": answer["id"],
        "posted_at": server.now(),
        "expires_at": server.now() + 15.0 * 86_400.0,
        "sender": ann.id,
        "recipient": bob.id,
    });
    assert_eq!(answer, expected);
    assert!(answer["id"].as_i64().unwrap() > 0);
    expected["message"] = json!(STANDARD.encode(b"\0\x01 sealed"));
    assert_eq!(json(&bob.get("/inbox").await), json!([expected]));
    assert_eq!(json(&ann.get("/outbox").await), json!([expected]));
    assert_eq!(json(&ann.get("/inbox").await), json!([]));
    assert_eq!(json(&bob.get("/outbox").await), json!([]));
    // To oneself it is in both.
    sent(&ann, &ann, b"x").await;
    assert_eq!(ids(&ann.get("/inbox").await).len(), 1);
    assert_eq!(ids(&ann.get("/outbox").await).len(), 2);
}

async fn messages_come_oldest_first_and_as_many_as_asked_for(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    let mut all = Vec::new();
    for _ in 0..101 {
        all.push(sent(&ann, &bob, b"x").await["id"].as_i64().unwrap());
    }
    assert!(all.is_sorted());
    for (person, mailbox) in [(&bob, "inbox"), (&ann, "outbox")] {
        for (query, expected) in [
            ("", 0..100),
            ("?limit=2", 0..2),
            ("?limit=0", 0..1),
            ("?limit=9999", 0..101),
        ] {
            let answer = person.get(&format!("/{mailbox}{query}")).await;
            assert_eq!(ids(&answer), all[expected], "{mailbox}{query}");
        }
        let since = person.get(&format!("/{mailbox}/since/{}?limit=3", all[10])).await;
        assert_eq!(ids(&since), all[11..14]);
        assert_eq!(person.get(&format!("/{mailbox}?limit=x")).await.status, 400);
        assert_eq!(
            person
                .get(&format!("/{mailbox}/since/{}?limit=x", all[100]))
                .await
                .status,
            400
        );
    }
}

async fn only_what_is_new_is_sent_again(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob, eve) = (server.user().await, server.user().await, server.user().await);
    let first = sent(&ann, &bob, b"1").await["id"].as_i64().unwrap();
    assert_eq!(ids(&bob.get("/inbox/since/0").await), [first]);
    let between = sent(&bob, &eve, b"2").await["id"].as_i64().unwrap();
    assert_eq!(bob.get(&format!("/inbox/since/{first}")).await.status, 304);
    assert_eq!(ids(&bob.get(&format!("/outbox/since/{first}")).await), [between]);
    let second = sent(&eve, &bob, b"3").await["id"].as_i64().unwrap();
    assert_eq!(ids(&bob.get(&format!("/inbox/since/{first}")).await), [second]);
    assert!(first < between && between < second);
}

async fn without_news_there_is_no_content(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    let last = sent(&ann, &bob, b"x").await["id"].as_i64().unwrap();
    for (person, path) in [
        (&bob, format!("/inbox/since/{last}")),
        (&bob, "/inbox/since/9223372036854775807".to_owned()),
        (&ann, format!("/outbox/since/{last}")),
        (&ann, "/inbox/since/0".to_owned()),
        (&bob, "/outbox/since/0".to_owned()),
    ] {
        let answer = person.get(&path).await;
        assert_eq!((answer.status, &answer.body[..]), (304, &b""[..]), "{path}");
        assert_eq!(answer.header("content-type"), None, "{path}");
    }
    let batch = json!([{ "method": "GET", "path": format!("/inbox/since/{last}") }]);
    let answer = json(&bob.post("/batch", &batch).await);
    assert_eq!((&answer[0]["code"], &answer[0]["body"]), (&json!(304), &json!("")));
    assert!(answer[0]["headers"].get("content-type").is_none());
    for bad in ["-1", "x", "9223372036854775808"] {
        assert_eq!(bob.get(&format!("/inbox/since/{bad}")).await.status, 404, "{bad}");
    }
}

async fn a_message_must_be_given_and_be_base64(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    let path = format!("/inbox/{}", bob.id);
    for body in [
        json!({}),
        json!([]),
        json!({ "message": null }),
        json!({ "message": "" }),
        json!({ "message": 5 }),
        json!({ "message": "Y Q==" }),
        json!({ "message": "é" }),
    ] {
        assert_eq!(ann.post(&path, &body).await.status, 400, "{body}");
    }
    assert_eq!(json(&bob.get("/inbox").await), json!([]));
    let body = json!({ "message": STANDARD_NO_PAD.encode(b"four") });
    assert_eq!(ann.post(&path, &body).await.status, 201);
    assert_eq!(json(&bob.get("/inbox").await)[0]["message"], STANDARD.encode(b"four"));
}

async fn a_message_that_is_too_large_is_refused(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| settings.direct_messages.max_size.0 = 1000).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    assert_eq!(send(&ann, &bob, &[7; 1001]).await.status, 413);
    assert_eq!(send(&ann, &bob, &[7; 1000]).await.status, 201);
}

async fn a_recipient_must_be_known_by_a_blinded_id(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob, stranger) = (server.user().await, server.user().await, server.person());
    assert_eq!(send(&ann, &stranger, b"x").await.status, 404);
    let id: UserId = stranger.id.parse().unwrap();
    assert!(server.app().store.find_user(&id).await.unwrap().is_none());
    let account = bob.account.session_id().to_string();
    let body = json!({ "message": "AAAA" });
    for bad in [account.as_str(), "zz", "since"] {
        assert_eq!(ann.post(&format!("/inbox/{bad}"), &body).await.status, 404, "{bad}");
    }
    // Whether somebody is known comes before what is to be said to them.
    assert_eq!(
        ann.post(&format!("/inbox/{}", stranger.id), &json!({})).await.status,
        404
    );
    let upper = bob.id.to_uppercase();
    assert_eq!(ann.post(&format!("/inbox/{upper}"), &body).await.status, 201);
}

async fn somebody_banned_from_the_server_receives_nothing(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (ann, bob, eve) = (server.user().await, server.user().await, server.user().await);
    let (bob_id, eve_id): (UserId, UserId) = (bob.id.parse().unwrap(), eve.id.parse().unwrap());
    server
        .change(async |write: &mut Write| {
            write.ban(&bob_id, &Scope::Server, None).await.unwrap();
            write.ban(&eve_id, &Scope::Rooms(vec![room]), None).await.unwrap();
        })
        .await;
    assert_eq!(send(&ann, &bob, b"x").await.status, 404);
    assert_eq!(send(&bob, &ann, b"x").await.status, 403);
    // A ban from a room is no matter here.
    assert_eq!(send(&ann, &eve, b"x").await.status, 201);
    assert_eq!(send(&eve, &ann, b"x").await.status, 201);
}

async fn clearing_the_inbox_empties_the_outboxes_of_others(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    sent(&ann, &bob, b"1").await;
    sent(&ann, &bob, b"2").await;
    let back = sent(&bob, &ann, b"3").await["id"].as_i64().unwrap();
    assert_eq!(json(&bob.delete("/inbox").await), json!({ "deleted": 2 }));
    assert_eq!(json(&bob.delete("/inbox").await), json!({ "deleted": 0 }));
    assert_eq!(json(&bob.get("/inbox").await), json!([]));
    assert_eq!(json(&ann.get("/outbox").await), json!([]));
    assert_eq!(ids(&ann.get("/inbox").await), [back]);
    let next = sent(&ann, &bob, b"4").await["id"].as_i64().unwrap();
    assert!(next > back);
    assert_eq!(ids(&bob.get(&format!("/inbox/since/{back}")).await), [next]);
}

async fn expired_messages_are_not_shown(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    sent(&ann, &bob, b"old").await;
    server.pass(1);
    let newer = sent(&ann, &bob, b"new").await["id"].as_i64().unwrap();
    server.pass(15 * 86_400 - 1);
    assert_eq!(ids(&bob.get("/inbox").await), [newer]);
    assert_eq!(ids(&ann.get("/outbox").await), [newer]);
    server.pass(1);
    assert_eq!(json(&bob.get("/inbox").await), json!([]));
    assert_eq!(bob.get("/inbox/since/0").await.status, 304);
}

async fn within_a_day_only_so_many_are_sent(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| settings.direct_messages.per_day = 2).await else {
        return;
    };
    let (ann, bob, root) = (server.user().await, server.user().await, server.user().await);
    let id: UserId = root.id.parse().unwrap();
    server
        .change(async |write: &mut Write| {
            let change = RoleChange::Admin { visible: None };
            write.change_role(&id, &Scope::Server, change).await.unwrap();
        })
        .await;
    sent(&ann, &bob, b"1").await;
    server.pass(1000);
    sent(&ann, &root, b"2").await;
    let answer = send(&ann, &bob, b"3").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), Some("85400"));
    // What is wrong with the message itself comes first.
    assert_eq!(ann.post(&format!("/inbox/{}", bob.id), &json!({})).await.status, 400);
    sent(&bob, &ann, b"others are not concerned").await;
    for _ in 0..3 {
        sent(&root, &bob, b"nor are admins of the server").await;
    }
    server.pass(85_399);
    assert_eq!(send(&ann, &bob, b"3").await.header("retry-after"), Some("1"));
    server.pass(1);
    sent(&ann, &bob, b"3").await;
    assert_eq!(send(&ann, &bob, b"4").await.header("retry-after"), Some("1000"));
}

async fn at_the_same_time_no_more_are_sent_either(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| settings.direct_messages.per_day = 3).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    let send = || send(&ann, &bob, b"x");
    let answers = tokio::join!(send(), send(), send(), send(), send(), send());
    let mut statuses = [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5].map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 201, 429, 429, 429]);
}

async fn the_boxes_are_for_people_with_blinded_ids(stores: Stores) {
    let open = |settings: &mut sogs::settings::Settings| settings.users.require_blind_keys = false;
    let Some(server) = Server::start_with(stores, open).await else {
        return;
    };
    let (ann, plain) = (server.user().await, server.unblinded());
    for path in ["/inbox", "/outbox", "/inbox/since/0", "/outbox/since/0"] {
        assert_eq!(server.get(path).await.status, 401, "{path}");
        let answer = plain.get(path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(&answer.body[..], b"This endpoint requires blinded pubkeys be used");
    }
    assert_eq!(plain.delete("/inbox").await.status, 401);
    let request = with_json("DELETE", "/inbox", &json!({}));
    assert_eq!(server.anonymous().direct(request).await.unwrap().status, 401);
    let request = with_json("POST", &format!("/inbox/{}", ann.id), &json!({ "message": "AAAA" }));
    assert_eq!(server.anonymous().direct(request).await.unwrap().status, 401);
    // Everybody can write.
    let message = sent(&plain, &ann, b"x").await;
    assert_eq!(message["sender"], json!(plain.id));
    assert_eq!(ann.get("/inbox/nothing").await.status, 405);
}

async fn a_message_sent_by_another_process_is_found(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    assert_eq!(bob.get("/inbox/since/0").await.status, 304);
    let other = server.second().await;
    let id = send_beside(&server, other.app(), &ann, &bob).await;
    server.app().directory.catch_up().await.unwrap();
    assert_eq!(ids(&bob.get("/inbox/since/0").await), [id]);
    other.stop().await;
}

/// What another process sends, which this one is not told of.
async fn send_beside(server: &Server, other: &sogs::app::Community, sender: &Person, recipient: &Person) -> i64 {
    let (from, to): (UserId, UserId) = (sender.id.parse().unwrap(), recipient.id.parse().unwrap());
    let sender = other.store.find_user(&from).await.unwrap().unwrap();
    let recipient = other.store.find_user(&to).await.unwrap().unwrap();
    let mut write = other.store.write(server.clock.now()).await.unwrap();
    let lifetime = std::time::Duration::from_secs(60);
    let message = write.send_direct(&sender, &recipient, b"x", lifetime).await.unwrap();
    write.commit().await.unwrap();
    message.id
}

async fn a_message_of_another_process_is_not_lost_behind_one_of_our_own(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob, eve) = (server.user().await, server.user().await, server.user().await);
    server.app().directory.catch_up().await.unwrap();
    assert_eq!(bob.get("/inbox/since/0").await.status, 304);
    let other = server.second().await;
    let id = send_beside(&server, other.app(), &ann, &bob).await;
    sent(&eve, &ann, b"ours has the larger id").await;
    server.app().directory.catch_up().await.unwrap();
    assert_eq!(ids(&bob.get("/inbox/since/0").await), [id]);
    other.stop().await;
}

async fn ids_are_never_used_again(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob) = (server.user().await, server.user().await);
    let first = sent(&ann, &bob, b"x").await["id"].as_i64().unwrap();
    assert_eq!(bob.delete("/inbox").await.status, 200);
    server.restart().await;
    let (ann, bob) = (server.person_of(ann.account), server.person_of(bob.account));
    let second = sent(&ann, &bob, b"x").await["id"].as_i64().unwrap();
    assert!(second > first);
    let user = server
        .app()
        .store
        .find_user(&bob.id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let kept = server
        .app()
        .store
        .direct_messages(user.no, Mailbox::Inbox, 0, 10, server.clock.now());
    assert_eq!(kept.await.unwrap().len(), 1);
}
