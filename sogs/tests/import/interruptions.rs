//! Imports that are broken off.

use std::process::Stdio;
use std::sync::Arc;

use serde_json::json;
use shared::clock::Clock;
use shared::config::load;
use shared::db::Database;
use shared::serving::keep_out;
use sogs::import::{Progress, Source, import};
use sogs::settings::{PREFIX, Settings};
use sogs::store::MIGRATIONS;
use tokio::sync::Notify;

use crate::old_server::{OldServer, now};
use crate::support::{Place, Stores};

in_every_place!(
    an_import_that_was_broken_off_keeps_servers_from_starting_until_it_is_run_again,
    a_killed_import_leaves_all_or_nothing,
);

/// Tells when the import comes to a certain step.
struct Comes {
    to: &'static str,
    there: Arc<Notify>,
}

impl Progress for Comes {
    fn begin(&mut self, what: &'static str, _total: u64) {
        if what == self.to {
            self.there.notify_one();
        }
    }

    fn done(&mut self, _count: u64) {}
}

struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _what: &'static str, _total: u64) {}

    fn done(&mut self, _count: u64) {}
}

async fn large(old: &OldServer) {
    let later = now() + 1e6;
    old.sql(&format!(
        r#"INSERT INTO rooms (id, token, name, message_sequence) VALUES (1, 'lobby', 'Lobby', 2000);
        INSERT INTO users (id, session_id) VALUES (1, 'deleted');
        WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 2000)
            INSERT INTO messages (id, room, "user", seqno, seqno_data, data, data_size, signature)
            SELECT n, 1, 1, n, n, X'61', 1, X'{0}' FROM counted;
        WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 40)
            INSERT INTO files (id, room, size, expiry, path) SELECT n, 1, 4, {later}, 'uploads/' || n FROM counted;"#,
        "00".repeat(64)
    ))
    .await;
    for number in 1..=40 {
        old.write(&format!("uploads/{number}"), format!("{number:04}"));
    }
}

async fn is_whole(place: &Place) {
    let live = place.live().await;
    let reader = live.user().await;
    let recent = reader.json("/room/lobby/messages/recent?limit=256").await;
    assert_eq!(
        (recent.as_array().unwrap().len(), &recent[0]["id"]),
        (256, &json!(2000))
    );
    assert_eq!(reader.json("/room/lobby/messages/before/2?limit=5").await[0]["id"], 1);
    for number in [1, 20, 40] {
        let file = reader.get(&format!("/room/lobby/file/{number}")).await;
        assert_eq!(&file.body[..], format!("{number:04}").as_bytes());
    }
}

async fn an_import_that_was_broken_off_keeps_servers_from_starting_until_it_is_run_again(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let old = OldServer::new().await;
    large(&old).await;
    let settings = load::<Settings>(PREFIX, None, |name| place.variable(name), &[])
        .unwrap()
        .settings;
    let source = Source {
        folder: old.path().to_owned(),
        ..Source::default()
    };
    for (step, attempt) in ["files", "messages", "visits to rooms"].into_iter().zip(0..) {
        let there = Arc::new(Notify::new());
        let mut progress = Comes {
            to: step,
            there: Arc::clone(&there),
        };
        let clock = Clock::system();
        tokio::select! {
            biased;
            () = there.notified() => {}
            done = import(&source, &settings, &clock, false, &mut progress) => panic!("{done:?}"),
        }
        is_left(&place).await;
        for command in [&["--listen", "127.0.0.1:0"][..], &["init"], &["room", "list"]] {
            let complaint = place.run(command).fails();
            let again = format!("run `sogs import pysogs {}` again", old.path().display());
            assert!(complaint.contains(&again), "{step}, {attempt}: {complaint}");
        }
    }
    let other = OldServer::new().await;
    other.write("key_x25519", [8; 32]);
    let complaint = other.import(&place, &[]).fails();
    assert!(complaint.contains("another"), "{complaint}");

    let report = import(&source, &settings, &Clock::system(), false, &mut Silent)
        .await
        .unwrap();
    assert_eq!(report.files_there, 40, "no file is copied twice");
    is_whole(&place).await;
    let complaint = old.import(&place, &[]).fails();
    assert!(complaint.contains("rooms or people already"), "{complaint}");
}

/// Waits until PostgreSQL has noticed that nobody is there any more.
async fn is_left(place: &Place) {
    let database = Database::open(&place.database, &MIGRATIONS).await.unwrap();
    while keep_out(&database).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    database.close().await;
}

async fn a_killed_import_leaves_all_or_nothing(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let old = OldServer::new().await;
    large(&old).await;
    let folder = old.path().to_str().unwrap();
    let mut killed = place
        .command(&["import", "pysogs", folder])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // From then on it is at work.
    while !place.data().join("key_x25519").exists() {
        if let Some(ended) = killed.try_wait().unwrap() {
            assert!(ended.success(), "it ended before it began");
            break;
        }
        std::thread::yield_now();
    }
    let _ = killed.kill();
    killed.wait().unwrap();
    let listed = place.run(&["room", "list"]);
    is_left(&place).await;
    if listed.code != 0 {
        assert!(
            listed.stderr.contains("is not finished") || listed.stderr.contains("no server has used"),
            "{listed:?}"
        );
        old.import(&place, &[]).ok();
    }
    is_whole(&place).await;
}
