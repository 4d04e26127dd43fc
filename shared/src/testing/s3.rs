//! An S3-compatible store for tests: a private `s3s-fs`, or a bucket on a given server.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::{env, fs};

use super::process::{Watched, accepts_connections, free_port};
use super::{find_program, missing, target_directory, unique_name};

const BUCKET: &str = "test";
const ACCESS_KEY_ID: &str = "test-access-key";
const SECRET_ACCESS_KEY: &str = "test-secret-key";

/// An empty place in a bucket.
#[derive(Clone, Debug)]
pub struct TestBucket {
    /// The place as `s3://BUCKET/PREFIX`.
    pub url: String,
    /// The server as `http://HOST:PORT`.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The name of the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: String,
    /// Whether of several puts of the same name at the same moment only one succeeds; the private server looks before
    /// it writes, so that two can pass.
    pub puts_are_atomic: bool,
}

/// An empty place on the server that all tests of this process share, or `None` after saying why.
///
/// # Panics
/// If the server cannot be started, or `TEST_S3_BUCKET` and the keys do not come with `TEST_S3_ENDPOINT`.
#[must_use]
pub fn s3() -> Option<TestBucket> {
    static SERVER: OnceLock<Option<S3Server>> = OnceLock::new();
    if let Ok(endpoint) = env::var("TEST_S3_ENDPOINT") {
        return Some(TestBucket {
            url: format!("s3://{}/{}", env::var("TEST_S3_BUCKET").unwrap(), unique_name()),
            endpoint,
            region: env::var("TEST_S3_REGION").unwrap_or_else(|_| "us-east-1".to_owned()),
            access_key_id: env::var("TEST_S3_ACCESS_KEY_ID").unwrap(),
            secret_access_key: env::var("TEST_S3_SECRET_ACCESS_KEY").unwrap(),
            puts_are_atomic: true,
        });
    }
    Some(SERVER.get_or_init(S3Server::start).as_ref()?.bucket())
}

/// A private server that the test may stop and start again.
#[derive(Debug)]
pub struct S3Server {
    program: PathBuf,
    directory: PathBuf,
    port: u16,
    process: Option<Watched>,
}

impl S3Server {
    /// Starts a server with one bucket, or says why there is none.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(program) = find_program("s3s-fs", &[target_directory().join("tools/bin")]) else {
            return missing(
                "S3 server",
                "run `cargo install s3s-fs --version 0.14.1 --features binary --root target/tools` or set TEST_S3_ENDPOINT",
            );
        };
        let directory = env::temp_dir().join(format!("test-s3-{}", unique_name()));
        fs::create_dir_all(directory.join("data").join(BUCKET)).unwrap();
        let mut server = Self {
            program,
            directory,
            port: free_port(),
            process: None,
        };
        server.restart();
        Some(server)
    }

    /// An empty place in its bucket.
    #[must_use]
    pub fn bucket(&self) -> TestBucket {
        TestBucket {
            url: format!("s3://{BUCKET}/{}", unique_name()),
            endpoint: format!("http://127.0.0.1:{}", self.port),
            region: "us-east-1".to_owned(),
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.to_owned(),
            puts_are_atomic: false,
        }
    }

    /// Stops the server and keeps what it stores.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop();
        }
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        self.stop();
        let (program, port) = (self.program.display().to_string(), self.port.to_string());
        let data = self.directory.join("data").display().to_string();
        let command = [
            "setpriv",
            "--pdeathsig=KILL",
            &program,
            "--host",
            "127.0.0.1",
            "--port",
            &port,
        ];
        let keys = ["--access-key", ACCESS_KEY_ID, "--secret-key", SECRET_ACCESS_KEY, &data];
        let process = Watched::start(&self.directory, "KILL", &[&command[..], &keys].concat());
        process.wait_until(|| accepts_connections(port.parse().unwrap()));
        self.process = Some(process);
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
