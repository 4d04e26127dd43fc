//! `fileserver check`: what it finds, what it mends, and what it leaves alone.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use std::fs::File;
use std::slice;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fileserver::files::Files;
use fileserver::store::FileRow;
use serde_json::Value;
use shared::blob::BlobKey;
use support::{Place, Stores, Transfers, blobs, damage};

in_every_place!(
    nothing_is_found_where_all_is_well,
    every_kind_of_damage_is_found_and_nothing_is_changed,
    a_repair_removes_what_is_damaged_and_nothing_else,
    a_check_that_is_broken_off_goes_on_with_its_cursor,
    nothing_is_removed_when_no_file_has_its_bytes,
    expired_files_are_not_looked_at,
    bytes_of_deleted_files_are_pending_until_a_repair,
    a_file_that_was_mended_meanwhile_is_whole,
);

struct Damaged {
    whole: FileRow,
    missing: FileRow,
    short: FileRow,
    altered: FileRow,
}

async fn damaged(place: &Place, files: &Files) -> Damaged {
    let damaged = Damaged {
        whole: place.add(files, "whole", 1000).await,
        missing: place.add(files, "missing", 1000).await,
        short: place.add(files, "short", 1000).await,
        altered: place.add(files, "altered", 1000).await,
    };
    let key: BlobKey = damaged.missing.blob.parse().unwrap();
    files.blobs().delete(&key).await.unwrap();
    damage(files, &damaged.short.blob, b"shor").await;
    damage(files, &damaged.altered.blob, b"ALTERED").await;
    damaged
}

/// The fault that was found with a file.
fn fault<'a>(found: &'a [Value], row: &FileRow) -> Option<&'a str> {
    let mut about = found.iter().filter(|finding| finding["id"] == *row.id);
    let fault = about.next()?["fault"].as_str();
    assert!(about.next().is_none(), "it was found twice");
    fault
}

async fn nothing_is_found_where_all_is_well(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let server = place.serve();
    server.upload("one").await;
    server.upload("other").await;
    let done = place.run(&["check", "--json"]);
    assert_eq!(done.code, 0, "{done:?}");
    let (found, summary) = done.findings();
    assert!(found.is_empty(), "{found:?}");
    assert_eq!([&summary["files"], &summary["bytes"], &summary["blobs"]], [2, 8, 2]);
    assert_eq!(summary["next"], Value::Null);
    assert!(place.run(&["check", "--repair"]).ok().contains("repaired  0"));
}

async fn every_kind_of_damage_is_found_and_nothing_is_changed(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    let rows = damaged(&place, &files).await;
    let before = blobs(&files).await;
    let done = place.run(&["check", "--json"]);
    assert_eq!(done.code, 1, "{done:?}");
    let (found, summary) = done.findings();
    assert_eq!(fault(&found, &rows.whole), None);
    assert_eq!(fault(&found, &rows.missing), Some("missing"));
    assert_eq!(fault(&found, &rows.short), Some("wrong_size"));
    assert_eq!(fault(&found, &rows.altered), Some("wrong_content"));
    assert_eq!([&summary["found"], &summary["repaired"]], [3, 0]);
    assert_eq!(blobs(&files).await, before);
    assert_eq!(files.store().count().await.unwrap(), 4);

    let text = place.run(&["check"]);
    assert_eq!(text.code, 1);
    assert!(text.stdout.contains("4 bytes instead of 5"), "{text:?}");
    assert!(text.stdout.contains("check --repair"), "{text:?}");
}

async fn a_repair_removes_what_is_damaged_and_nothing_else(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    let rows = damaged(&place, &files).await;
    let done = place.run(&["check", "--repair", "--json"]);
    assert_eq!(done.code, 0, "{done:?}");
    let (_, summary) = done.findings();
    assert_eq!(
        [&summary["found"], &summary["repaired"], &summary["pending"]],
        [3, 3, 0]
    );
    assert_eq!(files.store().page("", 10).await.unwrap(), slice::from_ref(&rows.whole));
    assert_eq!(blobs(&files).await, [rows.whole.blob]);
    assert!(place.run(&["check"]).ok().contains("found     0"));
}

async fn a_check_that_is_broken_off_goes_on_with_its_cursor(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    damaged(&place, &files).await;
    let (mut cursor, mut found, mut read, mut seen) = ("files:".to_owned(), 0, 0, 0);
    let mut rounds = 0;
    loop {
        // No time at all: one file each, then the blobs.
        let (_, summary) = place
            .run(&["check", "--json", "--for", "0", "--from", &cursor])
            .findings();
        found += summary["found"].as_u64().unwrap();
        read += summary["files"].as_u64().unwrap();
        seen += summary["blobs"].as_u64().unwrap();
        rounds += 1;
        match summary["next"].as_str() {
            Some(next) => assert_ne!(std::mem::replace(&mut cursor, next.to_owned()), next),
            None => break,
        }
    }
    assert_eq!((found, read, seen), (3, 4, 3));
    assert!(rounds > 4, "{rounds}");
    assert!(cursor.starts_with("blobs:"), "{cursor}");
    let text = place.run(&["check", "--for", "0"]);
    assert!(
        text.stdout.contains("To go on: fileserver check --from files:"),
        "{text:?}"
    );
}

async fn nothing_is_removed_when_no_file_has_its_bytes(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    for number in 0..12 {
        let row = place.add(&files, &format!("file {number}"), 1000).await;
        files.blobs().delete(&row.blob.parse().unwrap()).await.unwrap();
    }
    let complaint = place.run(&["check", "--repair"]).fails();
    assert!(complaint.contains("right place for the files"), "{complaint}");
    assert_eq!(files.store().count().await.unwrap(), 12);
    let (found, _) = place.run(&["check", "--json"]).findings();
    assert_eq!(found.len(), 12, "looking is allowed");
}

async fn expired_files_are_not_looked_at(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    let row = place.add(&files, "over", -5).await;
    files.blobs().delete(&row.blob.parse().unwrap()).await.unwrap();
    let (found, summary) = place.run(&["check", "--json"]).findings();
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(summary["files"], 0);
}

async fn bytes_of_deleted_files_are_pending_until_a_repair(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    let row = place.add(&files, "deleted", 1000).await;
    files.store().delete(&row.id.parse().unwrap()).await.unwrap();
    let done = place.run(&["check", "--json"]);
    assert_eq!(done.code, 0, "that is no damage: {done:?}");
    assert_eq!(done.findings().1["pending"], 1);
    let (_, summary) = place.run(&["check", "--repair", "--json"]).findings();
    assert_eq!(summary["pending"], 0);
    assert!(blobs(&files).await.is_empty());
}

async fn a_file_that_was_mended_meanwhile_is_whole(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    let rows = damaged(&place, &files).await;
    place.add(&files, "missing", 1000).await;
    let (found, _) = place.run(&["check", "--json"]).findings();
    assert_eq!(fault(&found, &rows.missing), None);
    assert_eq!(found.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_bytes_without_a_file_are_strays_and_young_ones_are_uploads_in_flight() {
    let place = Place::new();
    let files = place.files().await;
    let kept = place.add(&files, "kept", 1000).await;
    let [old, young] = [(); 2].map(|()| BlobKey::random());
    for key in [&old, &young] {
        files.blobs().put(key, Bytes::from_static(b"stray")).await.unwrap();
    }
    let aged = |key: &str| {
        let file = File::options().write(true).open(place.data().join("files").join(key));
        let time = SystemTime::from(support::now().minus(Duration::from_secs(3 * 60 * 60)));
        file.unwrap().set_modified(time).unwrap();
    };
    aged(old.as_str());
    aged(&kept.blob);
    let done = place.run(&["check", "--json"]);
    assert_eq!(done.code, 1, "{done:?}");
    let (found, _) = done.findings();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!([&found[0]["fault"], &found[0]["blob"]], ["stray", old.as_str()]);
    assert_eq!(blobs(&files).await.len(), 3);

    place.run(&["check", "--repair"]).ok();
    assert_eq!(files.blobs().size(&old).await.unwrap(), None);
    assert_eq!(files.blobs().size(&young).await.unwrap(), Some(5));
    assert_eq!(files.blobs().size(&kept.blob.parse().unwrap()).await.unwrap(), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_reached_makes_no_file_look_lost() {
    let Some(mut place) = Place::on(Stores::Shared) else {
        return;
    };
    let files = place.files().await;
    place.add(&files, "there", 1000).await;
    place.set("FILESERVER_BLOB_URL", "s3://no-such-bucket");
    for arguments in [&["check"][..], &["check", "--repair"]] {
        let complaint = place.run(arguments).fails();
        assert!(complaint.contains("nothing can be said about them"), "{complaint}");
    }
    assert_eq!(files.store().count().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_reported() {
    use std::io::{Seek, SeekFrom, Write};
    let place = Place::new();
    let files = place.files().await;
    for number in 0..300 {
        place.add(&files, &format!("file {number}"), 1000).await;
    }
    files.store().database().close().await;
    let path = place.data().join("fileserver.db");
    let mut database = File::options().write(true).open(&path).unwrap();
    let length = database.metadata().unwrap().len();
    // The last page belongs to one of the tables or indexes that the files have filled.
    database.seek(SeekFrom::Start(length - 4096)).unwrap();
    database.write_all(&[0xff; 4096]).unwrap();
    let done = place.run(&["check", "--json"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stdout.contains(r#""fault":"database""#), "{done:?}");
}
