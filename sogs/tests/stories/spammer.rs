//! A spammer comes, is stopped, and may come back a day later.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use serde_json::{Value, json};
use shared::blob::Listed;
use shared::client::Request;
use sogs::jobs;

use crate::in_process::{Person, Server, Stores, json, with_json};
use crate::{Reader, assert_tombstone, good, numbers, on_both_stores, posted, posted_with, react, upload, uploaded};

on_both_stores!(
    a_spammer_is_deleted_banned_and_purged,
    a_ban_and_a_purge_of_somebody_who_posted_nothing,
);

const DAY: u64 = 86_400;

async fn a_spammer_is_deleted_banned_and_purged(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    let (regular, moderator, spammer) = (server.user().await, server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let mut reader = Reader::new(&regular, "lobby");
    let hello = posted(&regular, "lobby", "hello").await;
    assert_eq!(numbers(&reader.news().await, "id"), [hello]);

    // The spammer posts as much as the room lets anybody, with pictures, and reacts.
    let pictures = [
        uploaded(&spammer, "lobby", "picture one").await,
        uploaded(&spammer, "lobby", "picture two").await,
        uploaded(&spammer, "lobby", "a picture that no message shows").await,
    ];
    let files = |number: usize| json!({ "files": [pictures[number].to_string()] });
    let mut spam = vec![
        posted_with(&spammer, "lobby", "spam", files(0)).await,
        posted_with(&spammer, "lobby", "spam", files(1)).await,
    ];
    while let answer = spammer.say("lobby", "spam").await
        && answer.status != 429
    {
        spam.push(good(&answer, 201)["id"].as_i64().unwrap());
    }
    assert_eq!(spam.len(), 5);
    assert_eq!(good(&react(&spammer, "lobby", hello, "🤑").await, 200)["added"], true);
    let news = reader.news().await;
    let mut expected = spam.clone();
    expected.push(hello);
    assert_eq!(numbers(&news, "id"), expected);
    let reaction = json!({ "🤑": { "index": 0, "count": 1, "reactors": [spammer.id] } });
    assert_eq!(news[5], json!({ "id": hello, "seqno": 7, "reactions": reaction }));
    assert_eq!(fetch(&regular, pictures[0]).await, 200);

    // A moderator deletes the first two, one by one.
    for message in &spam[..2] {
        let answer = moderator.delete(&format!("/room/lobby/message/{message}")).await;
        assert_eq!(good(&answer, 200), json!({}));
    }
    let news = reader.news().await;
    assert_eq!(numbers(&news, "id"), spam[..2]);
    news.iter().for_each(|update| assert_tombstone(update, &spammer.id));
    assert_eq!(fetch(&regular, pictures[0]).await, 404);
    assert_eq!(fetch(&regular, pictures[1]).await, 404);
    assert_eq!(fetch(&regular, pictures[2]).await, 200);
    // Whoever comes only now is shown no tombstones. That they hear of two deletions afterwards does no harm.
    let newcomer = server.user().await;
    let mut late = Reader::new(&newcomer, "lobby");
    let page = late.page().await;
    assert_eq!(numbers(&page, "id"), [spam[2], spam[3], spam[4], hello]);
    let news = late.news().await;
    assert_eq!(numbers(&news, "id"), spam[..2]);
    news.iter().for_each(|update| assert_tombstone(update, &spammer.id));

    ban_and_purge(&moderator, &spammer, [200, 200]).await;
    assert_shut_out(&spammer, hello, spam[2]).await;
    for reader in [&mut reader, &mut late] {
        let news = reader.news().await;
        assert_eq!(
            BTreeSet::from_iter(numbers(&news, "id")),
            BTreeSet::from_iter(spam[2..].iter().copied())
        );
        assert_eq!(news.len(), 3);
        news.iter().for_each(|update| assert_tombstone(update, &spammer.id));
        assert_eq!(reader.news().await, Vec::<Value>::new());
    }
    assert_eq!(fetch(&regular, pictures[2]).await, 404);

    // Reactions stay until a moderator clears them.
    let cleared = moderator
        .delete(&format!("/room/lobby/reactions/{hello}/%F0%9F%A4%91"))
        .await;
    let cleared = good(&cleared, 200);
    assert_eq!(cleared["removed"], 1);
    assert_eq!(
        reader.news().await,
        [json!({ "id": hello, "seqno": cleared["seqno"], "reactions": {} })]
    );
    for who in [&regular, &moderator, &newcomer] {
        let recent = good(&who.get("/room/lobby/messages/recent").await, 200);
        assert_eq!(numbers(recent.as_array().unwrap(), "id"), [hello]);
    }

    // The bytes are gone at the next turn of the timed work, and a day later so is the ban.
    jobs::keep_once(server.app()).await;
    let left = server.app().blobs.list();
    let left = left.filter(|found| std::future::ready(matches!(found, Ok(Listed::Blob(_)))));
    assert_eq!(left.count().await, 0);
    server.pass(DAY - 1);
    jobs::keep_once(server.app()).await;
    assert_shut_out(&spammer, hello, spam[2]).await;
    server.pass(1);
    jobs::keep_once(server.app()).await;
    let sorry = posted(&spammer, "lobby", "sorry").await;
    assert_eq!(numbers(&reader.news().await, "id"), [sorry]);
    assert_eq!(
        numbers(&Reader::new(&spammer, "lobby").news().await, "id"),
        [hello, sorry]
    );
}

/// Deleting nothing is a failure, which ends the sequence, but the ban before it stands.
async fn a_ban_and_a_purge_of_somebody_who_posted_nothing(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (regular, moderator, lurker) = (server.user().await, server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let hello = posted(&regular, "lobby", "hello").await;
    ban_and_purge(&moderator, &lurker, [200, 404]).await;
    assert_shut_out(&lurker, hello, hello).await;
}

async fn fetch(person: &Person, file: i64) -> u16 {
    person.get(&format!("/room/lobby/file/{file}")).await.status
}

/// What Desktop sends for "ban and delete all", with an end.
async fn ban_and_purge(moderator: &Person, spammer: &Person, codes: [u16; 2]) {
    let id = &spammer.id;
    let sequence = json!([
        { "method": "POST", "path": format!("/user/{id}/ban"), "json": { "rooms": ["lobby"], "timeout": DAY } },
        { "method": "DELETE", "path": format!("/room/lobby/all/{id}") },
    ]);
    let results = good(&moderator.post("/sequence", &sequence).await, 200);
    let results: Vec<&Value> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["code"])
        .collect();
    assert_eq!(results, [&json!(codes[0]), &json!(codes[1])]);
}

/// That somebody banned from the lobby can do nothing there, and does not find it either.
async fn assert_shut_out(person: &Person, message: i64, own: i64) {
    assert_eq!(person.get("/room/lobby").await.status, 404);
    assert_eq!(json(&person.get("/rooms").await), json!([]));
    assert_eq!(person.say("lobby", "me again").await.status, 403);
    assert_eq!(upload(person, "lobby", "x").await.status, 403);
    assert_eq!(react(person, "lobby", message, "x").await.status, 403);
    for path in [
        "pollInfo/0".to_owned(),
        "messages/recent".to_owned(),
        "messages/since/0".to_owned(),
        format!("message/{message}"),
    ] {
        assert_eq!(person.get(&format!("/room/lobby/{path}")).await.status, 403, "{path}");
    }
    let own = format!("/room/lobby/message/{own}");
    assert_eq!(person.delete(&own).await.status, 403);
    let edit = with_json("PUT", &own, &crate::message("edited", json!({})));
    assert_eq!(person.call(edit).await.status, 403);
    let pin = Request::new("POST", &format!("/room/lobby/pin/{message}"));
    assert_eq!(person.call(pin).await.status, 403);
    // Other things on the server are as before.
    assert_eq!(person.get("/inbox").await.status, 200);
}
