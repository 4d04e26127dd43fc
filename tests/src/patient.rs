//! A server that something is wrong with, and what its doctor says.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use shared::db::sqlx::{self, Connection, PgConnection, SqliteConnection};
use shared::testing::{Done, Place, Program, Server, Stores, missing};

/// A library that takes the clock of a program back by two days.
const TWO_DAYS_SLOW: &str = "
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
    int outcome = (int) syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME) time->tv_sec -= 2 * 86400;
    return outcome;
}
";

/// A server in a folder of its own.
pub struct Patient {
    /// The folder, and the commands.
    pub place: Place,
    server: Option<Server>,
}

/// What the doctor has found.
#[derive(Debug)]
pub struct Diagnosis {
    /// The exit code.
    pub code: i32,
    /// Each an object.
    pub findings: Vec<Value>,
}

impl Patient {
    /// Somebody on these stores who does not run yet; `None` after saying what is missing.
    #[must_use]
    pub fn on(program: Program, stores: Stores) -> Option<Self> {
        let mut place = Place::on(program, stores)?;
        // Tests need no more room than they take.
        let section = if program.name == "sogs" { "FILES" } else { "ABUSE" };
        place.set(&format!("{}_{section}_FREE_SPACE_FLOOR", program.prefix), "0");
        place.set(&format!("{}_BASE_URL", program.prefix), "https://community.example.org");
        Some(Self { place, server: None })
    }

    /// Starts the server.
    pub fn start(&mut self) -> &Server {
        self.server.insert(self.place.serve())
    }

    /// Starts the server with a clock that is two days slow; `None` after saying what is missing.
    ///
    /// # Panics
    /// If the library that does it cannot be made.
    pub fn start_two_days_slow(&mut self) -> Option<&Server> {
        let source = self.place.write("slow.c", TWO_DAYS_SLOW);
        let library = self.place.path().join("slow.so");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .status();
        if !compiled.is_ok_and(|status| status.success()) {
            return missing("C compiler", "install build-essential");
        }
        let mut command = self.place.command(&["--listen", "127.0.0.1:0"]);
        command.env("LD_PRELOAD", &library);
        Some(self.server.insert(Server::start(command)))
    }

    /// The running server.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Where it listens.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server().url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// Stops it in an orderly way.
    ///
    /// # Panics
    /// If it does not end with 0.
    pub fn stop(&mut self) {
        assert_eq!(self.server.take().unwrap().stop(), Some(0));
    }

    /// Asks the doctor.
    ///
    /// # Panics
    /// If it does not answer with JSON.
    pub fn diagnose(&self, arguments: &[&str]) -> Diagnosis {
        let listen = match &self.server {
            Some(_) => self.address().to_string(),
            None => "127.0.0.1:0".to_owned(),
        };
        let mut all = vec!["doctor", "--json"];
        if !arguments.contains(&"--listen") {
            all.extend(["--listen", &listen]);
        }
        all.extend(arguments);
        let Done { code, stdout, stderr } = self.place.run(&all);
        let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}\n{stderr}"));
        Diagnosis {
            code,
            findings: report["findings"].as_array().unwrap().clone(),
        }
    }

    /// Lets everybody, or nobody, read the key.
    ///
    /// # Panics
    /// If there is none.
    pub fn set_mode(&self, file: &str, mode: u32) {
        fs::set_permissions(self.place.data().join(file), Permissions::from_mode(mode)).unwrap();
    }

    /// Writes nonsense over the last page of the SQLite file that has rows.
    ///
    /// # Panics
    /// If there is none.
    pub fn damage_a_page(&self) {
        const LEAF_OF_A_TABLE: u8 = 13;
        let file = self.place.database.file().unwrap();
        let mut bytes = fs::read(&file).unwrap();
        let size = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
        let last = bytes.chunks(size).rposition(|page| page[0] == LEAF_OF_A_TABLE).unwrap();
        assert!(last > 0);
        bytes[last * size..(last + 1) * size].fill(0xaa);
        fs::write(file, bytes).unwrap();
    }

    /// Removes the bytes of all files in the data folder.
    ///
    /// # Panics
    /// If there are none.
    pub fn lose_all_bytes(&self) {
        let mut found = Vec::new();
        regular_files(&self.place.data().join("files"), &mut found);
        found.retain(|file| file.file_name().unwrap() != "installation");
        assert!(!found.is_empty());
        for file in found {
            fs::remove_file(file).unwrap();
        }
    }

    /// Runs a statement on the database.
    ///
    /// # Panics
    /// If it fails.
    pub async fn sql(&self, statement: &'static str) -> u64 {
        let url = &self.place.database.url;
        if let Some(file) = self.place.database.file() {
            let mut connection = SqliteConnection::connect(&format!("sqlite:{}", file.display()))
                .await
                .unwrap();
            return sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap()
                .rows_affected();
        }
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap()
            .rows_affected()
    }
}

impl Diagnosis {
    /// What was found in one place, the worst of it.
    ///
    /// # Panics
    /// If it was not looked at.
    #[must_use]
    pub fn of(&self, check: &str) -> &Value {
        let severity = |finding: &&Value| {
            ["ok", "skipped", "warning", "error"]
                .iter()
                .position(|level| finding["level"] == *level)
        };
        let found = self
            .findings
            .iter()
            .filter(|finding| finding["check"] == check)
            .max_by_key(severity);
        found.unwrap_or_else(|| panic!("no {check} in {self:#?}"))
    }

    /// Makes sure that something is an error, and that what to do about it includes this.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn error(&self, check: &str, remedy: &str) {
        self.told(check, "error", remedy);
        assert_eq!(self.code, 2);
    }

    /// The same for any level.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn told(&self, check: &str, level: &str, remedy: &str) {
        let finding = self.of(check);
        assert_eq!(finding["level"], level, "{self:#?}");
        assert!(finding["remedy"].as_str().unwrap().contains(remedy), "{finding:#}");
    }

    /// Makes sure that nothing else is amiss.
    ///
    /// # Panics
    /// If something is.
    #[track_caller]
    pub fn all_else_is_well(&self, but: &[&str]) {
        let amiss = self.findings.iter().filter(|finding| finding["level"] != "ok");
        let amiss: Vec<&Value> = amiss
            .filter(|finding| !but.contains(&finding["check"].as_str().unwrap()))
            .collect();
        assert!(amiss.is_empty(), "{amiss:#?}");
    }
}

fn regular_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            regular_files(&path, found);
        } else {
            found.push(path);
        }
    }
}
