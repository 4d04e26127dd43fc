//! A server process that cannot outlive the test, and what it has written.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, LazyLock, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::PATIENCE;

/// The kernel ends a child with the thread that started it, so all are started from one that ends with the process.
static STARTER: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (sender, jobs) = mpsc::channel::<Job>();
    thread::spawn(move || {
        for (mut command, started) in jobs {
            let _ = started.send(command.spawn());
        }
    });
    sender
});

type Job = (Command, mpsc::Sender<std::io::Result<Child>>);

/// A running program whose output is kept.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) output: Written,
    pub(crate) errors: Written,
}

impl Process {
    /// Starts a program, which ends with this process at the latest.
    pub(crate) fn start(command: &Command) -> Self {
        let mut wrapped = Command::new("setpriv");
        wrapped.arg("--pdeathsig=KILL").arg(command.get_program());
        wrapped.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            wrapped.current_dir(directory);
        }
        wrapped
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // What the terminal sends to the test is for the test alone.
        wrapped.process_group(0);
        let (started, child) = mpsc::channel();
        STARTER.send((wrapped, started)).unwrap();
        let mut child = child.recv().unwrap().unwrap();
        let output = Written::follow(child.stdout.take().unwrap());
        let errors = Written::follow(child.stderr.take().unwrap());
        Self { child, output, errors }
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let order = format!("kill -s {name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &order]).status().unwrap().success());
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the process does not end; it wrote:\n{}",
                self.errors.text()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// How much memory it takes up.
    pub(crate) fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
        };
        Memory {
            now: bytes("VmRSS:"),
            peak: bytes("VmHWM:"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// At the moment.
    pub now: u64,
    /// The most since it started.
    pub peak: u64,
}

/// Lines that a process has written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<(Mutex<Lines>, Condvar)>);

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Written {
    fn follow(pipe: impl Read + Send + 'static) -> Self {
        let written = Self::default();
        let writer = written.clone();
        thread::spawn(move || {
            let (lines, more) = &*writer.0;
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                lines.lock().unwrap().lines.push(line);
                more.notify_all();
            }
            lines.lock().unwrap().ended = true;
            more.notify_all();
        });
        written
    }

    /// Waits for a line that contains this text and gives what follows the text; `None` if the output ends before.
    pub(crate) fn wait_for(&self, text: &str) -> Option<String> {
        let (lines, more) = &*self.0;
        let (lines, _) = more
            .wait_timeout_while(lines.lock().unwrap(), PATIENCE, |lines| {
                !lines.ended && !lines.lines.iter().any(|line| line.contains(text))
            })
            .unwrap();
        let after = lines.lines.iter().find_map(|line| line.split_once(text));
        after.map(|(_, rest)| rest.to_owned())
    }

    /// All lines so far.
    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap().lines.join("\n")
    }
}
