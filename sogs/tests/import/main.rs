//! Communities that move here from PySOGS.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

#[path = "../support/mod.rs"]
#[macro_use]
mod support;

mod configuration;
mod continuity;
mod files;
mod interruptions;
mod mending;
mod numbers;
mod old_server;
mod refusals;

use serde_json::Value;
use shared::client::Answer;

/// The JSON of an answer that must be 200.
fn json(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

/// How often the import has found this.
fn count(report: &Value, check: &str) -> u64 {
    report["findings"][check]["count"].as_u64().unwrap_or(0)
}
