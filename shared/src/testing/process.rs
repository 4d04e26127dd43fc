//! A server process that cannot outlive the test process.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;

/// Runs the server given as arguments and waits on standard input, a pipe whose other end the test process holds. `stop`
/// ends the server and keeps its files; the end of the pipe, however it comes, ends the server and removes them.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
directory=$1; signal=$2; shift 2
"$@" </dev/null >>"$directory/log" 2>&1 &
server=$!
read -r order
kill -s "$signal" "$server" 2>/dev/null
wait "$server"
if [ "$order" != stop ]; then rm -rf "$directory"; fi
"#;

const START_PATIENCE: Duration = Duration::from_secs(30);

/// A running server and the shell that watches over it.
#[derive(Debug)]
pub(super) struct Watched(Child);

impl Watched {
    /// Starts a server whose files are in `directory`, and which ends cleanly on `signal`.
    pub(super) fn start(directory: &Path, signal: &str, server: &[&str]) -> Self {
        let shell = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(directory)
            .arg(signal)
            .args(server)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(shell.unwrap())
    }

    /// Waits until the server is as wanted.
    pub(super) fn wait_until(&self, ready: impl Fn() -> bool) {
        let deadline = Instant::now() + START_PATIENCE;
        while !ready() {
            assert!(Instant::now() < deadline, "a test server did not start in time");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the server, keeps its files and waits until it is gone.
    pub(super) fn stop(mut self) {
        let mut orders = self.0.stdin.take().unwrap();
        orders.write_all(b"stop\n").unwrap();
        drop(orders);
        self.0.wait().unwrap();
    }
}

/// Ends the server and waits until its files are gone.
impl Drop for Watched {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A port nobody listens on, and which nobody gets who asks for any: the kernel gives those from 32,768 on, and each of
/// these is given once.
///
/// # Panics
/// If all are taken.
#[must_use]
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let mut given = GIVEN.lock().unwrap();
    let tried = std::iter::repeat_with(|| rand::rng().random_range(15_000..32_000)).take(100_000);
    let port = tried.filter(|port| !given.contains(port)).find(is_free).unwrap();
    given.insert(port);
    port
}

/// Whether somebody accepts connections there.
pub(super) fn accepts_connections(port: u16) -> bool {
    TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}
