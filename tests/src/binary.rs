//! Finding the program to test, and building it if need be.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The `fileserver` program of the same build as this one.
///
/// # Panics
/// If it has to be built and that fails.
pub fn fileserver_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match env::var_os("TEST_FILESERVER") {
        Some(path) => PathBuf::from(path),
        None => up_to_date("fileserver"),
    })
}

/// The `sogs` program of the same build as this one.
///
/// # Panics
/// If it has to be built and that fails.
pub fn sogs_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match env::var_os("TEST_SOGS") {
        Some(path) => PathBuf::from(path),
        None => up_to_date("sogs"),
    })
}

/// `cargo test --workspace` builds the program along with the tests, and then nothing is left to do.
fn up_to_date(name: &str) -> PathBuf {
    let directory = build_directory();
    let binary = directory.join(name);
    // Tests may run in several processes at once.
    let lock = File::create(directory.join(".e2e-build")).unwrap();
    lock.lock().unwrap();
    if !is_fresh(&binary) {
        build(name, &directory);
    }
    binary
}

/// Where cargo has put the programs of this profile: the tests are in `deps` below it.
fn build_directory() -> PathBuf {
    let this = env::current_exe().unwrap();
    let directory = this.parent().unwrap();
    if directory.ends_with("deps") {
        directory.parent().unwrap().to_owned()
    } else {
        directory.to_owned()
    }
}

/// Whether no source is newer. Cargo lists the sources beside the program, in a file like a Makefile's.
fn is_fresh(binary: &Path) -> bool {
    let Ok(built) = modified(binary) else { return false };
    let Ok(rule) = fs::read_to_string(binary.with_extension("d")) else {
        return false;
    };
    let Some((target, sources)) = rule.split_once(": ") else {
        return false;
    };
    // A build directory that was copied from elsewhere still tells of the sources there.
    let is_ours =
        fs::canonicalize(target).is_ok_and(|target| fs::canonicalize(binary).is_ok_and(|ours| ours == target));
    if !is_ours {
        return false;
    }
    let mut sources = sources.trim_end().replace("\\ ", "\0");
    sources.retain(|letter| letter != '\n');
    sources
        .split(' ')
        .filter(|source| !source.is_empty())
        .all(|source| modified(Path::new(&source.replace('\0', " "))).is_ok_and(|changed| changed <= built))
}

fn modified(path: &Path) -> std::io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

fn build(name: &str, directory: &Path) {
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    eprintln!("building {name} first");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--package", name, "--bin", name, "--profile", profile])
        .arg("--target-dir")
        .arg(directory.parent().unwrap())
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status();
    assert!(built.unwrap().success(), "{name} could not be built");
}
