//! `sogs check`: what it finds, what it mends, and what it leaves alone.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use shared::blob::{BlobKey, BlobStore};
use shared::client::Request;
use shared::db::{Database, sqlx};
use shared::run;
use sogs::store::Store;
use support::{Person, Place, Stores};

in_every_place!(
    nothing_is_found_where_all_is_well,
    lost_and_stray_bytes_are_found_and_mended,
    contradicting_rows_are_found_and_mended,
    a_check_that_is_broken_off_goes_on_with_its_cursor,
);

async fn upload(person: &Person, content: &str) -> i64 {
    let request = Request::new("POST", "/room/lobby/file").body(content.to_owned());
    let answer = person.call(request).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    serde_json::from_slice::<Value>(&answer.body).unwrap()["id"]
        .as_i64()
        .unwrap()
}

async fn rows(place: &Place) -> Store {
    Store::open_existing(&place.database, None).await.unwrap()
}

async fn blob_of(db: &Database, file: i64) -> BlobKey {
    let mut tx = db.read().await.unwrap();
    let blob = run!(
        tx,
        fetch_one,
        query_scalar::<_, String>,
        "SELECT blob FROM files WHERE id = $1",
        file
    );
    blob.unwrap().parse().unwrap()
}

async fn change(db: &Database, statement: &'static str) {
    let mut tx = db.write().await.unwrap();
    let changed = run!(tx, execute, query, statement).unwrap();
    assert!(changed > 0, "{statement}");
    tx.commit().await.unwrap();
}

fn make(place: &Place) {
    place.run(&["init"]).ok();
    place.run(&["room", "add", "lobby"]).ok();
    place.run(&["room", "add", "other"]).ok();
}

async fn nothing_is_found_where_all_is_well(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    make(&place);
    let live = place.live().await;
    let alice = live.user().await;
    let id = alice.say("lobby", "hello").await;
    upload(&alice, "content").await;
    let path = format!("/room/lobby/reaction/{id}/%F0%9F%90%8D");
    assert_eq!(alice.call(Request::new("PUT", &path)).await.status, 200);
    let done = place.run(&["check", "--json"]);
    assert_eq!(done.code, 0, "{done:?}");
    let (found, summary) = done.findings();
    assert!(found.is_empty(), "{found:?}");
    assert_eq!([&summary["files"], &summary["bytes"], &summary["blobs"]], [1, 7, 1]);
    assert!(place.run(&["check", "--repair"]).ok().contains("repaired  0"));
}

async fn lost_and_stray_bytes_are_found_and_mended(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    make(&place);
    let live = place.live().await;
    let alice = live.user().await;
    let (whole, missing, short) = (
        upload(&alice, "whole").await,
        upload(&alice, "missing").await,
        upload(&alice, "short").await,
    );
    let (store, blobs) = (rows(&place).await, BlobStore::open(&place.blobs).unwrap());
    let db = store.database();
    blobs.delete(&blob_of(db, missing).await).await.unwrap();
    let key = blob_of(db, short).await;
    blobs.delete(&key).await.unwrap();
    blobs.put(&key, Bytes::from_static(b"shor")).await.unwrap();

    let done = place.run(&["check", "--json"]);
    assert_eq!(done.code, 1, "{done:?}");
    let (mut found, summary) = done.findings();
    found.sort_by_key(|finding| finding["fault"].to_string());
    assert_eq!(
        found,
        [
            json!({"fault": "missing", "id": missing.to_string(), "repaired": false}),
            json!({"fault": "wrong_size", "id": short.to_string(), "expected": 5, "actual": 4, "repaired": false}),
        ]
    );
    assert_eq!([&summary["found"], &summary["repaired"]], [2, 0]);
    assert!(blobs.size(&key).await.unwrap().is_some());

    let done = place.run(&["check", "--repair", "--json"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.findings().1["repaired"], 2);
    assert!(blobs.size(&key).await.unwrap().is_none());
    assert!(place.run(&["check"]).ok().contains("found     0"));
    let status = async |id: i64| alice.get(&format!("/room/lobby/file/{id}")).await.status;
    assert_eq!(
        [status(whole).await, status(missing).await, status(short).await],
        [200, 404, 404]
    );
}

async fn contradicting_rows_are_found_and_mended(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    make(&place);
    let live = place.live().await;
    let alice = live.user().await;
    for text in ["one", "two", "three"] {
        alice.say("lobby", text).await;
    }
    upload(&alice, "content").await;
    let path = "/room/lobby/reaction/1/%F0%9F%90%8D";
    assert_eq!(alice.call(Request::new("PUT", path)).await.status, 200);
    // With nobody there who would put some of it right.
    drop(live);
    let store = rows(&place).await;
    let db = store.database();
    for fault in [
        "DELETE FROM reactors",
        "UPDATE messages SET seqno_data = 1 WHERE id = 2",
        "UPDATE rooms SET message_sequence = 1, active_users = 1000 WHERE token = 'lobby'",
        // The file is the lobby's.
        "UPDATE rooms SET image = 1 WHERE token = 'other'",
        "INSERT INTO pins (room, message, pinned_by, pinned_at) VALUES (2, 3, 1, 1)",
        "INSERT INTO doomed (blob) SELECT blob FROM files",
        "INSERT INTO direct_messages (id, sender, recipient, body, posted_at, expiry)
            SELECT 7, 1, 1, data, 1, 9000000000000000000 FROM messages WHERE id = 1",
    ] {
        change(db, fault).await;
    }
    let expected = [
        ("file 1", "its bytes are about to be deleted"),
        ("message 1", "it has a reaction that is nobody's"),
        ("message 2", "its sequence number is not that of its latest change"),
        ("message 3", "a message is pinned that is deleted or in another room"),
        ("room lobby", "its latest sequence number is below that of a message"),
        ("room lobby", "more people are counted as active than were seen"),
        ("room other", "its image is no file of the room"),
        ("server", "a direct message has a higher number than the latest"),
    ];
    for repair in [false, true] {
        let done = if repair {
            place.run(&["check", "--json", "--repair"])
        } else {
            place.run(&["check", "--json"])
        };
        assert_eq!(done.code, i32::from(!repair), "{done:?}");
        let (mut found, _) = done.findings();
        found.sort_by_key(Value::to_string);
        let expected = expected.map(|(about, problem)| {
            json!({"fault": "contradiction", "about": about, "problem": problem, "repaired": repair})
        });
        assert_eq!(found, expected);
    }
    assert!(place.run(&["check"]).ok().contains("found     0"));
    // The server goes on, and what was mended shows to whoever had seen all before.
    let live = place.live().await;
    let alice = live.user().await;
    let id = alice.say("lobby", "four").await;
    assert_eq!(id, 4);
    assert_eq!(alice.get("/room/lobby/file/1").await.status, 200);
    let page = alice.json("/room/lobby/messages/since/4?t=r").await;
    let ids: Vec<&Value> = page.as_array().unwrap().iter().map(|message| &message["id"]).collect();
    assert!(
        ids.contains(&&json!(1)) && ids.contains(&&json!(2)) && ids.contains(&&json!(4)),
        "{page}"
    );
}

async fn a_check_that_is_broken_off_goes_on_with_its_cursor(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    make(&place);
    let live = place.live().await;
    let alice = live.user().await;
    for number in 0..3 {
        upload(&alice, &format!("file {number}")).await;
    }
    let (mut cursor, mut read, mut seen, mut rounds) = ("files:".to_owned(), 0, 0, 0);
    loop {
        // No time at all: one file each, then the blobs.
        let done = place.run(&["check", "--json", "--for", "0", "--from", &cursor]);
        let (found, summary) = done.findings();
        assert!(found.is_empty());
        read += summary["files"].as_u64().unwrap();
        seen += summary["blobs"].as_u64().unwrap();
        rounds += 1;
        match summary["next"].as_str() {
            Some(next) => assert_ne!(std::mem::replace(&mut cursor, next.to_owned()), next),
            None => break,
        }
    }
    assert_eq!((read, seen), (3, 3));
    assert!(rounds > 3, "{rounds}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stray_bytes_are_removed_once_they_are_old_and_damage_of_the_database_is_named() {
    let place = Place::new();
    make(&place);
    drop(place.live().await);
    let blobs = BlobStore::open(&place.blobs).unwrap();
    let key: BlobKey = "ab/abcdef0123456789abcdef0123456789".parse().unwrap();
    blobs.put(&key, Bytes::from_static(b"stray")).await.unwrap();
    assert!(place.run(&["check"]).ok().contains("found     0"));
    let path = blobs.local_path().unwrap().join(key.as_str());
    let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(60);
    std::fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(old)
        .unwrap();
    let done = place.run(&["check", "--json"]);
    assert_eq!(done.code, 1);
    assert_eq!(done.findings().0[0]["fault"], "stray");
    place.run(&["check", "--repair"]).ok();
    assert!(blobs.size(&key).await.unwrap().is_none());

    // A row that refers to nothing, as SQL from outside makes it.
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(place.data().join("sogs.db"))
        .foreign_keys(false);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let orphan = "INSERT INTO scheduled_bans (room, person, at, banned) VALUES (77, 78, 9000000000000000000, 1)";
    sqlx::query(orphan).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    let done = place.run(&["check", "--json"]);
    assert_eq!(done.code, 1);
    let (found, _) = done.findings();
    assert_eq!(found[0]["about"], "scheduled ban 1");
    assert_eq!(found[1]["fault"], "database");
    place.run(&["check", "--repair"]).ok();
    assert!(place.run(&["check"]).ok().contains("found     0"));
}
