//! Database and files that do not belong together.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use std::fs;
use std::time::Duration;

use fileserver::files::Files;
use fileserver::model::FixedBits;
use fileserver::store::Store;
use futures_util::future::join_all;
use shared::clock::Clock;
use shared::db::DbOptions;
use shared::filing::{self, InstallationError, meet};
use support::{Place, Stores, Transfers, blobs};

in_every_place!(
    a_database_that_knows_nothing_does_not_take_the_files_of_another_for_strays,
    a_first_start_that_was_broken_off_is_finished_by_the_next,
    of_several_first_starts_at_once_all_come_to_the_same,
    what_says_whose_the_files_are_is_in_no_listing,
);

const START: [&str; 2] = ["--listen", "127.0.0.1:0"];

async fn a_database_that_knows_nothing_does_not_take_the_files_of_another_for_strays(stores: Stores) {
    let Some(mut place) = Place::on(stores) else { return };
    place.serve().upload("precious").await;
    let files = place.files().await;
    let other = place.path().join("other.db");
    place.set("FILESERVER_DATABASE_URL", &format!("sqlite:{}", other.display()));
    for command in [&START[..], &["check", "--repair"]] {
        let complaint = place.run(command).fails();
        assert!(complaint.contains("belong to another database"), "{complaint}");
    }
    let store = Store::open(&DbOptions::at(format!("sqlite:{}", other.display())))
        .await
        .unwrap();
    let much_later = Clock::manual(support::now().plus(Duration::from_secs(24 * 3600)));
    let wrong = Files::new(store, files.blobs().clone(), much_later, 0, FixedBits::default());
    assert!(matches!(
        wrong.remove_strays().await,
        Err(InstallationError::OtherDatabase)
    ));
    assert_eq!(blobs(&files).await.len(), 1);
}

async fn a_first_start_that_was_broken_off_is_finished_by_the_next(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    filing::name_installation(files.store().database(), "begun")
        .await
        .unwrap();
    assert_eq!(place.serve().stop(), Some(0));
    assert_eq!(files.blobs().owner().await.unwrap().as_deref(), Some("begun"));
}

async fn of_several_first_starts_at_once_all_come_to_the_same(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    for met in join_all((0..8).map(|_| meet(files.store().database(), files.blobs()))).await {
        met.unwrap();
    }
    let owner = files.blobs().owner().await.unwrap();
    assert!(owner.as_ref().is_some_and(|owner| owner.len() == 32));
    assert_eq!(filing::installation(files.store().database()).await.unwrap(), owner);
}

async fn what_says_whose_the_files_are_is_in_no_listing(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let files = place.files().await;
    meet(files.store().database(), files.blobs()).await.unwrap();
    let listed: Vec<_> = futures_util::StreamExt::collect(files.blobs().list()).await;
    assert!(listed.is_empty(), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_where_they_were_are_not_taken_for_lost() {
    let place = Place::new();
    let server = place.serve();
    server.upload("precious").await;
    assert_eq!(server.stop(), Some(0));
    let [there, away] = ["files", "unmounted"].map(|name| place.data().join(name));
    fs::rename(&there, &away).unwrap();
    for command in [&START[..], &["check", "--repair"]] {
        let complaint = place.run(command).fails();
        assert!(complaint.contains("is the disk mounted?"), "{complaint}");
    }
    fs::remove_dir(&there).unwrap();
    fs::rename(&away, &there).unwrap();
    assert!(place.run(&["check"]).ok().contains("found     0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_has_no_installation_and_what_is_restored_from_it_its_own() {
    let place = Place::new();
    place.serve().upload("kept").await;
    place.run(&["backup", "backup"]).ok();
    let backup = place.path().join("backup");
    assert!(!backup.join("blobs/installation").exists());
    let other = Place::new();
    other.run(&["restore", backup.to_str().unwrap()]).ok();
    let [one, other] = [place.files().await, other.files().await];
    let names = [
        filing::installation(one.store().database()).await.unwrap(),
        filing::installation(other.store().database()).await.unwrap(),
    ];
    assert!(names.iter().all(Option::is_some));
    assert_ne!(names.first(), names.last());
}
