//! `fileserver backup` and `fileserver restore`, from and onto either pair of stores.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fileserver::archive::Archive;
use fileserver::files::Files;
use fileserver::store::{FileRow, Store};
use serde_json::Value;
use shared::archive::{self, Progress, Source};
use shared::blob::BlobOptions;
use shared::clock::Clock;
use shared::crypto::hash::sha256_hex;
use shared::db::DbOptions;
use shared::run;
use shared::serving::keep_out;
use shared::testing::below;
use support::{Place, Stores, Transfers, blobs, damage};

in_every_place!(
    a_backup_of_a_running_server_is_restored_onto_either_pair_of_stores,
    a_second_backup_copies_what_is_new_and_removes_what_is_gone,
    a_restore_that_was_broken_off_can_be_run_again,
    a_restore_never_writes_over_files,
    damaged_files_are_left_out_of_a_backup_and_named,
    what_is_deleted_meanwhile_is_in_the_backup,
    a_restore_beside_a_running_server_is_refused,
    no_server_starts_in_the_middle_of_a_restore,
);

fn backup(place: &Place, folder: &Path) -> Value {
    place.run(&["backup", folder.to_str().unwrap(), "--json"]).json()
}

fn restore(place: &Place, folder: &Path) -> Value {
    place.run(&["restore", folder.to_str().unwrap(), "--json"]).json()
}

fn complaint(place: &Place, command: &str, folder: &Path) -> String {
    place.run(&[command, folder.to_str().unwrap()]).fails()
}

/// The state of a backup that counts.
fn state(folder: &Path) -> PathBuf {
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    folder.join(manifest["state"].as_str().unwrap())
}

/// Lets a file in a backup have expired.
async fn expire(folder: &Path, row: &FileRow) {
    let database = state(folder).join("fileserver.db");
    let rows = Store::open_existing(&DbOptions::at(format!("sqlite:{}", database.display())))
        .await
        .unwrap();
    let mut tx = rows.database().write().await.unwrap();
    run!(
        tx,
        execute,
        query,
        "UPDATE files SET expires = 1 WHERE id = $1",
        &row.id
    )
    .unwrap();
    tx.commit().await.unwrap();
    rows.database().close().await;
    // As if it had been so when the backup was made.
    let (sums, hash) = (state(folder).join("sums"), sha256_hex(&fs::read(&database).unwrap()));
    let lines = fs::read_to_string(&sums).unwrap();
    let lines = lines.lines().map(|line| match line.split_once("  ") {
        Some((_, name)) if name.ends_with("fileserver.db") => format!("{hash}  {name}\n"),
        _ => format!("{line}\n"),
    });
    let lines: String = lines.collect();
    fs::write(&sums, &lines).unwrap();
    edit_manifest(folder, |manifest| {
        manifest["sums"] = sha256_hex(lines.as_bytes()).into();
    });
}

fn edit_manifest(folder: &Path, edit: impl FnOnce(&mut Value)) {
    let path = folder.join("manifest.json");
    let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut manifest);
    fs::write(path, manifest.to_string()).unwrap();
}

async fn a_backup_of_a_running_server_is_restored_onto_either_pair_of_stores(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    place.write("conf.toml", "[files]\ndefault_ttl = \"3 days\"\n");
    let server = place.serve();
    let large: Vec<u8> = (0..2_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let ids = [server.upload("small").await, server.upload(large).await];
    let blocked = server.upload("blocked").await;
    place.run(&["block", &blocked, "--note", "why"]).ok();
    let short = place.add(&place.files().await, "short", 1000).await;

    let folder = place.path().join("backup");
    let made = place
        .run(&["--config", "conf.toml", "backup", "backup", "--json"])
        .json();
    assert_eq!(made["blocked"], 1);
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["format"], 1);
    assert_eq!(manifest["complete"], true);
    assert_eq!(manifest["public_key"], *server.key);
    assert_eq!(manifest["files"], made["files"]);
    assert!(
        fs::read_to_string(state(&folder).join("fileserver.toml"))
            .unwrap()
            .contains("3 days")
    );
    for path in below(&folder) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{}", path.display());
    }
    expire(&folder, &short).await;

    for onto in [Stores::Embedded, Stores::Shared] {
        let Some(other) = Place::on(onto) else { continue };
        let restored = restore(&other, &folder);
        assert_eq!([&restored["files"], &restored["expired"]], [3, 1]);
        assert_eq!(restored["blocked"], 1);
        assert_eq!(restored["damaged"], Value::Array(vec![]));
        assert_eq!(restored["public_key"], *server.key);
        assert!(other.run(&["check"]).ok().contains("found     0"));

        let successor = other.serve();
        assert_eq!(successor.key, server.key);
        for id in &ids {
            let info = |place: &Place| place.run(&["info", id, "--json"]).json();
            assert_eq!(info(&other), info(&place));
            assert_eq!(successor.status(id).await, 200);
        }
        assert_eq!(successor.status(&blocked).await, 404);
        assert_eq!(
            other.run(&["blocked", "--json"]).json(),
            place.run(&["blocked", "--json"]).json()
        );
    }
}

/// Whoever tries a backup out has no other thing in mind than the folder they name.
#[tokio::test]
async fn commands_on_a_restored_folder_leave_the_server_alone_that_was_backed_up() {
    let mut place = Place::new();
    let [rows, bytes] = ["live.db", "live-files"].map(|name| place.path().join(name).display().to_string());
    place.write(
        "conf.toml",
        format!("database_url = \"sqlite:{rows}\"\nblob_url = \"{bytes}\"\n"),
    );
    place.database = DbOptions::at(format!("sqlite:{rows}"));
    place.blobs = BlobOptions::at(bytes);
    let live = |arguments: &[&str]| place.run(&[&["--config", "conf.toml"], arguments].concat());
    let drill = |arguments: &[&str]| place.run(&[&["--data", "drill"], arguments].concat());
    let file = place.add(&place.files().await, "content", 1000).await;
    live(&["backup", "backup"]).ok();

    let told = drill(&["restore", "backup"]).ok();
    assert!(told.contains("drill/fileserver.toml.restored"), "{told}");
    assert!(!place.path().join("drill/fileserver.toml").exists());
    drill(&["delete", &file.id]).ok();
    assert!(drill(&["info", &file.id]).fails().contains("no such file"));
    assert_eq!(live(&["info", &file.id, "--json"]).json()["size"], 7);
}

async fn a_second_backup_copies_what_is_new_and_removes_what_is_gone(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    let folder = place.path().join("backup");
    let gone = place.add(&files, "gone", 1000).await;
    let kept = place.add(&files, "kept", 1000).await;
    assert_eq!(backup(&place, &folder)["copied"], 2);
    files.delete(&gone.id.parse().unwrap()).await.unwrap();
    let new = place.add(&files, "new", 1000).await;

    let made = backup(&place, &folder);
    assert_eq!([&made["files"], &made["copied"], &made["removed"]], [2, 1, 1]);
    let in_backup = |blob: &str| folder.join("blobs").join(blob).exists();
    assert!(in_backup(&kept.blob) && in_backup(&new.blob) && !in_backup(&gone.blob));
    let idle = backup(&place, &folder);
    assert_eq!([&idle["files"], &idle["copied"], &idle["removed"]], [2, 0, 0]);

    let other = Place::new();
    assert_eq!(restore(&other, &folder)["files"], 2);
}

async fn a_restore_that_was_broken_off_can_be_run_again(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let source = Place::new();
    let files = source.files().await;
    let rows = [
        source.add(&files, "one", 1000).await,
        source.add(&files, "two", 1000).await,
    ];
    let folder = source.path().join("backup");
    backup(&source, &folder);

    // As a power cut leaves it: the key is there, some bytes are there, one of them damaged, and no rows.
    place.make().await;
    fs::copy(state(&folder).join("key_ed25519"), place.data().join("key_ed25519")).unwrap();
    let half = place.files().await;
    for row in &rows {
        damage(&half, &row.blob, b"one").await;
    }
    assert_eq!(restore(&place, &folder)["files"], 2);
    assert!(place.run(&["check"]).ok().contains("found     0"));
}

async fn a_restore_never_writes_over_files(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let source = Place::new();
    source.add(&source.files().await, "theirs", 1000).await;
    let folder = source.path().join("backup");
    backup(&source, &folder);

    let files = place.files().await;
    let mine = place.add(&files, "mine", 1000).await;
    let key = place.run(&["key", "show"]).ok();
    let refused = complaint(&place, "restore", &folder);
    assert!(refused.contains("never writes over"), "{refused}");

    // Without files, the key is still another server's.
    files.delete(&mine.id.parse().unwrap()).await.unwrap();
    let refused = complaint(&place, "restore", &folder);
    assert!(refused.contains("another key"), "{refused}");
    assert_eq!(place.run(&["key", "show"]).ok(), key);
    assert!(blobs(&files).await.is_empty());

    fs::remove_file(place.data().join("key_ed25519")).unwrap();
    let server_key = source.run(&["key", "show"]).ok();
    assert_eq!(restore(&place, &folder)["public_key"], server_key.trim_end());
}

async fn damaged_files_are_left_out_of_a_backup_and_named(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    place.add(&files, "whole", 1000).await;
    let missing = place.add(&files, "missing", 1000).await;
    let altered = place.add(&files, "altered", 1000).await;
    files.blobs().delete(&missing.blob.parse().unwrap()).await.unwrap();
    damage(&files, &altered.blob, b"ALTERED").await;
    let done = place.run(&["backup", "backup", "--json"]);
    assert!(
        done.stderr.contains(&missing.id) && done.stderr.contains(&altered.id),
        "{done:?}"
    );
    assert_eq!(done.json()["files"], 1);
    assert_eq!(restore(&Place::new(), &place.path().join("backup"))["files"], 1);
}

/// Changes files at the moment when the rows are copied and the bytes are not.
struct Meanwhile<'a> {
    place: &'a Place,
    files: &'a Files,
    deleted: &'a FileRow,
    lost: &'a FileRow,
}

impl Progress for Meanwhile<'_> {
    fn expect(&mut self, files: u64, _bytes: u64) {
        assert_eq!(files, 3);
        let change = async {
            self.files.delete(&self.deleted.id.parse().unwrap()).await.unwrap();
            let key = self.lost.blob.parse().unwrap();
            self.files.blobs().delete(&key).await.unwrap();
            self.place.add(self.files, "too late", 1000).await;
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(change));
    }

    fn done(&mut self, _bytes: u64) {}
}

async fn what_is_deleted_meanwhile_is_in_the_backup(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    let kept = place.add(&files, "kept", 1000).await;
    let deleted = place.add(&files, "deleted", 1000).await;
    let lost = place.add(&files, "lost", 1000).await;
    let folder = place.path().join("backup");
    let source = Source {
        database: files.store().database(),
        blobs: files.blobs(),
        data: &place.data(),
        companions: &[],
        clock: &Clock::system(),
    };
    let mut meanwhile = Meanwhile {
        place: &place,
        files: &files,
        deleted: &deleted,
        lost: &lost,
    };
    let made = archive::backup(&Archive, source, &folder, &mut meanwhile)
        .await
        .unwrap();
    assert_eq!((made.files, made.damaged), (2, vec![lost.id]));

    let other = Place::new();
    assert_eq!(restore(&other, &folder)["damaged"], Value::Array(vec![]));
    assert!(other.run(&["check"]).ok().contains("found     0"));
    let rows = other.files().await.store().page("", 10).await.unwrap();
    let mut ids: Vec<String> = rows.into_iter().map(|row| row.id).collect();
    ids.sort();
    let mut expected = [kept.id, deleted.id];
    expected.sort();
    assert_eq!(ids, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_restored_of_a_damaged_backup_unless_the_rest_is_asked_for() {
    let place = Place::new();
    let files = place.files().await;
    let whole = place.add(&files, "whole", 1000).await;
    let altered = place.add(&files, "altered", 1000).await;
    let folder = place.path().join("backup");
    backup(&place, &folder);
    fs::write(folder.join("blobs").join(&altered.blob), "ALTERED").unwrap();

    let other = Place::new();
    let refused = complaint(&other, "restore", &folder);
    assert!(refused.contains(&format!("blobs/{}", altered.blob)), "{refused}");
    assert!(blobs(&other.files().await).await.is_empty());

    let other = Place::new();
    let done = other.run(&["restore", folder.to_str().unwrap(), "--json", "--leave-out-damaged"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stderr.contains(&altered.id), "{done:?}");
    let rows = other.files().await.store().page("", 10).await.unwrap();
    assert_eq!(rows, [whole]);
    // The backup itself stays as it was: once mended, everything comes back.
    fs::write(folder.join("blobs").join(&altered.blob), "altered").unwrap();
    assert_eq!(restore(&Place::new(), &folder)["files"], 2);
}

async fn a_restore_beside_a_running_server_is_refused(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let folder = place.path().join("backup");
    place.make().await;
    backup(&place, &folder);
    let server = place.serve();
    assert!(complaint(&place, "restore", &folder).contains("stop it first"));
    assert_eq!(server.stop(), Some(0));
    restore(&place, &folder);
}

async fn no_server_starts_in_the_middle_of_a_restore(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    fs::create_dir(place.data()).unwrap();
    let store = Store::open(&place.database).await.unwrap();
    let alone = keep_out(store.database()).await.unwrap().unwrap();
    assert!(keep_out(store.database()).await.unwrap().is_none());
    let complaint = place.run(&["serve"]).fails();
    assert!(
        complaint.contains("is under way; start the server when it is done"),
        "{complaint}"
    );
    // A key that was made by now would be in the way of that from the backup.
    assert!(!place.data().join("key_ed25519").exists());
    alone.release().await;
    assert_eq!(place.serve().stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_no_backup_is_neither_filled_nor_restored() {
    let place = Place::new();
    place.make().await;
    let folder = place.path().join("photos");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("one.jpg"), "").unwrap();
    for folder in [&folder, &place.data()] {
        assert!(complaint(&place, "backup", folder).contains("holds no backup"));
        assert!(!folder.join("manifest.json").exists() && !folder.join("blobs").exists());
    }
    assert_eq!(below(&folder).len(), 1);
    let other = Place::new();
    assert!(complaint(&other, "restore", &folder).contains("no manifest.json"));
    assert!(!other.data().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_another_server_is_not_brought_up_to_date() {
    let [one, other] = [Place::new(), Place::new()];
    let folder = one.path().join("backup");
    for place in [&one, &other] {
        place.make().await;
    }
    backup(&one, &folder);
    let key = one.run(&["key", "show"]).ok();
    let refused = complaint(&other, "backup", &folder);
    assert!(
        refused.contains("another server") && refused.contains(key.trim_end()),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_newer_or_was_never_finished_is_refused() {
    let place = Place::new();
    place.make().await;
    let folder = place.path().join("backup");
    backup(&place, &folder);
    let other = Place::new();
    edit_manifest(&folder, |manifest| manifest["complete"] = false.into());
    assert!(complaint(&other, "restore", &folder).contains("never finished"));
    edit_manifest(&folder, |manifest| {
        manifest["schema"] = 1000.into();
        manifest["program"] = "9.9.9".into();
    });
    assert!(complaint(&other, "restore", &folder).contains("newer version of this program (9.9.9)"));
    assert!(complaint(&place, "backup", &folder).contains("newer version of this program (9.9.9)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_key_is_taken_along_and_exposed_keys_are_refused() {
    let place = Place::new();
    place.make().await;
    let older = place.data().join("key_x25519");
    fs::write(&older, [7; 32]).unwrap();
    fs::set_permissions(&older, Permissions::from_mode(0o600)).unwrap();
    let folder = place.path().join("backup");
    backup(&place, &folder);
    let saved = state(&folder).join("key_x25519");
    fs::set_permissions(&saved, Permissions::from_mode(0o644)).unwrap();
    let other = Place::new();
    assert!(complaint(&other, "restore", &folder).contains("chmod 600"));
    fs::set_permissions(&saved, Permissions::from_mode(0o600)).unwrap();
    restore(&other, &folder);
    let keys = |place: &Place| place.run(&["key", "show", "--json"]).json();
    assert_eq!(keys(&other), keys(&place));
    assert!(keys(&other)["older_x25519"].is_string());
}
