//! The real program as its operator runs it: in a folder of its own, as a process, on either pair of stores.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{TestBucket, TestDatabase, postgres, s3};
use crate::blob::{BlobOptions, S3Options};
use crate::client::{Answer, Client, Request};
use crate::crypto::X25519Public;
use crate::db::DbOptions;

/// Which program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name, after which its database is called too.
    pub name: &'static str,
    /// Where it is.
    pub path: &'static str,
    /// What its environment variables begin with.
    pub prefix: &'static str,
}

/// Where rows and bytes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// SQLite and a folder.
    Embedded,
    /// PostgreSQL and S3.
    Shared,
}

/// A folder with everything that one server has.
#[derive(Debug)]
pub struct Place {
    program: Program,
    folder: TempDir,
    environment: Vec<(String, String)>,
    /// Where its rows are.
    pub database: DbOptions,
    /// Where its bytes are.
    pub blobs: BlobOptions,
    _database: Option<TestDatabase>,
}

impl Place {
    /// A place on SQLite and a folder; nothing is there yet.
    #[must_use]
    pub fn new(program: Program) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self {
            environment: vec![(format!("{}_DATA", program.prefix), data.display().to_string())],
            database: DbOptions::at(format!(
                "sqlite:{}",
                data.join(program.name).with_extension("db").display()
            )),
            blobs: BlobOptions::at(data.join("files").display().to_string()),
            program,
            folder,
            _database: None,
        }
    }

    /// A place on these stores, or `None` if they are not at hand, which has been said then.
    #[must_use]
    pub fn on(program: Program, stores: Stores) -> Option<Self> {
        let mut place = Self::new(program);
        if stores == Stores::Shared {
            let (database, bucket) = (postgres()?, s3()?);
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
                place
                    .environment
                    .push((format!("{}_{name}", program.prefix), value.clone()));
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
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Sets an environment variable for all commands.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The variable of this name that commands get.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let mut variables = self.environment.iter().rev();
        variables.find_map(|(other, value)| (other == name).then(|| value.clone()))
    }

    /// The program with these arguments, in a clean environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program.path);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.command(arguments).output().unwrap())
    }

    /// Runs the program to its end with nobody reading what it prints.
    pub fn run_unheard(&self, arguments: &[&str]) -> Done {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Done::of(self.command(arguments).stdout(writer).output().unwrap())
    }

    /// Starts a server on a free port.
    pub fn serve(&self) -> Server {
        Server::start(self.command(&["--listen", "127.0.0.1:0"]))
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    fn of(output: Output) -> Self {
        let Output { status, stdout, stderr } = output;
        Self {
            code: status.code().unwrap(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// What it printed, if all went well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// The same as JSON.
    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// What a check with `--json` found, and its summary.
    pub fn findings(&self) -> (Vec<Value>, Value) {
        let lines = self.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut lines: Vec<Value> = lines.collect();
        let summary = lines.pop().unwrap()["summary"].clone();
        (lines, summary)
    }

    /// What it complained about, if something stood in the way.
    #[track_caller]
    pub fn fails(self) -> String {
        assert_eq!(self.code, 1, "{self:?}");
        self.stderr
    }
}

/// A running server, killed at the latest when it is dropped.
pub struct Server {
    child: Child,
    /// Without a slash at the end.
    pub url: String,
    /// The public key, in hex.
    pub key: String,
}

impl Server {
    pub fn start(mut command: Command) -> Self {
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

    pub fn client(&self) -> Client {
        crate::crypto::init().unwrap();
        Client::new(&self.url, X25519Public::from_hex(&self.key).unwrap()).unwrap()
    }

    pub async fn direct(&self, request: Request) -> Answer {
        self.client().direct(request).await.unwrap()
    }

    /// Asks it to stop and waits until it has; the answer is its exit code.
    pub fn stop(mut self) -> Option<i32> {
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
