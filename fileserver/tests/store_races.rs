//! Uploads of the same bytes against each other and against the sweep, at the rows, where they meet.

#![allow(clippy::unwrap_used, reason = "this is a test")]

use std::collections::BTreeSet;
use std::time::Duration;

use fileserver::model::FileId;
use fileserver::store::{NewFile, Store};
use shared::clock::Timestamp;
use shared::db::DbOptions;
use shared::filing::doomed;
use shared::testing;
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// How many uploads and as many sweeps meet at a time.
const CROWD: u32 = 6;

async fn upload(store: Store, id: FileId, blob: String, life: u64) {
    let file = NewFile {
        id: &id,
        content: &id,
        blob: &blob,
        size: 1,
        expires: NOW.plus(Duration::from_secs(life)),
    };
    store.insert_content(file, NOW).await.unwrap();
}

async fn every_set_of_bytes_is_that_of_the_row_or_doomed(store: Store) {
    let mut written = BTreeSet::new();
    for round in 0..150_u32 {
        let id = FileId::of_content(&round.to_le_bytes());
        let mut crowd = JoinSet::new();
        for number in 0..CROWD {
            let blob = format!("{round}/{number}");
            written.insert(blob.clone());
            // All but one have expired as soon as they are there.
            crowd.spawn(upload(store.clone(), id.clone(), blob, u64::from(number == 1)));
            let store = store.clone();
            crowd.spawn(async move {
                store.delete_expired(NOW, 10).await.unwrap();
            });
        }
        crowd.join_all().await;
        let row = store.find(&id, NOW).await.unwrap().expect("one of them lives longer");
        let mut gone: BTreeSet<String> = doomed(store.database(), "", u32::MAX)
            .await
            .unwrap()
            .into_iter()
            .collect();
        assert!(
            !gone.contains(&row.blob),
            "round {round}: the bytes of a live file are doomed"
        );
        gone.insert(row.blob);
        assert_eq!(gone, written, "round {round}");
        store.delete(&id).await.unwrap();
    }
}

/// Everybody's turn comes, however slow the disk is.
fn patient(url: String) -> DbOptions {
    DbOptions {
        acquire_timeout: Duration::from_secs(60),
        ..DbOptions::at(url)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn bytes_are_doomed_once_and_only_when_no_row_has_them_on_postgres() {
    let Some(database) = testing::postgres() else { return };
    let store = Store::open(&patient(database.url.clone())).await.unwrap();
    every_set_of_bytes_is_that_of_the_row_or_doomed(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn bytes_are_doomed_once_and_only_when_no_row_has_them_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("rows.db").display());
    let store = Store::open(&patient(url)).await.unwrap();
    every_set_of_bytes_is_that_of_the_row_or_doomed(store).await;
}
