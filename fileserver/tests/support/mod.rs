//! The program as its operator runs it, and its rows and bytes.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytes::Bytes;
use fileserver::files::Files;
use fileserver::model::FixedBits;
use fileserver::store::{FileRow, Store};
use serde_json::Value;
use shared::blob::{BlobKey, BlobStore};
use shared::client::Request;
use shared::clock::{Clock, Timestamp};
use shared::testing;
pub(crate) use shared::testing::{Done, Program, Server, Stores};

const FILESERVER: Program = Program {
    name: "fileserver",
    path: env!("CARGO_BIN_EXE_fileserver"),
    prefix: "FILESERVER",
};

/// See the macro that it calls.
#[macro_export]
macro_rules! in_every_place {
    ($($tests:tt)+) => {
        shared::on_both_stores!($($tests)+);
    };
}

/// A folder with everything that one server has.
pub(crate) struct Place(testing::Place);

impl Deref for Place {
    type Target = testing::Place;

    fn deref(&self) -> &testing::Place {
        &self.0
    }
}

impl DerefMut for Place {
    fn deref_mut(&mut self) -> &mut testing::Place {
        &mut self.0
    }
}

impl Place {
    /// A place on SQLite and a folder; nothing is there yet.
    pub(crate) fn new() -> Self {
        Self(testing::Place::new(FILESERVER))
    }

    /// A place on these stores, or `None` if they are not at hand, which has been said then.
    pub(crate) fn on(stores: Stores) -> Option<Self> {
        testing::Place::on(FILESERVER, stores).map(Self)
    }

    /// Makes key, database and store, as the first start does.
    pub(crate) async fn make(&self) {
        if !self.data().exists() {
            self.run(&["key", "new"]).ok();
        }
        Store::open(&self.database).await.unwrap();
    }

    /// The rows and bytes themselves.
    pub(crate) async fn files(&self) -> Files {
        self.make().await;
        let store = Store::open_existing(&self.database).await.unwrap();
        let blobs = BlobStore::open(&self.blobs).unwrap();
        Files::new(store, blobs, Clock::system(), 0, FixedBits::default())
    }

    /// Stores a file that lives so many seconds from now.
    pub(crate) async fn add(&self, files: &Files, content: &str, seconds: i64) -> FileRow {
        let now = Clock::system().now();
        let life = Duration::from_secs(seconds.unsigned_abs());
        let expires = if seconds < 0 { now.minus(life) } else { now.plus(life) };
        let bytes = Bytes::copy_from_slice(content.as_bytes());
        files.store_by_content(bytes, now, expires).await.unwrap()
    }
}

/// Puts other bytes in the place of a blob's.
pub(crate) async fn damage(files: &Files, blob: &str, bytes: &'static [u8]) {
    let key: BlobKey = blob.parse().unwrap();
    files.blobs().delete(&key).await.unwrap();
    files.blobs().put(&key, Bytes::from_static(bytes)).await.unwrap();
}

/// All blobs there are.
pub(crate) async fn blobs(files: &Files) -> Vec<String> {
    use futures_util::TryStreamExt;
    let listed: Vec<_> = files.blobs().list().try_collect().await.unwrap();
    let keys = listed.into_iter().filter_map(|listed| match listed {
        shared::blob::Listed::Blob(blob) => Some(blob.key.to_string()),
        shared::blob::Listed::Foreign(_) => None,
    });
    keys.collect()
}

pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}

/// What only a file server does.
pub(crate) trait Transfers {
    /// Uploads a file and tells its id.
    async fn upload(&self, content: impl Into<Bytes>) -> String;

    /// The status of a download.
    async fn status(&self, id: &str) -> u16;
}

impl Transfers for Server {
    async fn upload(&self, content: impl Into<Bytes>) -> String {
        let answer = self.direct(Request::new("POST", "/file").body(content)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    async fn status(&self, id: &str) -> u16 {
        self.direct(Request::new("GET", &format!("/file/{id}"))).await.status
    }
}
