//! What the file server and the community server have in common: identities and cryptography, onion requests, a
//! transport-neutral request and response with one dispatch, blobs, two databases behind one face, configuration
//! and telemetry. Libraries only; nothing here knows what either server keeps.
//!
//! `docs/architecture.md` says how the pieces fit together.

pub mod archive;
pub mod blob;
pub mod checkup;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod doctor;
mod file_lock;
pub mod filing;
pub mod fuzz;
pub mod http;
pub mod jobs;
pub mod key_file;
pub mod memory;
pub mod names;
pub mod onion;
pub mod retention;
pub mod serving;
pub mod shutdown;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
