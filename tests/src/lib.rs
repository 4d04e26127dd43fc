//! Starts the real binaries and speaks to them as a client would.
//!
//! [`Fileserver::start_on`] runs the `fileserver` program on a set-up of its own, and [`Sogs::start_on`] the `sogs`
//! program. Each takes the binary that cargo has just built beside the test, and builds it when it is missing or older
//! than its sources, so that `cargo test -p e2e` never tests yesterday's program. Set `TEST_FILESERVER` or `TEST_SOGS` to
//! the path of another one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test set-up ends the test"
)]

mod binary;
mod fileserver;
pub mod load;
#[cfg(feature = "testing")]
mod nginx;
#[cfg(feature = "testing")]
mod patient;
mod process;
mod sample;
mod server;
mod sogs;
mod storage;
mod wire;

pub use binary::{fileserver_binary, sogs_binary};
pub use fileserver::Fileserver;
#[cfg(feature = "testing")]
pub use nginx::Nginx;
#[cfg(feature = "testing")]
pub use patient::{Diagnosis, Patient};
pub use process::Memory;
pub use sample::{pattern, random_bytes};
pub use server::Server;
pub use sogs::Sogs;
#[cfg(feature = "testing")]
pub use storage::Setup;
pub use storage::Storage;
pub use wire::{Upload, WireAnswer};

use std::time::Duration;

/// Longer than anything takes on a busy machine. It only keeps a test that hangs from hanging for ever.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs functions that take a `Setup` as a test on each of them.
#[macro_export]
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite_and_a_directory {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                super::$test($crate::Setup::SqliteLocal).await;
            })*
        }
        mod on_postgres_and_a_bucket {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                super::$test($crate::Setup::PostgresS3).await;
            })*
        }
    };
}

/// Asks again and again until the answer is yes, for what a server does in its own time.
///
/// # Panics
/// If that does not happen within [`PATIENCE`].
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        let mut turns = tokio::time::interval(Duration::from_millis(25));
        while !is_so().await {
            turns.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, asking).await.is_ok(),
        "it never happened that {what}"
    );
}

/// Waits for what should end by itself.
///
/// # Panics
/// If it does not end within [`PATIENCE`].
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("{what}: no end within {} s", PATIENCE.as_secs()),
    }
}
