//! What is not imported, and that the old server's folder stays as it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sqlx::Connection;

use crate::count;
use crate::old_server::{OldServer, Version};
use crate::support::{Place, Stores};

in_every_place!(
    a_server_that_is_in_use_or_has_another_key_is_left_alone,
    a_server_at_work_is_left_alone,
);

async fn small(old: &OldServer) {
    old.sql("INSERT INTO rooms (id, token, name) VALUES (1, 'lobby', 'Lobby');")
        .await;
}

/// The old folder after the last program has let go of the database in the middle of its work.
async fn with_log() -> OldServer {
    let busy = OldServer::new().await;
    let mut connection = busy.sqlite().await;
    sqlx::query("INSERT INTO rooms (id, token, name) VALUES (1, 'lobby', 'In the log')")
        .execute(&mut connection)
        .await
        .unwrap();
    let old = OldServer::empty(None);
    for name in ["sogs.db", "sogs.db-wal"] {
        fs::copy(busy.path().join(name), old.path().join(name)).unwrap();
    }
    connection.close().await.unwrap();
    assert!(fs::metadata(old.path().join("sogs.db-wal")).unwrap().len() > 0);
    old
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_anywhere() {
    let with_log = with_log().await;
    let plain = OldServer::new().await;
    small(&plain).await;
    for old in [with_log, plain] {
        let (place, before) = (Place::new(), old.snapshot());
        let printed = old.import(&place, &["--dry-run"]).ok();
        assert!(
            printed.contains("1 rooms") && printed.contains("Nothing was written"),
            "{printed}"
        );
        assert!(!place.data().exists());
        assert_eq!(old.snapshot(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_beside_the_old_database_and_its_log_is_read() {
    let (old, place) = (with_log().await, Place::new());
    let before = old.snapshot();
    old.import(&place, &[]).ok();
    assert_eq!(old.snapshot(), before);
    assert!(!place.data().join("import-source").exists(), "the copy is gone");
    let rooms = place.run(&["room", "list"]).ok();
    assert!(rooms.contains("In the log"), "{rooms}");
    let key = place.data().join("key_x25519");
    assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_may_only_be_read_can_be_imported() {
    let (old, place) = (OldServer::new().await, Place::new());
    small(&old).await;
    for (name, mode) in [("sogs.db", 0o400), ("key_x25519", 0o400), ("", 0o500)] {
        fs::set_permissions(old.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    old.import(&place, &[]).ok();
    fs::set_permissions(old.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(place.run(&["room", "list"]).ok().contains("lobby"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_that_still_runs_is_not_imported() {
    let (old, place) = (OldServer::new().await, Place::new());
    small(&old).await;
    let mut running = old.sqlite().await;
    let rooms: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM rooms")
        .fetch_one(&mut running)
        .await
        .unwrap();
    assert_eq!(rooms, 1);
    for more in [&[][..], &["--dry-run"]] {
        let complaint = old.import(&place, more).fails();
        assert!(
            complaint.contains("still running") && complaint.contains("stop it first"),
            "{complaint}"
        );
    }
    running.close().await.unwrap();
    old.import(&place, &[]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_are_named_with_what_to_do() {
    let place = Place::new();
    let oldest = OldServer::empty(None);
    oldest.write("database.db", "");
    let second = OldServer::new().await;
    second
        .sql("ALTER TABLE rooms RENAME COLUMN message_sequence TO updates;")
        .await;
    let unready = OldServer::of(Version::First).await;
    unready.sql("ALTER TABLE rooms DROP COLUMN accessible;").await;
    for (old, version) in [
        (oldest, "PySOGS 0.1"),
        (second, "PySOGS 0.2"),
        (unready, "PySOGS before 0.3"),
    ] {
        let complaint = old.import(&place, &["--dry-run"]).fails();
        assert!(
            complaint.contains(version) && complaint.contains("--upgrade"),
            "{complaint}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_installation_is_told() {
    let place = Place::new();
    let complaint = place.run(&["import", "pysogs", "nowhere"]).fails();
    assert!(complaint.contains("nowhere"), "{complaint}");
    let complaint = OldServer::empty(None).import(&place, &[]).fails();
    assert!(
        complaint.contains("no PySOGS database") && complaint.contains("--ini"),
        "{complaint}"
    );

    let other = OldServer::empty(None);
    other.sql("CREATE TABLE things (id INTEGER PRIMARY KEY);").await;
    let complaint = other.import(&place, &[]).fails();
    assert!(complaint.contains("no table `rooms`"), "{complaint}");

    let garbage = OldServer::empty(None);
    garbage.write("sogs.db", [0x5a; 4096]);
    let complaint = garbage.import(&place, &[]).fails();
    assert!(complaint.contains("not a database"), "{complaint}");

    let short = OldServer::new().await;
    short.write("key_x25519", [1; 31]);
    let complaint = short.import(&place, &[]).fails();
    assert!(
        complaint.contains("31 bytes") && complaint.contains(".pem"),
        "{complaint}"
    );
    fs::remove_file(short.path().join("key_x25519")).unwrap();
    let complaint = short.import(&place, &[]).fails();
    assert!(complaint.contains("key_x25519"), "{complaint}");

    let ini = OldServer::new().await;
    ini.write("sogs.ini", "[db]\nurl = mysql://somewhere\n");
    let complaint = ini.import(&place, &[]).fails();
    assert!(complaint.contains("mysql://somewhere"), "{complaint}");
    ini.write("sogs.ini", "[db\n");
    let complaint = ini.import(&place, &[]).fails();
    assert!(complaint.contains("sogs.ini"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_whose_tokens_cannot_be_are_refused() {
    for (tokens, told) in [
        ("(1, 'a b', ''), (2, 'c', '')", "a b"),
        ("(1, 'a', ''), (2, 'A', '')", "two rooms"),
    ] {
        let (old, place) = (OldServer::new().await, Place::new());
        old.sql("DROP TABLE rooms;").await;
        old.sql(&format!(
            "CREATE TABLE rooms (id INTEGER PRIMARY KEY, token TEXT, name TEXT, description TEXT, image INTEGER,
                created FLOAT, message_sequence INTEGER, info_updates INTEGER, active_users INTEGER, read BOOLEAN,
                accessible BOOLEAN, write BOOLEAN, upload BOOLEAN);
            INSERT INTO rooms (id, token, name) VALUES {tokens};"
        ))
        .await;
        let complaint = old.import(&place, &[]).fails();
        assert!(complaint.contains(told), "{complaint}");
        assert!(complaint.contains("UPDATE rooms SET token"), "{complaint}");
        assert!(!place.data().join("sogs.db").exists(), "nothing was begun");
    }
}

/// Whoever may not look at it gets another error, which the superuser never does.
#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_be_looked_at_is_not_taken_for_missing() {
    let (old, place) = (OldServer::new().await, Place::new());
    small(&old).await;
    let ini = old.path().join("sogs.ini");
    std::os::unix::fs::symlink(&ini, &ini).unwrap();
    let complaint = old.import(&place, &[]).fails();
    assert!(complaint.contains("sogs.ini"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_folder_is_not_taken_for_the_new_one() {
    let mut place = Place::new();
    let old = OldServer::new().await;
    let before = old.snapshot();
    place.set("SOGS_DATA", old.path().to_str().unwrap());
    let complaint = old.import(&place, &[]).fails();
    assert!(
        complaint.contains("same folder") && complaint.contains("--data"),
        "{complaint}"
    );
    let mut place = Place::new();
    place.set(
        "SOGS_DATABASE_URL",
        &format!("sqlite:{}", old.path().join("sogs.db").display()),
    );
    let complaint = old.import(&place, &[]).fails();
    assert!(
        complaint.contains("same database") && complaint.contains("--database-url"),
        "{complaint}"
    );
    assert_eq!(old.snapshot(), before);
}

async fn a_server_that_is_in_use_or_has_another_key_is_left_alone(stores: Stores) {
    let old = OldServer::new().await;
    small(&old).await;
    let Some(place) = Place::on(stores) else { return };
    place.run(&["init"]).ok();
    let key = fs::read(place.data().join("key_x25519")).unwrap();
    let complaint = old.import(&place, &[]).fails();
    assert!(complaint.contains("another key"), "{complaint}");
    assert_eq!(fs::read(place.data().join("key_x25519")).unwrap(), key);

    let Some(place) = Place::on(stores) else { return };
    fs::create_dir(place.data()).unwrap();
    fs::copy(old.path().join("key_x25519"), place.data().join("key_x25519")).unwrap();
    fs::set_permissions(place.data().join("key_x25519"), fs::Permissions::from_mode(0o600)).unwrap();
    place.run(&["init"]).ok();
    place.run(&["room", "add", "mine"]).ok();
    let complaint = old.import(&place, &[]).fails();
    assert!(complaint.contains("rooms or people already"), "{complaint}");
    assert!(!place.run(&["room", "list"]).ok().contains("lobby"));
}

async fn a_server_at_work_is_left_alone(stores: Stores) {
    let old = OldServer::new().await;
    small(&old).await;
    let Some(place) = Place::on(stores) else { return };
    fs::create_dir(place.data()).unwrap();
    let key = place.data().join("key_x25519");
    fs::copy(old.path().join("key_x25519"), &key).unwrap();
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    let _live = place.live().await;
    let complaint = old.import(&place, &[]).fails();
    assert!(
        complaint.contains("a server, or another import, is running"),
        "{complaint}"
    );
    // Nothing was noted that would keep it from starting again.
    assert!(!place.run(&["room", "list"]).ok().contains("lobby"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_program_at_an_old_postgresql_is_told() {
    let Some(old) = OldServer::on_postgres().await else {
        return;
    };
    small(&old).await;
    let place = Place::new();
    old.is_left().await;
    let report = old.import(&place, &["--dry-run", "--json"]).json();
    assert_eq!(count(&report, "source_in_use"), 0);
    old.is_left().await;
    let ini = fs::read_to_string(old.path().join("sogs.ini")).unwrap();
    let url = ini.lines().last().unwrap().trim_start_matches("url = ");
    let other = sqlx::PgConnection::connect(url).await.unwrap();
    let report = old.import(&place, &["--dry-run", "--json"]).json();
    assert_eq!(count(&report, "source_in_use"), 1);
    other.close().await.unwrap();
}
