//! A server in a process of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitStatus, Output};
use std::sync::Arc;

use shared::client::{Client, http};
use shared::crypto::X25519Public;
use tempfile::TempDir;

use crate::process::{Memory, Process};
use crate::soon;
use crate::storage::Storage;

/// What tells the servers apart.
pub(crate) struct Program {
    /// The name, which the configuration file has too.
    pub(crate) name: &'static str,
    /// Where it is; built if need be.
    pub(crate) binary: fn() -> &'static Path,
    /// What its environment variables begin with.
    pub(crate) prefix: &'static str,
    /// The file of its key, in the data folder.
    pub(crate) key: &'static str,
    /// Turns its floor of free space off, without the prefix.
    pub(crate) no_floor: &'static str,
}

/// A server on data of its own. It ends, and its data goes, with this value.
pub struct Server {
    program: &'static Program,
    storage: Storage,
    data: Arc<TempDir>,
    running: Option<Running>,
}

struct Running {
    process: Process,
    address: SocketAddr,
    operator: SocketAddr,
    key: X25519Public,
}

impl Server {
    pub(crate) fn start(program: &'static Program, storage: Storage, settings: &str) -> Self {
        shared::crypto::init().unwrap();
        let mut server = Self {
            program,
            storage,
            data: Arc::new(tempfile::tempdir().unwrap()),
            running: None,
        };
        server.configure(settings);
        server.restart();
        server
    }

    pub(crate) fn another(&self) -> Self {
        let mut server = Self {
            program: self.program,
            storage: self.storage.clone(),
            data: Arc::new(tempfile::tempdir().unwrap()),
            running: None,
        };
        for name in [self.program.key.to_owned(), self.configuration()] {
            fs::copy(self.data().join(&name), server.data().join(&name)).unwrap();
        }
        server.restart();
        server
    }

    fn configuration(&self) -> String {
        format!("{}.toml", self.program.name)
    }

    /// Writes the configuration file, to be read at the next start.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn configure(&self, settings: &str) {
        fs::write(self.data().join(self.configuration()), settings).unwrap();
    }

    /// Starts the server, again if it ran before, on what it has stored.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        // Somebody else may take the operator's port before the server does.
        for _ in 0..5 {
            if let Some(running) = self.run() {
                self.running = Some(running);
                return;
            }
        }
        panic!("no port for the operator's listener is to be had");
    }

    fn run(&self) -> Option<Running> {
        let operator = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut command = self.program();
        command.args(["--listen", "127.0.0.1:0", "--metrics-listen", &operator.to_string()]);
        let process = Process::start(&command);
        let Some(address) = process.output.wait_for("Serving on http://") else {
            // Its last words may still be on their way.
            process.errors.wait_for("\0");
            let reason = process.errors.text();
            assert!(
                reason.contains(&format!("cannot listen on {operator}")),
                "{} does not start: {reason}",
                self.program.name
            );
            return None;
        };
        let key = process.output.wait_for("Public key: ").unwrap();
        Some(Running {
            process,
            address: address.parse().unwrap(),
            operator,
            key: X25519Public::from_hex(&key).unwrap(),
        })
    }

    /// The program with the settings of this server.
    fn program(&self) -> Command {
        let Program {
            binary,
            prefix,
            no_floor,
            ..
        } = self.program;
        let mut command = Command::new(binary());
        let ours = format!("{prefix}_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(&ours)) {
            command.env_remove(name);
        }
        let variables = self.storage.variables.iter();
        command
            .env(format!("{prefix}_{no_floor}"), "0")
            .envs(variables.map(|(name, value)| (format!("{prefix}_{name}"), value)))
            .current_dir(self.data())
            .arg("--data")
            .arg(self.data())
            .arg("--config")
            .arg(self.configuration());
        command
    }

    /// Runs one of the program's commands beside the server.
    ///
    /// # Panics
    /// If it cannot be run.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.program().args(arguments).output().unwrap()
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// What the server is told about its storage in the environment variable of this name, which is without the prefix.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut variables = self.storage.variables.iter();
        variables.find_map(|(other, value)| (*other == name).then_some(value.as_str()))
    }

    /// Where it serves.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running().address
    }

    /// The key it has printed.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn key(&self) -> X25519Public {
        self.running().key
    }

    /// A client of it.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address()), self.key()).unwrap()
    }

    /// What it answers to the operator: the status and the text.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn operator(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.running().operator);
        let answer = soon("the operator's listener", http().unwrap().get(url).send())
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// A figure of its metrics, summed over all labels; zero before the first event.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.operator("/metrics").await;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let figures = lines.filter(|line| line.split(['{', ' ']).next() == Some(name));
        figures
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum()
    }

    /// The id of its process.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.running().process.id()
    }

    /// How much memory it takes up.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.running().process.memory()
    }

    /// What it has logged since it was started.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn log(&self) -> String {
        self.running().process.errors.text()
    }

    /// Waits until it logs something with this text.
    ///
    /// # Panics
    /// If it does not.
    pub fn wait_for_log(&self, text: &str) {
        assert!(
            self.running().process.errors.wait_for(text).is_some(),
            "{text:?} is not logged, but:\n{}",
            self.log()
        );
    }

    /// Sends it a signal by its name, such as `TERM`.
    ///
    /// # Panics
    /// If it does not run.
    pub fn signal(&self, name: &str) {
        self.running().process.signal(name);
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// If it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        let status = self.running.as_mut().unwrap().process.wait();
        self.running = None;
        status
    }

    /// Ends it in an orderly way.
    ///
    /// # Panics
    /// If it does not end, or not with 0.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let log = self.running().process.errors.clone();
        let status = self.wait();
        assert!(status.success(), "{status}\n{}", log.text());
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            drop(running.process);
        }
    }
}

/// A port nobody listens on right now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
