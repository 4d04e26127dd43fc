//! What is particular to blobs on an S3 server, which can go away and come back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt;
use shared::blob::{BlobError, BlobKey, BlobOptions, BlobStore, Listed, S3Options};
use shared::testing::{self, S3Server, TestBucket};

fn options(bucket: &TestBucket) -> BlobOptions {
    let s3 = S3Options {
        endpoint: Some(bucket.endpoint.clone()),
        region: Some(bucket.region.clone()),
        access_key_id: Some(bucket.access_key_id.clone()),
        secret_access_key: Some(bucket.secret_access_key.clone().into()),
        ..S3Options::default()
    };
    BlobOptions {
        url: bucket.url.clone(),
        s3,
    }
}

fn key() -> BlobKey {
    BlobKey::random()
}

async fn names(store: &BlobStore) -> Vec<String> {
    let found: Vec<Listed> = store.list().try_collect().await.unwrap();
    let name = |listed| match listed {
        Listed::Blob(meta) => meta.key.to_string(),
        Listed::Foreign(name) => name,
    };
    found.into_iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_is_reported_within_the_bound_and_found_again_when_it_is_back() {
    let Some(mut server) = S3Server::start() else { return };
    let store = BlobStore::open(&options(&server.bucket())).unwrap();
    let stored = key();
    store.put(&stored, Bytes::from_static(b"kept")).await.unwrap();

    tokio::task::block_in_place(|| server.stop());
    let start = Instant::now();
    assert!(
        store
            .put(&key(), Bytes::from_static(b"lost"))
            .await
            .unwrap_err()
            .is_unavailable()
    );
    assert!(store.get(&stored).await.err().unwrap().is_unavailable());
    assert!(store.size(&stored).await.unwrap_err().is_unavailable());
    assert!(store.delete(&stored).await.unwrap_err().is_unavailable());
    assert!(store.ping().await.unwrap_err().is_unavailable());
    assert!(
        start.elapsed() < Duration::from_secs(40),
        "waited {:?}",
        start.elapsed()
    );

    tokio::task::block_in_place(|| server.restart());
    store.ping().await.unwrap();
    assert_eq!(store.read_into(&stored, Vec::new()).await.unwrap(), b"kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_with_different_prefixes_do_not_see_each_other() {
    let Some(bucket) = testing::s3() else { return };
    let at = |suffix: &str| {
        let mut options = options(&bucket);
        options.url.push_str(suffix);
        BlobStore::open(&options).unwrap()
    };
    let (one, longer, other) = (at("/one"), at("/one-more"), at("/other/"));
    let shared_key = key();
    one.put(&shared_key, Bytes::from_static(b"one")).await.unwrap();
    other.put(&shared_key, Bytes::from_static(b"other")).await.unwrap();
    assert_eq!(names(&one).await, [shared_key.to_string()]);
    assert_eq!(names(&other).await, [shared_key.to_string()]);
    assert!(names(&longer).await.is_empty());
    one.delete(&shared_key).await.unwrap();
    assert_eq!(other.read_into(&shared_key, Vec::new()).await.unwrap(), b"other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_fails_the_ping_and_the_listing() {
    let Some(bucket) = testing::s3() else { return };
    let mut options = options(&bucket);
    options.url = "s3://no-such-bucket".to_owned();
    let store = BlobStore::open(&options).unwrap();
    store.ping().await.unwrap_err();
    assert!(
        store.list().try_collect::<Vec<_>>().await.is_err(),
        "an empty listing would make every blob look lost"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused() {
    let Some(bucket) = testing::s3() else { return };
    let mut options = options(&bucket);
    options.s3.secret_access_key = Some("wrong".to_owned().into());
    let refused = BlobStore::open(&options).unwrap().ping().await.unwrap_err();
    assert!(matches!(refused, BlobError::Refused(_)), "{refused}");
    assert!(!refused.to_string().contains("wrong"), "{refused}");
}

#[test]
fn missing_certificates_are_explained() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "opens_a_store_over_https", "--ignored"])
        .envs([("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success() && said.contains("ca-certificates"), "{said}");
}

#[test]
#[ignore = "run without certificates by the test above"]
fn opens_a_store_over_https() {
    let s3 = S3Options {
        access_key_id: Some("id".to_owned()),
        secret_access_key: Some("secret".to_owned().into()),
        ..S3Options::default()
    };
    if let Err(error) = BlobStore::open(&BlobOptions {
        url: "s3://bucket".to_owned(),
        s3,
    }) {
        panic!("{error}");
    }
}
