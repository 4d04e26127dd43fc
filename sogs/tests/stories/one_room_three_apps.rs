//! Desktop, iOS and Android join a room, talk, and leave.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::client::Request;
use sogs::jobs;

use crate::apps::{App, Kind};
use crate::in_process::{Server, Stores, with_json};
use crate::{assert_tombstone, good, message, on_both_stores};

on_both_stores!(
    three_apps_talk_in_one_room,
    an_app_that_was_away_for_long_catches_up_page_by_page,
    whoever_leaves_is_not_counted_any_more,
);

const WEEK: u64 = 7 * 86_400;

/// As the apps pad what they send.
fn padded(text: &str) -> Vec<u8> {
    let mut data = text.as_bytes().to_vec();
    data.push(0x80);
    data.resize(160, 0);
    data
}

fn number(object: &Value, name: &str) -> i64 {
    object[name].as_i64().unwrap()
}

async fn three_apps_talk_in_one_room(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("Lobby").await;
    // Two of them spell all links in lower case.
    let mut desktop = App::new(&server, Kind::Desktop, "Lobby");
    let mut ios = App::new(&server, Kind::Ios, "lobby");
    let mut android = App::new(&server, Kind::Android, "lobby");
    for app in [&mut desktop, &mut ios, &mut android] {
        let room = app.join().await;
        assert_eq!(
            (&room["token"], &room["name"]),
            (&json!("Lobby"), &json!("The room Lobby"))
        );
        let news = app.poll().await;
        assert!(news.messages.is_empty() && news.letters.is_empty());
        assert_eq!(app.info["token"], "Lobby");
        assert_eq!((&app.info["read"], &app.info["write"]), (&json!(true), &json!(true)));
    }

    // What one posts all receive, to the byte.
    let hello = desktop.post(&padded("hello"), &[]).await;
    assert_eq!((number(&hello, "seqno"), &hello["reactions"]), (1, &json!({})));
    assert_eq!(hello["posted"], server.now());
    for app in [&mut desktop, &mut ios, &mut android] {
        assert_eq!(app.catch_up().await, std::slice::from_ref(&hello));
    }

    // All three hit the same reaction, however they write it.
    let id = number(&hello, "id");
    for (app, seqno) in [(&desktop, 2), (&ios, 3), (&android, 4)] {
        server.pass(1);
        assert_eq!(app.pineapple("PUT", id).await, json!({ "added": true, "seqno": seqno }));
    }
    assert_eq!(
        android.pineapple("PUT", id).await,
        json!({ "added": false, "seqno": 4 })
    );
    let everybody = [desktop.id.clone(), ios.id.clone(), android.id.clone()];
    for app in [&mut desktop, &mut ios, &mut android] {
        let pineapple = json!({ "index": 0, "count": 3, "reactors": everybody, "you": true });
        let expected = json!({ "id": id, "seqno": 4, "reactions": { "🍍": pineapple } });
        assert_eq!(app.catch_up().await, [expected]);
    }
    assert_eq!(
        android.pineapple("DELETE", id).await,
        json!({ "removed": true, "seqno": 5 })
    );
    let pineapple = json!({ "index": 0, "count": 2, "reactors": everybody[..2] });
    let expected = json!({ "id": id, "seqno": 5, "reactions": { "🍍": pineapple } });
    assert_eq!(android.catch_up().await, [expected]);

    // A picture goes up in a batch and comes down alone.
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let picture = android.upload(&bytes).await;
    let shown = android.post(&padded("look"), &[picture]).await;
    for app in [&desktop, &ios] {
        let answer = app
            .call(Request::new("GET", &format!("/room/Lobby/file/{picture}")))
            .await;
        assert_eq!((answer.status, &answer.body[..]), (200, &bytes[..]));
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    }

    // One message is edited, another deleted.
    let typo = ios.post(&padded("helo"), &[]).await;
    desktop.catch_up().await;
    server.pass(5);
    let path = format!("/message/{}", typo["id"]);
    let edit = message("hello, I meant", json!({}));
    assert_eq!(ios.act("PUT", &path, Some(edit)).await, json!({}));
    let path = format!("/message/{}", shown["id"]);
    assert_eq!(android.act("DELETE", &path, None).await, json!({}));
    let news = desktop.catch_up().await;
    assert_eq!(news.len(), 2, "{news:?}");
    let mut expected = typo.clone();
    expected["data"] = json!(STANDARD.encode("hello, I meant"));
    expected["edited"] = json!(server.now());
    expected["seqno"] = json!(number(&typo, "seqno") + 1);
    assert_eq!(news[0], expected);
    assert_eq!(news[1]["id"], shown["id"]);
    assert_tombstone(&news[1], &android.id);
    let answer = ios
        .call(Request::new("GET", &format!("/room/lobby/file/{picture}")))
        .await;
    assert_eq!(answer.status, 404);
    // Desktop deletes in a batch, too.
    let path = format!("/message/{}", hello["id"]);
    assert_eq!(desktop.act("DELETE", &path, None).await, json!({}));

    // A direct message is in the next poll, and in no other.
    let body = json!({ "message": STANDARD.encode("psst") });
    let letter = with_json("POST", &format!("/inbox/{}", android.id), &body);
    good(&desktop.call(letter).await, 201);
    let letters = android.poll().await.letters;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["message"], STANDARD.encode("psst"));
    assert!(android.poll().await.letters.is_empty());

    for app in [&mut desktop, &mut ios, &mut android] {
        app.catch_up().await;
        let news = app.poll().await;
        assert!(news.messages.is_empty() && news.letters.is_empty());
    }
}

async fn an_app_that_was_away_for_long_catches_up_page_by_page(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let author = App::new(&server, Kind::Desktop, "lobby");
    author.join().await;
    let first = author.post(&padded("first"), &[]).await;
    let mut apps = [Kind::Desktop, Kind::Ios, Kind::Android].map(|kind| App::new(&server, kind, "lobby"));
    for app in &mut apps {
        assert_eq!(app.catch_up().await, std::slice::from_ref(&first));
    }
    let mut posted = Vec::new();
    for number in 0..230 {
        server.pass(4);
        posted.push(author.post(&padded(&number.to_string()), &[]).await);
    }
    // A page is a hundred messages.
    for app in &mut apps {
        assert_eq!(app.poll().await.messages, posted[..100]);
        assert_eq!(app.catch_up().await, posted[100..]);
        assert_eq!(app.catch_up().await, Vec::<Value>::new());
    }
}

async fn whoever_leaves_is_not_counted_any_more(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    let mut apps = [Kind::Desktop, Kind::Ios, Kind::Android].map(|kind| App::new(&server, kind, "lobby"));
    for app in &mut apps {
        app.join().await;
        app.poll().await;
    }
    let count = async |app: &mut App| {
        jobs::flush_activity(server.app()).await.unwrap();
        jobs::keep_once(server.app()).await;
        app.poll().await;
        app.info["active_users"].clone()
    };
    assert_eq!(count(&mut apps[0]).await, 3);
    // Leaving is no request: the others just do not ask any more.
    server.pass(WEEK + 1);
    apps[0].poll().await;
    assert_eq!(count(&mut apps[0]).await, 1);
}
