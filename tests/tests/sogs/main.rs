//! The community server's program, from outside. One binary for all of it, so that its tests share a database server and
//! a bucket.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

mod commands;
mod load;

/// Runs functions that take a [`Setup`](e2e::Setup) as a test on each of them.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite_and_a_directory {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                super::$test(e2e::Setup::SqliteLocal).await;
            })*
        }
        mod on_postgres_and_a_bucket {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() {
                super::$test(e2e::Setup::PostgresS3).await;
            })*
        }
    };
}
pub(crate) use on_both;

/// Starts a server on a set-up, or ends the test where something is missing.
macro_rules! start {
    ($setup:expr) => {
        crate::start!($setup, "")
    };
    ($setup:expr, $settings:expr) => {
        match e2e::Sogs::start($setup, $settings) {
            Some(server) => server,
            None => return,
        }
    };
}
pub(crate) use start;
