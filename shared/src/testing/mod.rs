//! For tests: the real program in a folder of its own, and real servers beside it, PostgreSQL and an S3-compatible store,
//! found or started for the occasion and gone with the process. Built only with the cargo feature `testing`, which no release has.
//!
//! Set `TEST_POSTGRES_URL` or `TEST_S3_ENDPOINT` to use servers that are there already. A service that is neither given
//! nor installed makes its tests skip, with a line on standard error; with `TEST_REQUIRE_ALL=1` it makes them fail.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test set-up ends the test"
)]

mod browser;
mod example;
mod postgres;
mod process;
mod program;
mod s3;

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};

pub use browser::{Browser, browser};
pub use example::{settings_of, switched_on};
pub use postgres::{PostgresServer, TestDatabase, postgres};
pub use process::free_port;
pub use program::{Done, Place, Program, Server, Stores};
pub use s3::{S3Server, TestBucket, s3};

/// Writes each test for both pairs of stores. A test on stores that are not at hand says so and ends.
#[macro_export]
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::testing::Stores::Embedded).await;
            })+
        }
        mod shared_stores {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::testing::Stores::Shared).await;
            })+
        }
    };
}

/// Says that a service is missing, and what helps, or fails the test where nothing may be skipped. Always `None`.
///
/// # Panics
/// With `TEST_REQUIRE_ALL=1`.
pub fn missing<T>(service: &str, hint: &str) -> Option<T> {
    assert!(
        env::var_os("TEST_REQUIRE_ALL").is_none_or(|value| value != "1"),
        "no {service}; {hint}"
    );
    // Not by `eprintln!`: what that prints is only shown of tests that fail.
    let _ = writeln!(std::io::stderr(), "skipped: no {service}; {hint}");
    None
}

/// For tests of a program that is told nothing: it would work on the server that is installed on this machine. `None`
/// if there is one, which has been said then.
#[must_use]
pub fn nothing_installed(prefix: &str) -> Option<()> {
    let file = crate::config::installed_config(prefix);
    if file.exists() {
        return missing(
            "machine without a server of its own",
            &format!("{} is that of one", file.display()),
        );
    }
    Some(())
}

/// The workspace's build directory.
fn target_directory() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    )
}

/// A name no other test has, in lower-case letters and digits.
fn unique_name() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The first file of this name on the PATH or in these directories.
fn find_program(name: &str, also_in: &[PathBuf]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = also_in.iter().cloned().chain(env::split_paths(&path));
    directories
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

/// All files and folders below a folder.
pub fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found
}
