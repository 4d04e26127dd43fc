//! Files and what is to happen, from the command line, beside a running server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use shared::blob::{BlobStore, Listed};
use shared::clock::Clock;
use shared::crypto::UserId;
use sogs::model::{LaterFlags, RoomNo};
use support::{Live, Place, Stores};

in_every_place!(
    files_are_listed_by_room_and_by_person,
    a_deleted_file_leaves_neither_row_nor_bytes,
    an_image_of_a_room_can_be_deleted,
    what_is_to_happen_is_listed_and_can_be_cancelled,
);

async fn with_rooms(place: &Place, tokens: &[&str]) -> Live {
    let live = place.live().await;
    for token in tokens {
        live.after(place.run(&["room", "add", token])).await;
    }
    live
}

/// How many sets of bytes there are.
async fn blobs(place: &Place) -> usize {
    let listed = BlobStore::open(&place.blobs).unwrap();
    let ours = listed.list().filter(|found| {
        let ours = matches!(found, Ok(Listed::Blob(_)));
        async move { ours }
    });
    ours.count().await
}

fn numbers(place: &Place, arguments: &[&str]) -> Vec<i64> {
    let printed = place.run(arguments).ok();
    printed.lines().map(|line| line.parse().unwrap()).collect()
}

async fn files_are_listed_by_room_and_by_person(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (alice, bob) = (live.user().await, live.user().await);
    let one = alice.upload("a", "one.txt", "12345").await;
    let two = alice.upload("b", "two.txt", "123").await;
    let three = bob.upload("a", "three.txt", "1").await;
    let message = bob.post("a", b"hello", &[three]).await;
    for (conditions, expected) in [
        (&[][..], &[three, two, one][..]),
        (&["--room", "a"], &[three, one]),
        (&["--user", &alice.account], &[two, one]),
        (&["--user", &alice.id[..12], "--room", "a"], &[one]),
        (&["--before", &three.to_string(), "--limit", "1"], &[two]),
    ] {
        let arguments = [&["file", "list", "-q"][..], conditions].concat();
        assert_eq!(numbers(&place, &arguments), expected, "{conditions:?}");
    }
    let cut = place.run(&["file", "list", "--limit", "2"]);
    assert!(cut.stderr.contains(&format!("--before {two} goes on")), "{cut:?}");
    let json = place.run(&["file", "list", "--json"]).json();
    assert_eq!(json[0]["message"], message);
    assert_eq!(
        (&json[2]["message"], &json[2]["name"]),
        (&Value::Null, &json!("one.txt"))
    );
    assert_eq!((&json[2]["size"], &json[2]["uploader"]), (&json!(5), &json!(alice.id)));
    // An hour unless a message takes it, then the fifteen days of the settings.
    let lasts = |file: &Value| file["expires"].as_f64().unwrap() - file["uploaded"].as_f64().unwrap();
    assert_eq!(lasts(&json[2]).round(), 3600.0);
    assert!((1_296_000.0..1_296_600.0).contains(&lasts(&json[0])), "{json}");

    let usage = |arguments: &[&str]| {
        let all = place
            .run(&[&["file", "usage", "--json"][..], arguments].concat())
            .json();
        let all = all.as_array().unwrap().clone();
        all.into_iter()
            .map(|mut one| {
                assert!(one.as_object_mut().unwrap().remove("oldest").unwrap().is_number());
                one
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        usage(&[]),
        [
            json!({ "room": "a", "files": 2, "bytes": 6 }),
            json!({ "room": "b", "files": 1, "bytes": 3 })
        ]
    );
    assert_eq!(
        usage(&["--by-user"]),
        [
            json!({ "id": alice.id, "files": 2, "bytes": 8 }),
            json!({ "id": bob.id, "files": 1, "bytes": 1 })
        ]
    );
    assert_eq!(
        usage(&["--by-user", "--room", "b"]),
        [json!({ "id": alice.id, "files": 1, "bytes": 3 })]
    );
    let table = place.run(&["file", "usage", "--limit", "1"]);
    assert!(table.stdout.contains("Together: 3 (9 B)"), "{table:?}");
    assert!(table.stderr.contains("1 of 2 rooms"), "{table:?}");
    assert_eq!(place.run(&["file", "usage", "-q"]).ok(), "a\nb\n");
}

async fn a_deleted_file_leaves_neither_row_nor_bytes(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (alice, bob) = (live.user().await, live.user().await);
    let one = alice.upload("a", "one", "1").await;
    let two = alice.upload("b", "two", "22").await;
    let three = bob.upload("a", "three", "333").await;
    assert_eq!(blobs(&place).await, 3);
    let asked = place.run(&["file", "delete", &one.to_string()]);
    assert!(asked.stdout.contains(&alice.id), "{asked:?}");
    assert!(asked.fails().contains("--yes"));
    let dry = place.run(&["file", "delete", "--room", "a", "--dry-run"]).ok();
    assert!(dry.contains("without --dry-run 2 files (4 B) would be"), "{dry}");
    assert_eq!(blobs(&place).await, 3);

    let printed = place.run(&["file", "delete", "--user", &alice.account, "--yes"]).ok();
    assert_eq!(printed, "deleted 2 of 2 files (3 B)\n");
    assert_eq!(blobs(&place).await, 1);
    for (room, file, status) in [("a", one, 404), ("b", two, 404), ("a", three, 200)] {
        assert_eq!(alice.get(&format!("/room/{room}/file/{file}")).await.status, status);
    }
    let done = place.run(&["file", "delete", &three.to_string(), "4711", "--yes"]);
    assert_eq!(done.stdout, "deleted 1 of 1 file (3 B)\n");
    assert!(done.fails().contains("there is no file 4711"));
    assert_eq!(blobs(&place).await, 0);
    assert_eq!(place.run(&["file", "list"]).ok(), "No such files.\n");
    assert_eq!(
        place.run(&["file", "delete", "--room", "a", "--yes"]).ok(),
        "There is nothing to delete.\n"
    );
}

async fn an_image_of_a_room_can_be_deleted(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a"]).await;
    let user = live.user().await;
    place.write("club.png", b"\x89PNG\r\n\x1a\n");
    live.after(place.run(&["room", "image", "a", "club.png"])).await;
    let image = user.json("/room/a").await["image_id"].as_i64().unwrap();
    let list = place.run(&["file", "list", "--json"]).json();
    assert_eq!(
        (&list[0]["id"], &list[0]["image"], &list[0]["expires"]),
        (&json!(image), &json!(true), &Value::Null)
    );
    live.after(place.run(&["file", "delete", &image.to_string(), "--yes"]))
        .await;
    assert_eq!(user.json("/room/a").await.get("image_id"), None);
    assert_eq!(blobs(&place).await, 0);
}

async fn what_is_to_happen_is_listed_and_can_be_cancelled(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_rooms(&place, &["a", "b"]).await;
    let (alice, bob) = (live.user().await, live.user().await);
    assert_eq!(place.run(&["schedule", "list"]).ok(), "Nothing is to happen.\n");
    live.after(place.run(&["user", "ban", &alice.id, "--room", "a", "--for", "2d"]))
        .await;
    live.after(place.run(&["user", "ban", &bob.id, "--global", "--for", "3d"]))
        .await;
    let room = live.app().store.room(&"b".parse().unwrap()).await.unwrap().unwrap();
    let now = Clock::system().now();
    let mut write = live.app().store.write(now).await.unwrap();
    let later = LaterFlags {
        read: None,
        write: Some(false),
        upload: Some(true),
    };
    let id: UserId = bob.id.parse().unwrap();
    let at = now.plus(Duration::from_secs(3600));
    write
        .schedule_permissions(RoomNo(room.id), &id, at, later)
        .await
        .unwrap();
    write.commit().await.unwrap();

    let list = |conditions: &[&str]| {
        let printed = place.run(&[&["schedule", "list", "-q"][..], conditions].concat()).ok();
        printed.lines().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list(&[]), ["p1", "b1", "b2"]);
    assert_eq!(list(&["--room", "b"]), ["p1"]);
    assert_eq!(list(&["--global"]), ["b2"]);
    assert_eq!(list(&["--user", &bob.account]), ["p1", "b2"]);
    assert_eq!(list(&["--user", &alice.id[..10], "--all-rooms"]), ["b1"]);
    let json = place.run(&["schedule", "list", "--json"]).json();
    let (first, last) = (&json[0], &json[2]);
    assert_eq!(
        (&first["write"], &first["upload"], &first["read"]),
        (&json!(false), &json!(true), &Value::Null)
    );
    assert_eq!((&first["banned"], &last["banned"]), (&Value::Null, &json!(false)));
    assert_eq!(
        (&first["room"], &last["room"], &last["id"]),
        (&json!("b"), &Value::Null, &json!(bob.id))
    );
    let table = place.run(&["schedule", "list"]).ok();
    assert!(
        table.contains("-write, +upload") && table.contains("is no longer banned"),
        "{table}"
    );

    let asked = place.run(&["schedule", "cancel", "b1"]);
    assert!(
        asked.stdout.contains(&alice.id) && asked.stdout.contains("the room a"),
        "{asked:?}"
    );
    assert!(asked.fails().contains("--yes"));
    let complaint = place.run(&["schedule", "cancel", "b1", "p7", "--yes"]).fails();
    assert!(complaint.contains("there is no p7"), "{complaint}");
    assert_eq!(list(&[]), ["p1", "b1", "b2"]);
    let printed = place.run(&["schedule", "cancel", "p1", "b1", "--yes"]).ok();
    assert_eq!(printed.lines().count(), 2, "{printed}");
    assert_eq!(list(&[]), ["b2"]);
    // Now the ban lasts for good.
    let bans = place.run(&["user", "bans", "--room", "a", "--json"]).json();
    assert_eq!((&bans[0]["id"], &bans[0]["until"]), (&json!(alice.id), &Value::Null));
}
