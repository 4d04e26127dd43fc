//! What is particular to blobs in a local directory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use shared::blob::{BlobError, BlobKey, BlobOptions, BlobStore, Listed};
use shared::clock::Clock;
use tempfile::TempDir;

const KEY: &str = "ab/abcdef0123456789abcdef0123456789";

fn open(directory: &TempDir) -> BlobStore {
    let path = directory.path().join("a/b/blobs");
    BlobStore::open(&BlobOptions::at(format!("file:{}", path.display()))).unwrap()
}

fn key(text: &str) -> BlobKey {
    text.parse().unwrap()
}

#[tokio::test]
async fn only_the_owner_can_enter_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mode = fs::metadata(store.local_path().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn leftovers_of_old_uploads_are_removed_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    store.put(&key(KEY), Bytes::from_static(b"kept")).await.unwrap();
    let root = store.local_path().unwrap();
    let leftovers = [format!("{KEY}#1"), format!("{KEY}#27"), "ping#0".to_owned()];
    let foreign = ["notes#1.txt", "Not ours#1", "notes#1", "ab/abe#1"].map(str::to_owned);
    let foreign = foreign.into_iter().chain([format!("{KEY}#")]).collect::<Vec<_>>();
    for name in leftovers.iter().chain(&foreign) {
        fs::write(root.join(name), b"x").unwrap();
    }
    let now = Clock::system().now();
    assert_eq!(
        store.clean_staging(now.minus(Duration::from_secs(3600))).await.unwrap(),
        0,
        "an upload may be going on"
    );
    assert_eq!(
        store.clean_staging(now.plus(Duration::from_secs(3600))).await.unwrap(),
        3
    );
    let mut found: Vec<Listed> = store.list().try_collect().await.unwrap();
    found.retain(|listed| matches!(listed, Listed::Blob(_)));
    assert!(matches!(&found[..], [Listed::Blob(meta)] if meta.key == key(KEY) && meta.size == 4));
    assert!(foreign.iter().all(|name| root.join(name).exists()));
}

#[tokio::test]
async fn what_is_not_ours_is_named_and_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let root = store.local_path().unwrap();
    fs::create_dir(root.join("Photos")).unwrap();
    fs::write(root.join("Photos/1.jpg"), b"x").unwrap();
    for name in ["key_ed25519", "ab/abc"] {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), b"x").unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", root.join("link")).unwrap();
    store.put(&key(KEY), Bytes::from_static(b"kept")).await.unwrap();
    let found: Vec<Listed> = store.list().try_collect().await.unwrap();
    let foreign = |wanted: &str| {
        found
            .iter()
            .any(|listed| matches!(listed, Listed::Foreign(name) if name == wanted))
    };
    assert!(
        ["link", "Photos/1.jpg", "key_ed25519", "ab/abc"]
            .into_iter()
            .all(foreign)
            && found.len() == 5,
        "{found:?}"
    );
}

#[tokio::test]
async fn a_truncated_file_is_not_passed_off_as_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    store.put(&key(KEY), vec![7; 1_000_000].into()).await.unwrap();
    let blob = store.get(&key(KEY)).await.unwrap();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(store.local_path().unwrap().join(KEY))
        .unwrap();
    file.set_len(300_000).unwrap();
    let read: Result<Vec<Bytes>, BlobError> = blob.into_stream().try_collect().await;
    assert!(matches!(read, Err(BlobError::TooShort(_))));
}

#[tokio::test]
async fn a_slow_reader_has_little_waiting_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    store.put(&key(KEY), vec![7; 1_000_000].into()).await.unwrap();
    let pieces = store.get(&key(KEY)).await.unwrap().into_stream();
    let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| piece.len() <= 128 * 1024));
}

#[tokio::test]
async fn a_directory_that_is_a_file_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, b"").unwrap();
    let refused = BlobStore::open(&BlobOptions::at(path.to_str().unwrap())).unwrap_err();
    assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
}

#[tokio::test]
async fn a_vanished_directory_fails_the_ping_and_the_listing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    fs::remove_dir(store.local_path().unwrap()).unwrap();
    assert!(matches!(store.ping().await, Err(BlobError::Directory { .. })));
    assert!(
        store.list().try_collect::<Vec<_>>().await.is_err(),
        "an empty listing would make every blob look lost"
    );
}

#[tokio::test]
async fn a_blob_and_the_way_to_it_are_synced_before_it_counts_as_stored() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let child = std::process::Command::new("strace")
        .args(["-f", "-y", "-e", "trace=fsync,fdatasync,link,linkat", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "stores_one_blob_where_it_is_told", "--ignored"])
        .env("STORE_ONE_BLOB_IN", directory.path().join("traced"))
        .status();
    let calls = fs::read_to_string(trace).unwrap_or_default();
    if child.is_err() || calls.is_empty() {
        let required = std::env::var("TEST_REQUIRE_ALL").is_ok_and(|value| value == "1");
        assert!(!required, "strace is not installed or not allowed to trace");
        eprintln!("skipped: strace is not installed or not allowed to trace");
        return;
    }
    let place = |wanted: &str| calls.lines().position(|line| line.contains(wanted));
    let file = place(&format!("traced/{KEY}#1>")).expect("the bytes are synced");
    let link = place(&format!("traced/{KEY}\"")).expect("the name is given");
    let after = calls
        .lines()
        .skip(link)
        .any(|line| line.contains("fsync(") && line.contains("traced/ab>"));
    assert!(file < link && after, "{calls}");
}

#[tokio::test]
#[ignore = "run under strace by the test above"]
async fn stores_one_blob_where_it_is_told() {
    let Ok(place) = std::env::var("STORE_ONE_BLOB_IN") else {
        return;
    };
    let store = BlobStore::open(&BlobOptions::at(place)).unwrap();
    store.put(&key(KEY), Bytes::from_static(b"durable")).await.unwrap();
}

#[tokio::test]
async fn a_disk_that_is_mounted_no_more_makes_no_blob_look_lost_and_takes_none() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    assert_eq!(store.claim("somebody").await.unwrap(), "somebody");
    store.put(&key(KEY), Bytes::from_static(b"kept")).await.unwrap();
    let root = store.local_path().unwrap();
    let away = directory.path().join("away");
    fs::rename(root, &away).unwrap();
    fs::create_dir(root).unwrap();
    assert!(store.get(&key(KEY)).await.err().unwrap().is_unavailable());
    assert!(store.size(&key(KEY)).await.unwrap_err().is_unavailable());
    assert!(store.delete(&key(KEY)).await.unwrap_err().is_unavailable());
    let other = BlobKey::random();
    assert!(
        store
            .put(&other, Bytes::from_static(b"x"))
            .await
            .unwrap_err()
            .is_unavailable()
    );
    fs::remove_dir(root).expect("nothing was put there");
    fs::rename(&away, root).unwrap();
    assert_eq!(store.read_into(&key(KEY), Vec::new()).await.unwrap(), b"kept");
    assert_eq!(store.size(&other).await.unwrap(), None);
}
