//! What every blob store must do alike. Each function runs on a local directory, on an S3 server and in memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use rand::{Rng, SeedableRng};
use shared::blob::{Blob, BlobError, BlobKey, BlobMeta, BlobOptions, BlobStore, Listed, S3Options};
use shared::clock::{Clock, Timestamp};
use shared::testing::{self, TestBucket};
use tempfile::TempDir;

const LARGE: usize = 10_000_000;

struct Fixture {
    options: BlobOptions,
    puts_are_atomic: bool,
    _directory: Option<TempDir>,
}

impl Fixture {
    fn local() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = BlobOptions::at(directory.path().join("blobs").to_str().unwrap());
        Self {
            options,
            puts_are_atomic: true,
            _directory: Some(directory),
        }
    }

    fn memory() -> Self {
        Self {
            options: BlobOptions::at("memory:"),
            puts_are_atomic: true,
            _directory: None,
        }
    }

    fn s3() -> Option<Self> {
        let TestBucket {
            url,
            endpoint,
            region,
            access_key_id,
            secret_access_key,
            puts_are_atomic,
        } = testing::s3()?;
        let s3 = S3Options {
            endpoint: Some(endpoint),
            region: Some(region),
            access_key_id: Some(access_key_id),
            secret_access_key: Some(secret_access_key.into()),
            ..S3Options::default()
        };
        Some(Self {
            options: BlobOptions { url, s3 },
            puts_are_atomic,
            _directory: None,
        })
    }

    /// The same server, asked to look before it writes instead of being trusted to refuse.
    fn s3_without_conditional_put() -> Option<Self> {
        let mut fixture = Self::s3()?;
        fixture.options.s3.conditional_put = false;
        fixture.puts_are_atomic = false;
        Some(fixture)
    }

    fn open(&self) -> BlobStore {
        BlobStore::open(&self.options).unwrap()
    }
}

macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        mod on_local {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                super::$test(super::Fixture::local()).await;
            })*
        }
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                super::$test(super::Fixture::memory()).await;
            })*
        }
        mod on_s3 {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                if let Some(fixture) = super::Fixture::s3() {
                    super::$test(fixture).await;
                }
            })*
        }
        mod on_s3_without_conditional_put {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                if let Some(fixture) = super::Fixture::s3_without_conditional_put() {
                    super::$test(fixture).await;
                }
            })*
        }
    };
}

on_every_store! {
    a_large_blob_comes_back_bit_identical,
    a_listing_goes_on_in_order_after_any_key,
    a_listing_names_every_blob_once,
    a_part_of_a_blob_can_be_read,
    a_reachable_store_answers,
    a_second_put_of_a_key_is_refused_and_changes_nothing,
    an_empty_blob_is_a_blob,
    deleting_twice_is_no_error,
    of_concurrent_puts_of_one_key_one_wins_whole,
    what_is_missing_is_told_so,
    what_the_buffer_holds_already_stays,
}

fn key() -> BlobKey {
    BlobKey::random()
}

fn random_bytes(seed: u64, length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    rand::rngs::StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes.into()
}

async fn bytes_of(blob: Blob) -> Vec<u8> {
    let size = blob.size();
    let chunks: Vec<Bytes> = blob.into_stream().try_collect().await.unwrap();
    let bytes = chunks.concat();
    assert_eq!(bytes.len() as u64, size);
    bytes
}

async fn listed(store: &BlobStore) -> Vec<BlobMeta> {
    let found: Vec<Listed> = store.list().try_collect().await.unwrap();
    let blob = |listed| match listed {
        Listed::Blob(meta) => meta,
        Listed::Foreign(name) => panic!("{name} is not ours"),
    };
    found.into_iter().map(blob).collect()
}

async fn a_large_blob_comes_back_bit_identical(fixture: Fixture) {
    let (store, key, bytes) = (fixture.open(), key(), random_bytes(1, LARGE));
    store.put(&key, bytes.clone()).await.unwrap();
    assert_eq!(store.size(&key).await.unwrap(), Some(LARGE as u64));
    assert!(bytes_of(store.get(&key).await.unwrap()).await == bytes);
    assert!(store.read_into(&key, Vec::new()).await.unwrap() == bytes);
}

async fn what_the_buffer_holds_already_stays(fixture: Fixture) {
    let (store, key) = (fixture.open(), key());
    store.put(&key, Bytes::from_static(b"body")).await.unwrap();
    let mut buffer = Vec::with_capacity(64);
    buffer.extend_from_slice(b"head ");
    let capacity = buffer.capacity();
    let buffer = store.read_into(&key, buffer).await.unwrap();
    assert_eq!(buffer, b"head body");
    assert_eq!(buffer.capacity(), capacity, "there was room enough");
}

async fn an_empty_blob_is_a_blob(fixture: Fixture) {
    let (store, key) = (fixture.open(), key());
    store.put(&key, Bytes::new()).await.unwrap();
    assert_eq!(store.size(&key).await.unwrap(), Some(0));
    assert_eq!(bytes_of(store.get(&key).await.unwrap()).await, b"");
}

async fn a_part_of_a_blob_can_be_read(fixture: Fixture) {
    let (store, key, bytes) = (fixture.open(), key(), random_bytes(2, 1_000_000));
    store.put(&key, bytes.clone()).await.unwrap();
    for range in [0..1, 0..1_000_000, 999_999..1_000_000, 262_143..700_001, 5..5] {
        let part = store
            .get_range(&key, range.start as u64..range.end as u64)
            .await
            .unwrap();
        assert!(bytes_of(part).await == bytes[range.clone()], "{range:?}");
    }
    for range in [0..1_000_001, 1_000_000..1_000_001, 2_000_000..2_000_001] {
        let refused = store.get_range(&key, range.clone()).await.err().unwrap();
        assert!(matches!(refused, BlobError::TooShort(_)), "{range:?}: {refused}");
    }
}

async fn a_second_put_of_a_key_is_refused_and_changes_nothing(fixture: Fixture) {
    let (store, key) = (fixture.open(), key());
    store.put(&key, Bytes::from_static(b"first")).await.unwrap();
    let refused = store.put(&key, Bytes::from_static(b"second")).await.unwrap_err();
    assert!(
        matches!(&refused, BlobError::Exists(named) if *named == key),
        "{refused}"
    );
    assert_eq!(bytes_of(store.get(&key).await.unwrap()).await, b"first");
}

async fn of_concurrent_puts_of_one_key_one_wins_whole(fixture: Fixture) {
    let (store, key) = (fixture.open(), key());
    let puts = (0..8).map(|seed| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move { store.put(&key, random_bytes(seed, 300_000)).await })
    });
    let mut winners = Vec::new();
    for (seed, put) in puts.collect::<Vec<_>>().into_iter().enumerate() {
        match put.await.unwrap() {
            Ok(()) => winners.push(random_bytes(seed as u64, 300_000)),
            Err(error) => assert!(matches!(error, BlobError::Exists(_)), "{error}"),
        }
    }
    if fixture.puts_are_atomic {
        assert_eq!(winners.len(), 1);
    }
    let bytes = bytes_of(store.get(&key).await.unwrap()).await;
    assert!(winners.iter().any(|winner| *winner == bytes));
}

async fn deleting_twice_is_no_error(fixture: Fixture) {
    let (store, key) = (fixture.open(), key());
    store.put(&key, Bytes::from_static(b"gone soon")).await.unwrap();
    for _ in 0..2 {
        store.delete(&key).await.unwrap();
        assert_eq!(store.size(&key).await.unwrap(), None);
    }
    store.put(&key, Bytes::from_static(b"back")).await.unwrap();
}

async fn what_is_missing_is_told_so(fixture: Fixture) {
    let (store, key) = (fixture.open(), key());
    assert_eq!(store.size(&key).await.unwrap(), None);
    assert!(store.get(&key).await.err().unwrap().is_not_found());
    assert!(store.get_range(&key, 0..1).await.err().unwrap().is_not_found());
    assert!(store.read_into(&key, Vec::new()).await.unwrap_err().is_not_found());
}

async fn a_listing_names_every_blob_once(fixture: Fixture) {
    // The clocks of stores may show whole seconds only.
    let before = Clock::system().now().minus(std::time::Duration::from_secs(5));
    let store = fixture.open();
    assert_eq!(listed(&store).await, []);
    let keys: Vec<_> = (0..30).map(|_| key()).collect();
    for (number, key) in keys.iter().enumerate() {
        store.put(key, random_bytes(3, number)).await.unwrap();
    }
    let found = listed(&store).await;
    assert!(
        found
            .iter()
            .all(|meta| meta.modified > before && meta.modified < Timestamp::from_nanos(i64::MAX))
    );
    let found: BTreeSet<_> = found.into_iter().map(|meta| (meta.key, meta.size)).collect();
    assert_eq!(found, keys.into_iter().zip(0..).collect());
}

async fn a_listing_goes_on_in_order_after_any_key(fixture: Fixture) {
    let store = fixture.open();
    let mut keys: Vec<BlobKey> = ["00", "0f", "aa", "ff"]
        .into_iter()
        .flat_map(|shard| ["0", "7", "f"].map(|digit| format!("{shard}/{shard}{}", digit.repeat(30))))
        .map(|key| key.parse().unwrap())
        .collect();
    for key in &keys {
        store.put(key, Bytes::from_static(b"x")).await.unwrap();
    }
    keys.sort();
    for (place, key) in keys.iter().enumerate() {
        let rest: Vec<Listed> = store.list_after(Some(key)).try_collect().await.unwrap();
        let rest = rest.into_iter().filter_map(|listed| match listed {
            Listed::Blob(meta) => Some(meta.key),
            Listed::Foreign(_) => None,
        });
        assert_eq!(rest.collect::<Vec<_>>(), keys[place + 1..], "after {key}");
    }
}

async fn a_reachable_store_answers(fixture: Fixture) {
    let store = fixture.open();
    store.ping().await.unwrap();
    assert_eq!(store.clean_staging(Timestamp::from_nanos(i64::MAX)).await.unwrap(), 0);
    assert_eq!(store.list().count().await, 0, "a ping leaves nothing behind");
}
