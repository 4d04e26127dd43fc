//! nginx in front of a server, with the site that `docker/nginx` recommends for file servers or with what it does by itself.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use shared::testing::{free_port, missing};
use tempfile::TempDir;

use crate::PATIENCE;
use crate::process::Process;

/// A private nginx. It ends with this value.
pub struct Nginx {
    address: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

impl Nginx {
    /// Starts it in front of a server, taking uploads in full before it passes them on (`buffering`) or not; `None` after
    /// saying that there is no nginx.
    ///
    /// # Panics
    /// If it does not start, or is missing where `TEST_REQUIRE_ALL=1`.
    #[must_use]
    pub fn start(upstream: SocketAddr, buffering: bool) -> Option<Self> {
        Self::serve(|address, directory| site(upstream, address, buffering, directory))
    }

    /// Starts it in front of a server as somebody sets it up who has read nothing: with what it does by default, and with
    /// these directives for the site. `None` as above.
    ///
    /// # Panics
    /// As above.
    #[must_use]
    pub fn careless(upstream: SocketAddr, directives: &str) -> Option<Self> {
        Self::serve(|address, _| {
            format!("server {{ listen {address}; {directives} location / {{ proxy_pass http://{upstream}; }} }}")
        })
    }

    fn serve(site: impl FnOnce(SocketAddr, &Path) -> String) -> Option<Self> {
        let Some(program) = program() else {
            return missing("nginx", "install nginx-light");
        };
        let directory = tempfile::tempdir().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        fs::write(directory.path().join("site.conf"), site(address, directory.path())).unwrap();
        fs::write(directory.path().join("nginx.conf"), frame(directory.path())).unwrap();
        let mut command = Command::new(program);
        command.arg("-c").arg(directory.path().join("nginx.conf"));
        let process = Process::start(&command);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(
                Instant::now() < deadline,
                "nginx does not start: {}",
                process.errors.text()
            );
            thread::sleep(Duration::from_millis(10));
        }
        Some(Self {
            address,
            _process: process,
            _directory: directory,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    directories
        .map(|directory| directory.join("nginx"))
        .find(|file| file.is_file())
}

/// The recommended site without TLS, which needs certificates, and on another address.
fn site(upstream: SocketAddr, address: SocketAddr, buffering: bool, directory: &Path) -> String {
    let recommended =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docker/nginx/fileserver.conf")).unwrap();
    let mut lines: Vec<String> = Vec::new();
    let mut listens = false;
    for line in recommended.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.first().copied().unwrap_or_default() {
            "listen" if listens => {}
            "listen" => {
                listens = true;
                lines.push(format!("listen {address};"));
            }
            "server" if words.len() == 2 && words[1].ends_with(';') => lines.push(format!("server {upstream};")),
            "proxy_request_buffering" => {
                lines.push(format!(
                    "proxy_request_buffering {};",
                    if buffering { "on" } else { "off" }
                ));
            }
            "error_log" => lines.push(format!("error_log {}/error.log;", directory.display())),
            word if word.starts_with("ssl_") => {}
            _ => lines.push(line.to_owned()),
        }
    }
    assert!(listens && lines.iter().any(|line| line.contains("proxy_request_buffering")));
    lines.join("\n")
}

fn frame(directory: &Path) -> String {
    let directory = directory.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {directory}/{kind};\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {directory}/nginx.pid;\nerror_log {directory}/error.log;\nevents {{}}\n\
         http {{\n{temporary}access_log off;\ninclude {directory}/site.conf;\n}}\n"
    )
}
