//! A machine in a folder: commands that name its places by their usual paths are run on those below the folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use e2e::{PATIENCE, fileserver_binary, sogs_binary};
use shared::testing::free_port;
use tempfile::TempDir;

/// Places of a machine that have their like in the sandbox.
const PLACES: [&str; 8] = [
    "/etc/",
    "/var/",
    "/tmp/",
    "/usr/local/",
    "/usr/share/",
    "/usr/bin/",
    "/home/",
    "/sources/",
];
/// Paths of the machine itself that commands may name.
const HARMLESS: [&str; 4] = ["/CN", "/dev/null", "/usr/sbin/nologin", "/bin/true"];

const SHIMS: [(&str, &str); 7] = [
    ("cargo", include_str!("shims/cargo")),
    ("chown", include_str!("shims/chown")),
    ("install", include_str!("shims/install")),
    ("ssh", include_str!("shims/ssh")),
    ("sudo", include_str!("shims/sudo")),
    ("systemctl", include_str!("shims/systemctl")),
    ("useradd", include_str!("shims/useradd")),
];
const PROGRAM: &str = include_str!("shims/program");

/// One of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Sogs,
    Fileserver,
}

impl Server {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sogs => "sogs",
            Self::Fileserver => "fileserver",
        }
    }
}

/// The machine. What it has started ends with it.
pub(crate) struct Sandbox {
    folder: TempDir,
    ports: BTreeMap<&'static str, u16>,
    /// What was not started as a service.
    children: Vec<Child>,
}

/// What a command has done.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Sandbox {
    /// A machine with the sources and freshly built programs, on which nothing is installed.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Self {
            folder,
            ports: ["127.0.0.1:8080", "127.0.0.1:8081"]
                .map(|usual| (usual, free_port()))
                .into(),
            children: Vec::new(),
        };
        for place in [
            "etc/systemd/system",
            "var/lib",
            "var/backups",
            "var/tmp",
            "tmp",
            "home",
            "run",
            "shims",
            "usr/local/bin",
            "usr/local/share/man/man1",
            "usr/share/bash-completion/completions",
            "usr/bin",
            "sources/target/release",
        ] {
            fs::create_dir_all(sandbox.path(place)).unwrap();
        }
        for (name, text) in SHIMS {
            sandbox.script(&format!("shims/{name}"), text);
        }
        for server in [Server::Sogs, Server::Fileserver] {
            let name = server.name();
            sandbox.script(&format!("sources/target/release/{name}"), &sandbox.program(server));
        }
        sandbox.copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../docker"),
            "sources/docker",
        );
        sandbox
    }

    /// Puts program, unit and configuration where the package puts them. The service does not run yet.
    pub(crate) fn install(&self, server: Server) {
        let name = server.name();
        make_program(
            &self.path(&format!("sources/target/release/{name}")),
            &self.path(&format!("usr/bin/{name}")),
        );
        for place in ["etc", "var/lib"] {
            fs::create_dir_all(self.path(&format!("{place}/{name}"))).unwrap();
        }
        for (from, to) in [
            (format!("docker/{name}.toml"), format!("etc/{name}/{name}.toml")),
            (
                format!("docker/systemd/{name}.service"),
                format!("etc/systemd/system/{name}.service"),
            ),
        ] {
            fs::copy(self.path("sources").join(from), self.path(&to)).unwrap();
        }
    }

    /// The place of the sandbox at this path, which is without a slash at the beginning.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Where a server listens that listens there by default.
    pub(crate) fn address(&self, server: Server) -> String {
        self.moved(match server {
            Server::Sogs => "127.0.0.1:8080",
            Server::Fileserver => "127.0.0.1:8081",
        })
    }

    /// A text with the places and addresses of the sandbox instead of those of the machine.
    pub(crate) fn moved(&self, text: &str) -> String {
        let mut moved = String::with_capacity(text.len());
        let root = self.folder.path().display().to_string();
        let mut before = ' ';
        for (at, letter) in text.char_indices() {
            let rest = &text[at..];
            let begins = !before.is_alphanumeric() && !"./_-~}$".contains(before);
            if begins && !rest.starts_with(&root) && PLACES.iter().any(|place| rest.starts_with(place)) {
                moved.push_str(&root);
            }
            moved.push(letter);
            before = letter;
        }
        for (usual, port) in &self.ports {
            moved = moved.replace(usual, &format!("127.0.0.1:{port}"));
        }
        let http = |usual: &str| format!("http://127.0.0.1:{}", self.ports[usual]);
        moved
            .replace("https://chat.example.org", &http("127.0.0.1:8080"))
            .replace("https://files.example.org", &http("127.0.0.1:8081"))
    }

    /// Runs commands in the folder of the sources. With answers, they are typed at a terminal.
    pub(crate) fn run(&self, commands: &str, answers: Option<&str>) -> Done {
        let mut child = self.start(commands, answers.is_some(), Stdio::piped(), Stdio::piped());
        let mut input = child.stdin.take().unwrap();
        input.write_all(answers.unwrap_or_default().as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "");
        Done {
            code: ended.status.code(),
            output: text(&ended.stdout),
            errors: text(&ended.stderr),
        }
    }

    /// Runs commands of which the last one goes on, until it is ready by what it has written, which is the answer.
    pub(crate) fn keep(&mut self, commands: &str, answers: Option<&str>, is_ready: impl Fn(&str) -> bool) -> String {
        let log = self.path(&format!("run/{}.log", self.children.len()));
        let output = fs::File::create(&log).unwrap();
        let errors = output.try_clone().unwrap();
        let mut child = self.start(commands, answers.is_some(), output.into(), errors.into());
        if let Some(answers) = answers {
            child.stdin.as_mut().unwrap().write_all(answers.as_bytes()).unwrap();
        }
        self.children.push(child);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let written = String::from_utf8_lossy(&fs::read(&log).unwrap()).replace('\r', "");
            if is_ready(&written) {
                return written;
            }
            let ended = self.children.last_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{commands}\nends or does not get ready:\n{written}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The key of a server that runs, as it has told it.
    pub(crate) fn public_key(&self, server: Server) -> String {
        let serves = format!("Serving on http://{}\n", self.address(server));
        let logs = fs::read_dir(self.path("run")).unwrap().flatten();
        let mut logs = logs.filter_map(|entry| fs::read_to_string(entry.path()).ok());
        let log = logs
            .find(|log| log.replace('\r', "").contains(&serves))
            .unwrap_or_default();
        let key = log.lines().find_map(|line| line.strip_prefix("Public key: "));
        key.unwrap_or_else(|| panic!("{} does not run", server.name()))
            .trim()
            .to_owned()
    }

    /// Ends what goes on outside of services.
    pub(crate) fn interrupt(&mut self) {
        for mut child in self.children.drain(..) {
            // Whatever it has started is in its group.
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
            let _ = child.wait();
        }
    }

    fn start(&self, commands: &str, at_a_terminal: bool, output: Stdio, errors: Stdio) -> Child {
        self.refuse_what_leads_outside(commands);
        let mut command = Command::new("timeout");
        command.arg("300");
        if at_a_terminal {
            let file = self.path("run/commands");
            fs::write(&file, format!("set -e -o pipefail\n{commands}")).unwrap();
            command.args(["script", "--quiet", "--return", "--command"]);
            command.arg(format!("bash '{}'", file.display())).arg("/dev/null");
        } else {
            command.args(["bash", "-e", "-o", "pipefail", "-c", commands]);
        }
        command
            .current_dir(self.path("sources"))
            .env_clear()
            .envs([("LANG", "C.UTF-8"), ("TERM", "dumb"), ("SHELL", "/bin/sh")])
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("SANDBOX", self.path(""))
            .env("SYSTEM_PATH", system_path())
            .env("PATH", self.programs())
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        command.spawn().unwrap()
    }

    /// The PATH: what stands in for programs of the machine, what pages install, and the rest of the machine.
    fn programs(&self) -> String {
        let ours = ["shims", "usr/local/bin", "usr/bin"].map(|place| self.path(place).display().to_string());
        format!("{}:{}", ours.join(":"), system_path())
    }

    fn refuse_what_leads_outside(&self, commands: &str) {
        let root = self.folder.path().display().to_string();
        let words = commands.split(|letter: char| letter.is_whitespace() || "'\"=:;|<>()`".contains(letter));
        for word in words.filter(|word| word.len() > 1 && word.starts_with('/') && !word.starts_with("//")) {
            assert!(
                word.starts_with(&root) || HARMLESS.contains(&word),
                "{word} is not in the sandbox:\n{commands}"
            );
        }
    }

    fn program(&self, server: Server) -> String {
        let (prefix, floor, program) = match server {
            Server::Sogs => ("SOGS", "SOGS_FILES_FREE_SPACE_FLOOR", sogs_binary()),
            Server::Fileserver => ("FILESERVER", "FILESERVER_ABUSE_FREE_SPACE_FLOOR", fileserver_binary()),
        };
        PROGRAM
            .replace("PREFIX_FLOOR", floor)
            .replace("PROGRAM", &program.display().to_string())
            .replace("PREFIX", prefix)
            .replace("NAME", server.name())
            .replace("LISTENS", &self.address(server))
    }

    fn script(&self, path: &str, text: &str) {
        let mut text_file = tempfile::NamedTempFile::new().unwrap();
        text_file.write_all(text.as_bytes()).unwrap();
        make_program(text_file.path(), &self.path(path));
    }

    /// Copies a folder of texts, which name the places of the sandbox afterwards.
    fn copy(&self, from: &Path, to: &str) {
        fs::create_dir_all(self.path(to)).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = format!("{to}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.copy(&entry.path(), &to);
            } else {
                fs::write(self.path(&to), self.moved(&fs::read_to_string(entry.path()).unwrap())).unwrap();
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.interrupt();
        // Services belong to nobody; their environment tells where they are from.
        let mark = format!("SANDBOX={}\0", self.path("").display());
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = processes_with(mark.as_bytes());
            if left.is_empty() || Instant::now() > deadline {
                return;
            }
            let _ = Command::new("kill")
                .arg("-KILL")
                .args(left)
                .stderr(Stdio::null())
                .status();
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The numbers of the processes that run and have this in their environment.
fn processes_with(mark: &[u8]) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ours = processes.filter(|process| {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|part| part == mark)
    });
    ours.filter_map(|process| process.file_name().into_string().ok())
        .collect()
}

fn system_path() -> String {
    let path = env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/sbin:/sbin")
}

/// Copies a program to where it can be run at once. A process of its own does it: what this one has open for writing, a
/// child that another thread is just starting would have open too, and until that has begun nobody can run it.
fn make_program(from: &Path, to: &Path) {
    let mut install = Command::new("install");
    let made = install.args(["--mode=755", "--"]).args([from, to]).status().unwrap();
    assert!(made.success(), "{}", to.display());
}
