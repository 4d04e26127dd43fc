//! A file server inside the test, with a clock that the test moves, on each pair of stores.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::sync::Arc;
use std::time::Duration;

use fileserver::app::FileServer;
use fileserver::serve::Running;
use fileserver::settings::Settings;
use serde_json::Value;
use shared::client::{Answer, Client, Request};
use shared::clock::{Clock, Timestamp};
use shared::testing;
pub(crate) use shared::testing::Stores;
use tempfile::TempDir;

/// The moment at which every test begins; that of the vectors.
pub(crate) const START: i64 = 1_700_000_000;

/// A fortnight, in seconds: the life of a file whose uploader asks for nothing.
pub(crate) const FORTNIGHT: f64 = 1_209_600.0;

/// A file server, and what must live as long as it does.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    running: Option<Running>,
    _database: Option<testing::TestDatabase>,
    _data: TempDir,
}

/// See the macro that it calls.
#[macro_export]
macro_rules! on_both_stores {
    ($($tests:tt)+) => {
        shared::on_both_stores!($($tests)+);
    };
}

impl Server {
    pub(crate) async fn start(stores: Stores) -> Option<Self> {
        Self::start_with(stores, |_| ()).await
    }

    /// `None` if the stores are not at hand, which has been said then.
    pub(crate) async fn start_with(stores: Stores, change: impl FnOnce(&mut Settings)) -> Option<Self> {
        shared::crypto::init().unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        let common = &mut settings.common;
        common.data = Some(data.path().join("data"));
        common.listen = Some(([127, 0, 0, 1], 0).into());
        settings.abuse.free_space_floor.0 = 0;
        let mut database = None;
        if stores == Stores::Shared {
            let (rows, bucket) = (testing::postgres()?, testing::s3()?);
            common.database_url = Some(rows.url.clone().into());
            common.blob_url = Some(bucket.url);
            common.s3.endpoint = Some(bucket.endpoint);
            common.s3.region = Some(bucket.region);
            common.s3.access_key_id = Some(bucket.access_key_id);
            common.s3.secret_access_key = Some(bucket.secret_access_key.into());
            database = Some(rows);
        }
        change(&mut settings);
        let clock = Clock::manual(Timestamp::from_seconds(START));
        let running = Running::start(settings, clock.clone()).await.unwrap();
        let url = format!("http://{}", running.address());
        let client = Client::new(&url, *running.keys().onion.public()).unwrap();
        Some(Self {
            client,
            clock,
            running: Some(running),
            _database: database,
            _data: data,
        })
    }

    pub(crate) fn app(&self) -> &Arc<FileServer> {
        self.running.as_ref().unwrap().app()
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.running.as_ref().unwrap().address()
    }

    pub(crate) fn now(&self) -> f64 {
        self.clock.now().as_seconds_f64()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn call(&self, request: Request) -> Answer {
        self.client.direct(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Request::new("GET", path)).await
    }

    pub(crate) async fn put(&self, bytes: &[u8], ttl: Option<&str>) -> Answer {
        let request = Request::new("POST", "/file").body(bytes.to_vec());
        self.call(match ttl {
            Some(ttl) => request.header("X-FS-TTL", ttl),
            None => request,
        })
        .await
    }

    /// Uploads and gives the id.
    pub(crate) async fn stored(&self, bytes: &[u8], ttl: Option<&str>) -> String {
        let answer = self.put(bytes, ttl).await;
        assert_eq!(answer.status, 200);
        json(&answer)["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn extend(&self, id: &str, ttl: Option<&str>) -> Answer {
        let request = Request::new("POST", &format!("/file/{id}/extend"));
        self.call(match ttl {
            Some(ttl) => request.header("X-FS-TTL", ttl),
            None => request,
        })
        .await
    }

    pub(crate) async fn info(&self, id: &str) -> Value {
        let answer = self.get(&format!("/file/{id}/info")).await;
        assert_eq!(answer.status, 200);
        json(&answer)
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.get(path).await.status
    }

    /// How many blobs there are.
    pub(crate) async fn blobs(&self) -> usize {
        use futures_util::TryStreamExt;
        let listed: Vec<_> = self.app().files.blobs().list().try_collect().await.unwrap();
        listed.len()
    }
}

pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// Asserts the standard error body.
pub(crate) fn refused(answer: &Answer, status: u16) {
    assert_eq!(
        (answer.status, json(answer)),
        (status, serde_json::json!({ "status_code": status }))
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
}
