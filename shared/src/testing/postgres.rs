//! PostgreSQL for tests: a private server, or a fresh database on a given one.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

use super::process::{Watched, free_port};
use super::{find_program, missing, target_directory, unique_name};

/// A fresh, empty database. It is dropped with this value, or goes with its private server.
#[derive(Debug)]
pub struct TestDatabase {
    /// Where it is, as `postgres://…`.
    pub url: String,
    name: String,
    /// The server to drop it from, if that outlives the test.
    lasting_server: Option<String>,
}

/// A fresh database on the server that all tests of this process share, or `None` after saying why.
///
/// # Panics
/// If the server cannot be started or used.
#[must_use]
pub fn postgres() -> Option<TestDatabase> {
    static SERVER: OnceLock<Option<PostgresServer>> = OnceLock::new();
    if let Ok(url) = env::var("TEST_POSTGRES_URL") {
        return Some(TestDatabase::create(&url, true));
    }
    let server = SERVER.get_or_init(PostgresServer::start).as_ref()?;
    Some(TestDatabase::create(&server.url("postgres"), false))
}

impl TestDatabase {
    fn create(server: &str, lasting: bool) -> Self {
        let name = format!("test_{}", unique_name());
        execute(server, &format!("CREATE DATABASE {name}"));
        let mut url = url::Url::parse(server).unwrap();
        url.set_path(&name);
        Self {
            url: url.into(),
            name,
            lasting_server: lasting.then(|| server.to_owned()),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(server) = &self.lasting_server {
            execute(server, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// Runs a statement from a thread of its own, for the caller may be inside an asynchronous test.
fn execute(server: &str, statement: &str) {
    let run = async {
        let options: sqlx::postgres::PgConnectOptions = server.parse()?;
        let mut connection: PgConnection = options.connect().await?;
        connection.execute(sqlx::AssertSqlSafe(statement.to_owned())).await?;
        connection.close().await
    };
    let outcome = thread::scope(|scope| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        scope.spawn(move || runtime.block_on(run)).join()
    });
    if let Err(error) = outcome.unwrap() {
        panic!("{statement}: {error}");
    }
}

/// A private server that the test may stop and start again.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    directory: PathBuf,
    port: u16,
    process: Option<Watched>,
}

impl PostgresServer {
    /// Starts a server, or says why there is none.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            return missing("PostgreSQL", "install it or set TEST_POSTGRES_URL");
        };
        let directory = env::temp_dir().join(format!("test-postgres-{}", unique_name()));
        fs::create_dir(&directory).unwrap();
        copy(&template(&programs), &directory.join("data"));
        let mut server = Self {
            programs,
            directory,
            port: 0,
            process: None,
        };
        server.run();
        Some(server)
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// A fresh database on this server.
    ///
    /// # Panics
    /// If the server is stopped.
    #[must_use]
    pub fn database(&self) -> TestDatabase {
        TestDatabase::create(&self.url("postgres"), false)
    }

    /// Stops the server as an administrator would, cutting off its clients.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop();
        }
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        self.stop();
        self.run();
    }

    fn run(&mut self) {
        // Somebody else may take the free port before the server does.
        for _ in 0..5 {
            if self.port == 0 {
                self.port = free_port();
            }
            if self.try_run() {
                return;
            }
            self.port = 0;
        }
        panic!(
            "PostgreSQL does not start: {}",
            fs::read_to_string(self.directory.join("log")).unwrap_or_default()
        );
    }

    fn try_run(&mut self) -> bool {
        let postgres = self.programs.join("postgres").display().to_string();
        let data = self.directory.join("data");
        let (data_text, port) = (data.display().to_string(), self.port.to_string());
        let mut command = vec!["setpriv", "--pdeathsig=QUIT"];
        if is_root() {
            command.extend(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
        }
        command.extend([
            postgres.as_str(),
            "-D",
            &data_text,
            "-p",
            &port,
            "-c",
            "listen_addresses=127.0.0.1",
        ]);
        for setting in [
            "unix_socket_directories=",
            "fsync=off",
            "full_page_writes=off",
            "shared_buffers=16MB",
        ] {
            command.extend(["-c", setting]);
        }
        let process = Watched::start(&self.directory, "INT", &command);
        let status = data.join("postmaster.pid");
        // The last line of this file says so when the server is ready; the file goes when the server ends.
        let is_ready = || fs::read_to_string(&status).is_ok_and(|text| text.lines().nth(7).is_some_and(is_ready_line));
        let log = self.directory.join("log");
        let has_failed =
            || fs::read_to_string(&log).is_ok_and(|text| text.contains("FATAL:  could not create any TCP"));
        process.wait_until(|| is_ready() || has_failed());
        if !is_ready() {
            process.stop();
            let _ = fs::remove_file(log);
            return false;
        }
        self.process = Some(process);
        true
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn is_ready_line(line: &str) -> bool {
    line.trim_end() == "ready"
}

/// Where `postgres` and `initdb` are: the newest installed version.
fn programs() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<_> = installed.map(|entry| entry.path().join("bin")).collect();
    installed.sort_by_key(|path| {
        path.parent()
            .and_then(|version| version.file_name()?.to_str()?.parse::<u32>().ok())
    });
    installed.reverse();
    Some(find_program("initdb", &installed)?.parent()?.to_owned())
}

/// An initialised data directory to copy from, made once per build directory and version.
fn template(programs: &Path) -> PathBuf {
    let version = Command::new(programs.join("postgres"))
        .arg("--version")
        .output()
        .unwrap()
        .stdout;
    let version = String::from_utf8_lossy(&version)
        .split_whitespace()
        .nth(2)
        .unwrap()
        .to_owned();
    let shelf = target_directory().join("test-postgres");
    fs::create_dir_all(&shelf).unwrap();
    let lock = File::create(shelf.join("lock")).unwrap();
    lock.lock().unwrap();
    let template = shelf.join(version);
    if !template.exists() {
        let fresh = initialise(programs);
        let partial = shelf.join("partial");
        let _ = fs::remove_dir_all(&partial);
        copy(&fresh.join("data"), &partial);
        fs::rename(partial, &template).unwrap();
        fs::remove_dir_all(fresh).unwrap();
    }
    template
}

/// Runs initdb in the directory for temporary files, which the unprivileged user it needs can reach.
fn initialise(programs: &Path) -> PathBuf {
    let directory = env::temp_dir().join(format!("test-postgres-{}", unique_name()));
    fs::create_dir(&directory).unwrap();
    let mut command = Command::new("setpriv");
    if is_root() {
        assert!(
            Command::new("chown")
                .arg("postgres:")
                .arg(&directory)
                .status()
                .unwrap()
                .success()
        );
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command
        .arg("--no-new-privs")
        .arg(programs.join("initdb"))
        .arg("-D")
        .arg(directory.join("data"));
    command.args([
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        "--wal-segsize=1",
    ]);
    let output = command.current_dir("/").output().unwrap();
    assert!(
        output.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    directory
}

fn copy(from: &Path, to: &Path) {
    assert!(
        Command::new("cp")
            .arg("-a")
            .arg(from)
            .arg(to)
            .status()
            .unwrap()
            .success()
    );
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
