//! `sogs backup` and `sogs restore`, from and onto either pair of stores.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use shared::client::Request;
use shared::db::Database;
use shared::serving::keep_out;
use shared::testing::below;
use sogs::store::MIGRATIONS;
use support::{Done, Live, Person, Place, Stores};

in_every_place!(
    a_backup_of_a_running_server_is_restored_onto_either_pair_of_stores,
    a_second_backup_copies_what_is_new_and_removes_what_is_gone,
    what_was_acknowledged_before_a_backup_began_is_in_it_whatever_is_written_meanwhile,
    bytes_that_a_backup_wants_are_not_swept_while_it_is_made,
    a_restore_never_writes_over_anything,
    a_restore_beside_a_running_server_is_refused,
    no_server_starts_in_the_middle_of_a_restore,
);

fn backup(place: &Place, folder: &Path) -> Value {
    place.run(&["backup", folder.to_str().unwrap(), "--json"]).json()
}

fn restore(place: &Place, from: &Path) -> Value {
    place.run(&["restore", from.to_str().unwrap(), "--json"]).json()
}

fn refusal(place: &Place, from: &Path) -> String {
    place.run(&["restore", from.to_str().unwrap()]).fails()
}

fn state(folder: &Path) -> PathBuf {
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    folder.join(manifest["state"].as_str().unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Uploads a file and tells its number.
async fn upload(person: &Person, room: &str, content: &str) -> i64 {
    let request = Request::new("POST", &format!("/room/{room}/file")).body(content.to_owned());
    let answer = person.call(request).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    serde_json::from_slice::<Value>(&answer.body).unwrap()["id"]
        .as_i64()
        .unwrap()
}

async fn download(person: &Person, room: &str, id: i64) -> Vec<u8> {
    let answer = person.get(&format!("/room/{room}/file/{id}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.to_vec()
}

async fn with_room(place: &Place) -> Live {
    place.run(&["init"]).ok();
    place.run(&["room", "add", "lobby", "--name", "The lobby"]).ok();
    place.run(&["room", "set", "lobby", "--rate-limit", "off"]).ok();
    place.live().await
}

/// All messages of the room, as an app that is new here gets them, by their ids.
async fn messages(person: &Person) -> Vec<(i64, i64, Value)> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let page = person
            .json(&format!("/room/lobby/messages/since/{after}?limit=256"))
            .await;
        let page = page.as_array().unwrap();
        if page.is_empty() {
            return all;
        }
        for message in page {
            after = message["seqno"].as_i64().unwrap();
            all.push((message["id"].as_i64().unwrap(), after, message["data"].clone()));
        }
    }
}

async fn a_backup_of_a_running_server_is_restored_onto_either_pair_of_stores(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    place.write("conf.toml", "[messages]\nhistory_prune_threshold = \"3 days\"\n");
    let live = with_room(&place).await;
    let (alice, bob) = (live.user().await, live.user().await);
    let first = alice.say("lobby", "first").await;
    let last = alice.say("lobby", "last").await;
    let file = upload(&alice, "lobby", "content").await;
    assert_eq!(
        alice
            .call(Request::new(
                "PUT",
                &format!("/room/lobby/reaction/{first}/%F0%9F%90%8D")
            ))
            .await
            .status,
        200
    );
    place.run(&["mod", "add", &alice.id, "--room", "lobby", "--admin"]).ok();
    place.run(&["user", "ban", &bob.id, "--global"]).ok();

    let folder = place.path().join("backup");
    let done = place.run(&["--config", "conf.toml", "backup", "backup"]);
    assert!(done.stdout.contains("private key"), "{done:?}");
    done.ok();
    for path in below(&folder).iter().chain([&folder]) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path), expected, "{}", path.display());
    }
    // Lost with the machine, but known to apps.
    let lost = alice.say("lobby", "lost").await;
    let (before, cursor) = {
        let all = messages(&alice).await;
        let cursor = all.last().unwrap().1;
        (
            all.into_iter().filter(|(id, ..)| *id != lost).collect::<Vec<_>>(),
            cursor,
        )
    };

    for onto in [Stores::Embedded, Stores::Shared] {
        let Some(other) = Place::on(onto) else { continue };
        let restored = restore(&other, &folder);
        assert_eq!(
            [&restored["files"], &restored["rooms"], &restored["messages"]],
            [1, 1, 2]
        );
        let key = |place: &Place| place.run(&["key", "show"]).ok();
        assert_eq!(key(&other), key(&place));
        for name in ["key_x25519", "sogs.toml.restored"] {
            assert_eq!(mode(&other.data().join(name)), 0o600, "{name}");
        }
        assert!(
            fs::read_to_string(other.data().join("sogs.toml.restored"))
                .unwrap()
                .contains("3 days")
        );
        for list in [["mod", "list"], ["user", "bans"]] {
            let listed = |place: &Place| place.run(&[list[0], list[1], "--json"]).json();
            assert_eq!(listed(&other), listed(&place));
        }

        let successor = other.live().await;
        let carol = successor.user().await;
        assert_eq!(messages(&carol).await, before);
        assert_eq!(download(&carol, "lobby", file).await, b"content");
        let reactions = carol.json(&format!("/room/lobby/message/{first}")).await["reactions"].clone();
        assert_eq!(reactions["\u{1f40d}"]["count"], 1);

        // Apps go on from what they have seen, though the server has forgotten it.
        let new = carol.say("lobby", "new").await;
        assert!(new > lost && new > last + 1_000_000, "{new}");
        let page = carol.json(&format!("/room/lobby/messages/since/{cursor}")).await;
        assert_eq!(page.as_array().unwrap().len(), 1, "{page}");
        assert_eq!(page[0]["id"], new);
        assert!(upload(&carol, "lobby", "another").await > file + 1_000_000);
    }
}

/// Whoever tries a backup out has no other thing in mind than the folder they name.
#[test]
fn commands_on_a_restored_folder_leave_the_server_alone_that_was_backed_up() {
    let place = Place::new();
    let [rows, files] = ["live.db", "live-files"].map(|name| place.path().join(name).display().to_string());
    place.write(
        "conf.toml",
        format!("database_url = \"sqlite:{rows}\"\nblob_url = \"{files}\"\n"),
    );
    let live = |arguments: &[&str]| place.run(&[&["--config", "conf.toml"], arguments].concat());
    let drill = |arguments: &[&str]| place.run(&[&["--data", "drill"], arguments].concat());
    live(&["init"]).ok();
    live(&["room", "add", "lobby"]).ok();
    live(&["backup", "backup"]).ok();

    let told = drill(&["restore", "backup"]).ok();
    assert!(told.contains("drill/sogs.toml.restored"), "{told}");
    assert!(!place.path().join("drill/sogs.toml").exists());
    drill(&["room", "delete", "lobby", "--yes"]).ok();
    assert_eq!(drill(&["room", "list", "--json"]).json(), serde_json::json!([]));
    assert_eq!(live(&["room", "list", "--json"]).json()[0]["token"], "lobby");
}

async fn a_second_backup_copies_what_is_new_and_removes_what_is_gone(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_room(&place).await;
    place.run(&["room", "add", "other"]).ok();
    live.app().directory.catch_up().await.unwrap();
    let alice = live.user().await;
    upload(&alice, "other", "gone").await;
    let kept = upload(&alice, "lobby", "kept").await;
    let folder = place.path().join("backup");
    assert_eq!(backup(&place, &folder)["copied"], 2);
    place.run(&["room", "delete", "other", "--yes"]).ok();
    sogs::jobs::keep_once(live.app()).await;
    let new = upload(&alice, "lobby", "new").await;

    let made = backup(&place, &folder);
    assert_eq!([&made["files"], &made["copied"], &made["removed"]], [2, 1, 1]);
    let idle = backup(&place, &folder);
    assert_eq!([&idle["files"], &idle["copied"], &idle["removed"]], [2, 0, 0]);
    let states = fs::read_dir(&folder).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_str().unwrap().starts_with("state-")
    });
    assert_eq!(states.count(), 1);

    let other = Place::new();
    assert_eq!(restore(&other, &folder)["files"], 2);
    let successor = other.live().await;
    let carol = successor.user().await;
    assert_eq!(download(&carol, "lobby", kept).await, b"kept");
    assert_eq!(download(&carol, "lobby", new).await, b"new");
}

async fn what_was_acknowledged_before_a_backup_began_is_in_it_whatever_is_written_meanwhile(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_room(&place).await;
    let writer = live.user().await;
    let (mut posts, mut files) = (Vec::new(), Vec::new());
    for number in 0..30 {
        posts.push(writer.say("lobby", &format!("before {number}")).await);
        files.push((upload(&writer, "lobby", &format!("file {number}")).await, number));
    }
    let over = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let over = Arc::clone(&over);
        async move {
            let mut number = 0;
            while !over.load(Ordering::Relaxed) {
                writer.say("lobby", &format!("meanwhile {number}")).await;
                upload(&writer, "lobby", &format!("meanwhile {number}")).await;
                number += 1;
            }
        }
    });
    let folder = place.path().join("backup");
    for _ in 0..3 {
        let folder = folder.to_str().unwrap().to_owned();
        let mut command = place.command(&["backup", &folder, "--json"]);
        let made = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        assert_eq!(made["damaged"], Value::Array(vec![]));
    }
    over.store(true, Ordering::Relaxed);
    writing.await.unwrap();

    let other = Place::new();
    restore(&other, &folder);
    let successor = other.live().await;
    let reader = successor.user().await;
    let there: Vec<i64> = messages(&reader).await.into_iter().map(|(id, ..)| id).collect();
    assert!(posts.iter().all(|post| there.contains(post)));
    for (id, number) in files {
        assert_eq!(
            download(&reader, "lobby", id).await,
            format!("file {number}").as_bytes()
        );
    }
}

async fn bytes_that_a_backup_wants_are_not_swept_while_it_is_made(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let live = with_room(&place).await;
    let alice = live.user().await;
    upload(&alice, "lobby", "content").await;
    let database = live.app().store.database();
    let kept = shared::filing::keep_bytes(database).await.unwrap();
    place.run(&["room", "delete", "lobby", "--yes"]).ok();
    sogs::jobs::keep_once(live.app()).await;
    let doomed = async || shared::filing::count_doomed(database).await.unwrap();
    assert_eq!(doomed().await, 1);
    kept.release().await;
    sogs::jobs::keep_once(live.app()).await;
    assert_eq!(doomed().await, 0);
}

async fn a_restore_never_writes_over_anything(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let source = Place::new();
    drop(with_room(&source).await);
    let folder = source.path().join("backup");
    backup(&source, &folder);

    place.run(&["init"]).ok();
    let refused = refusal(&place, &folder);
    assert!(refused.contains("another key"), "{refused}");
    place.run(&["room", "add", "mine"]).ok();
    let refused = refusal(&place, &folder);
    assert!(
        refused.contains("1 rooms") && refused.contains("never writes over"),
        "{refused}"
    );
    assert!(place.run(&["room", "list"]).ok().contains("mine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_restored_from_a_file_and_from_standard_input() {
    let place = Place::new();
    let live = with_room(&place).await;
    let alice = live.user().await;
    alice.say("lobby", "hello").await;
    let file = upload(&alice, "lobby", "content").await;
    let archive = place.path().join("backup.tar");
    let streamed = place.command(&["backup", "-"]).output().unwrap();
    assert!(streamed.status.success(), "{streamed:?}");
    assert!(String::from_utf8(streamed.stderr).unwrap().contains("private key"));
    fs::write(&archive, &streamed.stdout).unwrap();
    assert!(!place.data().join("backup.work").exists());

    let other = Place::new();
    assert_eq!(restore(&other, &archive)["files"], 1);
    let piped = Place::new();
    let input = Stdio::from(File::open(&archive).unwrap());
    let restored = piped.command(&["restore", "-"]).stdin(input).output().unwrap();
    assert!(restored.status.success(), "{restored:?}");
    for place in [&other, &piped] {
        let successor = place.live().await;
        let reader = successor.user().await;
        assert_eq!(download(&reader, "lobby", file).await, b"content");
        assert!(
            below(&place.data())
                .iter()
                .all(|path| !path.ends_with("restore.stream"))
        );
    }

    // What was cut off is refused wherever it was.
    for length in [streamed.stdout.len() / 3, streamed.stdout.len() * 2 / 3, 0] {
        fs::write(&archive, &streamed.stdout[..length]).unwrap();
        refusal(&Place::new(), &archive);
    }
    fs::write(&archive, "something else entirely").unwrap();
    refusal(&Place::new(), &archive);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_with_the_name_of_what_is_damaged() {
    let place = Place::new();
    let live = with_room(&place).await;
    let alice = live.user().await;
    upload(&alice, "lobby", "content").await;
    upload(&alice, "lobby", "whole").await;
    let folder = place.path().join("backup");
    backup(&place, &folder);
    let blobs = below(&folder.join("blobs"));
    let blob = blobs
        .iter()
        .find(|path| fs::read(path).is_ok_and(|bytes| bytes == b"content"))
        .unwrap();
    let parts = ["sogs.db", "key_x25519", "sums"].map(|name| state(&folder).join(name));
    for path in parts.iter().chain([blob]) {
        let saved = fs::read(path).unwrap();
        let mut damaged = saved.clone();
        damaged[3] ^= 1;
        fs::write(path, &damaged).unwrap();
        let other = Place::new();
        let refused = refusal(&other, &folder);
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        assert!(refused.contains(&name), "{refused}");
        assert!(!other.data().join("key_x25519").exists());
        fs::remove_file(path).unwrap();
        let refused = refusal(&other, &folder);
        assert!(refused.contains(&name), "{refused}");
        fs::write(path, saved).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::remove_file(blob).unwrap();
    let other = Place::new();
    let Done { code, stderr, .. } = other.run(&["restore", folder.to_str().unwrap(), "--leave-out-damaged"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("could not restore 1"), "{stderr}");
    let successor = other.live().await;
    assert_eq!(download(&successor.user().await, "lobby", 2).await, b"whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_leaves_the_earlier_or_the_new_one() {
    let place = Place::new();
    let live = with_room(&place).await;
    let alice = live.user().await;
    let folder = place.path().join("backup");
    alice.say("lobby", "the first").await;
    upload(&alice, "lobby", "the first").await;
    backup(&place, &folder);
    for round in 0..8_u64 {
        for number in 0..10 {
            upload(&alice, "lobby", &format!("file {round} {number}")).await;
        }
        let mut child = place
            .command(&["backup", "backup"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Somewhere in the middle of it; how far it came is different each time.
        tokio::time::sleep(Duration::from_millis(15 * (round + 1))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let other = Place::new();
        let restored = restore(&other, &folder);
        assert_eq!(restored["messages"], 1);
        assert!(restored["files"].as_u64().unwrap() % 10 == 1, "{restored}");
    }
    assert_eq!(backup(&place, &folder)["files"], 81);
    assert_eq!(restore(&Place::new(), &folder)["files"], 81);
}

async fn a_restore_beside_a_running_server_is_refused(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    place.run(&["init"]).ok();
    let folder = place.path().join("backup");
    backup(&place, &folder);
    let live = place.live().await;
    assert!(refusal(&place, &folder).contains("stop it first"));
    live.stop().await;
    restore(&place, &folder);
}

async fn no_server_starts_in_the_middle_of_a_restore(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    fs::create_dir(place.data()).unwrap();
    let database = Database::open(&place.database, &MIGRATIONS).await.unwrap();
    let alone = keep_out(&database).await.unwrap().unwrap();
    let other = keep_out(&database).await.unwrap();
    assert!(other.is_none());
    for command in ["serve", "init"] {
        let complaint = place.run(&[command]).fails();
        assert!(
            complaint.contains("is under way; start the server when it is done"),
            "{complaint}"
        );
    }
    // A key that was made by now would be in the way of that from the backup.
    assert!(!place.data().join("key_x25519").exists());
    alone.release().await;
    place.live().await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_no_backup_is_neither_filled_nor_restored() {
    let place = Place::new();
    place.run(&["init"]).ok();
    let folder = place.path().join("photos");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("one.jpg"), "").unwrap();
    let refused = place.run(&["backup", "photos"]).fails();
    assert!(refused.contains("holds no backup"), "{refused}");
    assert_eq!(below(&folder).len(), 1);
    let other = Place::new();
    assert!(refusal(&other, &folder).contains("no manifest.json"));
    assert!(!other.data().exists());

    // That of a file server is none of a community.
    let folder = place.path().join("backup");
    backup(&place, &folder);
    let manifest = folder.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text.replace(r#""server": "sogs""#, r#""server": "fileserver""#);
    fs::write(&manifest, text).unwrap();
    assert!(refusal(&other, &folder).contains("a backup of the program `fileserver`"));
    let refused = place.run(&["backup", "backup"]).fails();
    assert!(refused.contains("a backup of the program `fileserver`"), "{refused}");
}
