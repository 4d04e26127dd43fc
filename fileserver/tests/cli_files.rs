//! Commands about single files, beside a running server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use serde_json::Value;
use shared::client::Request;
use shared::filing::count_doomed;
use support::{Place, Stores, Transfers, now};

in_every_place!(
    a_file_is_described_and_can_be_given_a_longer_life,
    a_deleted_file_is_gone_at_once_and_may_come_back,
    blocking_takes_effect_at_once_and_can_be_taken_back,
    a_blocked_number_blocks_its_bytes_too,
    usage_counts_files_and_bytes,
);

/// The id of no file.
const ABSENT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn a_file_is_described_and_can_be_given_a_longer_life(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let server = place.serve();
    let request = Request::new("POST", "/file").header("X-FS-TTL", "100").body("short");
    let uploaded: Value = serde_json::from_slice(&server.direct(request).await.body).unwrap();
    let id = uploaded["id"].as_str().unwrap();

    let text = place.run(&["info", id]).ok();
    assert!(text.contains(id) && text.contains("5 bytes"), "{text}");
    let info = place.run(&["info", id, "--json"]).json();
    for key in ["id", "size", "uploaded", "expires"] {
        assert_eq!(info[key], uploaded[key], "{key}");
    }

    let extended = place.run(&["extend", id, "--for", "3 days", "--json"]).json();
    let life = extended["expires"].as_f64().unwrap() - now().as_seconds_f64();
    assert!((259_000.0..=259_200.0).contains(&life), "{life}");
    let over_http = server.direct(Request::new("GET", &format!("/file/{id}/info"))).await;
    let over_http: Value = serde_json::from_slice(&over_http.body).unwrap();
    assert_eq!(over_http["expires"], extended["expires"]);
    let without_unit = place.run(&["extend", id, "--for", "30"]);
    assert_eq!(without_unit.code, 2);
    assert!(without_unit.stderr.contains("\"2d\""), "{without_unit:?}");
    let unchanged = place.run(&["extend", id, "--for", "1s", "--json"]).json();
    assert_eq!(
        unchanged["expires"], extended["expires"],
        "a life is never made shorter"
    );

    for command in ["info", "extend"] {
        assert!(place.run(&[command, ABSENT]).fails().contains("no such file"));
    }
}

async fn a_deleted_file_is_gone_at_once_and_may_come_back(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let server = place.serve();
    let (one, other) = (server.upload("one").await, server.upload("other").await);
    let done = place.run(&["delete", &one, ABSENT, &other]);
    assert_eq!(done.code, 1, "one of them is not there");
    assert!(done.stderr.contains(ABSENT), "{done:?}");
    assert_eq!(done.stdout, format!("deleted {one}\ndeleted {other}\n"));
    assert_eq!([server.status(&one).await, server.status(&other).await], [404, 404]);
    assert_eq!(server.upload("one").await, one);
    assert_eq!(server.status(&one).await, 200);
}

async fn blocking_takes_effect_at_once_and_can_be_taken_back(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let server = place.serve();
    let id = server.upload("unwanted").await;
    let again = || Request::new("POST", "/file").body("unwanted");

    assert_eq!(place.run(&["blocked", "--json"]).json(), Value::Array(vec![]));
    assert_eq!(
        place.run(&["block", &id, "--note", "report 7"]).ok(),
        format!("blocked {id}\n")
    );
    assert_eq!(server.status(&id).await, 404);
    assert_eq!(server.direct(again()).await.status, 403);
    assert!(place.run(&["info", &id]).fails().contains("blocked"));
    let listed = place.run(&["blocked", "--json"]).json();
    assert_eq!(listed[0]["id"], *id);
    assert_eq!(listed[0]["note"], "report 7");
    assert!(place.run(&["blocked"]).ok().contains("report 7"));

    assert_eq!(place.run(&["unblock", &id]).ok(), format!("unblocked {id}\n"));
    assert_eq!(server.status(&id).await, 200);
    assert_eq!(server.direct(again()).await.status, 200);
    assert!(place.run(&["unblock", &id]).fails().contains("was not blocked"));
}

async fn a_blocked_number_blocks_its_bytes_too(stores: Stores) {
    let Some(mut place) = Place::on(stores) else { return };
    place.set("FILESERVER_FILES_ID_MODE", "numeric");
    let server = place.serve();
    let number = server.upload("unwanted").await;
    assert!(number.parse::<u64>().is_ok(), "{number}");
    let blocked = place.run(&["block", &number]).ok();
    assert_eq!(blocked.lines().count(), 2, "{blocked}");
    assert_eq!(server.status(&number).await, 404);
    let again = server.direct(Request::new("POST", "/file").body("unwanted")).await;
    assert_eq!(again.status, 403);
}

async fn usage_counts_files_and_bytes(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let server = place.serve();
    server.upload("12345").await;
    server.upload("1234567").await;
    let usage = place.run(&["usage", "--json"]).json();
    assert_eq!(usage["files"], 2);
    assert_eq!(usage["bytes"], 12);
    assert_eq!(usage["days"][0]["files"], 2);
    let text = place.run(&["usage", "--versions"]).ok();
    assert!(text.contains("12 B"), "{text}");
}

#[test]
fn without_a_database_the_commands_say_which_folder_they_looked_in() {
    let place = Place::new();
    for arguments in [
        &["usage"][..],
        &["info", ABSENT],
        &["check"],
        &["blocked"],
        &["backup", "b"],
    ] {
        let complaint = place.run(arguments).fails();
        assert!(complaint.contains("there is no database at"), "{complaint}");
        assert!(complaint.contains(place.data().to_str().unwrap()), "{complaint}");
    }
    assert!(!place.data().exists(), "they make nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_cannot_be_deleted_hold_up_no_others() {
    let place = Place::new();
    let files = place.files().await;
    let mut expired = Vec::new();
    for number in 0..4 {
        expired.push(place.add(&files, &format!("expired {number}"), -10).await.blob);
    }
    expired.sort();
    let stuck = place.data().join("files").join(expired.remove(0));
    std::fs::remove_file(&stuck).unwrap();
    std::fs::create_dir(&stuck).unwrap();
    std::fs::write(stuck.join("not ours"), b"x").unwrap();

    let other = place.add(&files, "deleted", 1000).await;
    assert_eq!(files.sweep().await.unwrap(), 4);
    for blob in expired {
        assert_eq!(files.blobs().size(&blob.parse().unwrap()).await.unwrap(), None);
    }
    assert_eq!(count_doomed(files.store().database()).await.unwrap(), 1);

    place.run(&["delete", &other.id]).ok();
    assert_eq!(files.blobs().size(&other.blob.parse().unwrap()).await.unwrap(), None);

    std::fs::remove_dir_all(&stuck).unwrap();
    files.sweep().await.unwrap();
    assert_eq!(count_doomed(files.store().database()).await.unwrap(), 0);
}
