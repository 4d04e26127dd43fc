//! Attachments and images on the way.

use serde_json::json;

use crate::count;
use crate::old_server::{OldServer, now};
use crate::support::{Place, Stores};

in_every_place!(files_that_are_not_as_their_rows_say_are_told_and_the_others_come_over);

async fn files_that_are_not_as_their_rows_say_are_told_and_the_others_come_over(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let old = OldServer::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = elsewhere.path().join("outside");
    std::fs::write(&outside, b"outside").unwrap();
    std::os::unix::fs::symlink(&outside, old.path().join("link")).unwrap();
    old.write("files/old_files/12345", b"from long ago");
    old.write("uploads/room/2_short", b"shorter");
    old.write("uploads/room/3_empty", b"");
    old.write("uploads/room/10_image", b"image");
    let later = now() + 1e6;
    old.sql(&format!(
        "INSERT INTO rooms (id, token, name, info_updates, image) VALUES
            (1, 'Room', 'Room', 4, 11), (2, 'other', 'Other', 4, 5), (3, 'third', 'Third', 4, 10);
        INSERT INTO files (id, room, size, expiry, path) VALUES
            (1, 1, 13, {later}, 'files/old_files/12345'),
            (2, 1, 99, {later}, 'uploads/room/2_short'),
            (3, 1, 0, {later}, 'uploads/room/3_empty'),
            (4, 1, 5, {later}, 'uploads/room/4_missing'),
            (5, 2, 5, 0.0, 'uploads/room/5_expired'),
            (6, NULL, 5, NULL, 'uploads/room/6_roomless'),
            (7, 1, 5, {later}, 'tmp'),
            (8, 1, 7, {later}, 'link'),
            (9, 1, 5, {later}, 'uploads/room'),
            (10, 1, 5, NULL, 'uploads/room/10_image');",
    ))
    .await;

    let complaint = old.import(&place, &[]).fails();
    assert!(
        complaint.contains("1 files lie outside") && complaint.contains("link"),
        "{complaint}"
    );
    assert!(complaint.contains("--allow-outside"), "{complaint}");
    assert!(!place.data().join("key_x25519").exists(), "nothing was begun");

    let report = old.import(&place, &["--allow-outside", "--json"]).json();
    for (check, times) in [
        ("missing_file", 2),
        ("resized_file", 1),
        ("expired_file", 1),
        ("roomless_file", 1),
        ("unfinished_upload", 1),
        ("outside_file", 1),
        ("lost_image", 2),
        ("foreign_image", 1),
    ] {
        assert_eq!(count(&report, check), times, "{check}: {report:#}");
    }
    assert_eq!(
        report["missing_files"],
        json!([{ "id": 4, "path": "uploads/room/4_missing" }, { "id": 9, "path": "uploads/room" }])
    );
    assert_eq!(report["file_bytes"], 13 + 7 + 7 + 5);

    let live = place.live().await;
    let reader = live.user().await;
    for (id, bytes) in [
        (1, &b"from long ago"[..]),
        (2, b"shorter"),
        (3, b""),
        (8, b"outside"),
        (10, b"image"),
    ] {
        let file = reader.get(&format!("/room/Room/file/{id}")).await;
        assert_eq!((file.status, &file.body[..]), (200, bytes), "{id}");
    }
    for id in [4, 5, 6, 7, 9] {
        assert_eq!(reader.get(&format!("/room/Room/file/{id}")).await.status, 404, "{id}");
    }
    for (token, image, updates) in [("Room", None, 5), ("other", None, 5), ("third", Some(10), 4)] {
        let room = reader.json(&format!("/room/{token}")).await;
        assert_eq!(
            room.get("image_id").and_then(serde_json::Value::as_i64),
            image,
            "{token}"
        );
        assert_eq!(room["info_updates"], updates, "{token}");
    }
}
