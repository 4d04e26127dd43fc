//! The program as its operator runs it: in a folder of its own, as a process, on either pair of stores.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use bytes::Bytes;
use fileserver::files::Files;
use fileserver::model::FixedBits;
use fileserver::store::{FileRow, Store};
use serde_json::Value;
use shared::blob::{BlobKey, BlobOptions, BlobStore, S3Options};
use shared::client::{Answer, Client, Request};
use shared::clock::{Clock, Timestamp};
use shared::crypto::X25519Public;
use shared::db::DbOptions;
use shared::testing::{self, TestBucket, TestDatabase};
use tempfile::TempDir;

/// Where rows and bytes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    /// SQLite and a folder.
    Embedded,
    /// PostgreSQL and S3.
    Shared,
}

/// Writes each test for both pairs of stores. A test on stores that are not at hand says so and ends.
#[macro_export]
macro_rules! in_every_place {
    ($($name:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::support::Stores::Embedded).await;
            })+
        }
        mod shared_stores {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::support::Stores::Shared).await;
            })+
        }
    };
}

/// A folder with everything that one server has.
pub(crate) struct Place {
    folder: TempDir,
    environment: Vec<(String, String)>,
    database: DbOptions,
    blobs: BlobOptions,
    _database: Option<TestDatabase>,
}

impl Place {
    /// A place on SQLite and a folder; nothing is there yet.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self {
            environment: vec![("FILESERVER_DATA".to_owned(), data.display().to_string())],
            database: DbOptions::at(format!("sqlite:{}", data.join("fileserver.db").display())),
            blobs: BlobOptions::at(data.join("files").display().to_string()),
            folder,
            _database: None,
        }
    }

    /// A place on these stores, or `None` if they are not at hand, which has been said then.
    pub(crate) fn on(stores: Stores) -> Option<Self> {
        let mut place = Self::new();
        if stores == Stores::Shared {
            let (database, bucket) = (testing::postgres()?, testing::s3()?);
            let TestBucket {
                url,
                endpoint,
                region,
                access_key_id,
                secret_access_key,
                ..
            } = bucket;
            for (name, value) in [
                ("DATABASE_URL", &database.url),
                ("BLOB_URL", &url),
                ("S3_ENDPOINT", &endpoint),
                ("S3_REGION", &region),
                ("S3_ACCESS_KEY_ID", &access_key_id),
                ("S3_SECRET_ACCESS_KEY", &secret_access_key),
            ] {
                place.environment.push((format!("FILESERVER_{name}"), value.clone()));
            }
            place.database = DbOptions::at(database.url.clone());
            place.blobs = BlobOptions {
                url,
                s3: S3Options {
                    endpoint: Some(endpoint),
                    region: Some(region),
                    access_key_id: Some(access_key_id),
                    secret_access_key: Some(secret_access_key.into()),
                    ..S3Options::default()
                },
            };
            place._database = Some(database);
        }
        Some(place)
    }

    /// The folder that the program runs in.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Sets an environment variable for all commands.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The program with these arguments, in a clean environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fileserver"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        Done {
            code: status.code().unwrap(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Starts a server on a free port.
    pub(crate) fn serve(&self) -> Server {
        Server::start(self.command(&["--listen", "127.0.0.1:0"]))
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

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// What it printed, if all went well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// The same as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// What it complained about, if something stood in the way.
    #[track_caller]
    pub(crate) fn fails(self) -> String {
        assert_eq!(self.code, 1, "{self:?}");
        self.stderr
    }
}

/// A running server, killed at the latest when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Without a slash at the end.
    pub(crate) url: String,
    /// The public key, in hex.
    pub(crate) key: String,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut url, mut key) = (None, None);
        while key.is_none() {
            let line = lines.next().expect("the server ended").unwrap();
            if let Some(rest) = line.strip_prefix("Serving on ") {
                url = Some(rest.to_owned());
            }
            key = line.strip_prefix("Public key: ").map(ToOwned::to_owned);
        }
        Self {
            child,
            url: url.unwrap(),
            key: key.unwrap(),
        }
    }

    pub(crate) fn client(&self) -> Client {
        shared::crypto::init().unwrap();
        Client::new(&self.url, X25519Public::from_hex(&self.key).unwrap()).unwrap()
    }

    pub(crate) async fn direct(&self, request: Request) -> Answer {
        self.client().direct(request).await.unwrap()
    }

    /// Uploads a file and tells its id.
    pub(crate) async fn upload(&self, content: impl Into<Bytes>) -> String {
        let answer = self.direct(Request::new("POST", "/file").body(content)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// The status of a download.
    pub(crate) async fn status(&self, id: &str) -> u16 {
        self.direct(Request::new("GET", &format!("/file/{id}"))).await.status
    }

    /// Asks it to stop and waits until it has; the answer is its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
