//! The file server: keeps opaque, client-encrypted attachments for a limited time. It can never read them.
//!
//! `api` decodes, calls and encodes; `files` holds rows and bytes together; `model` has the rules, `store` the SQL,
//! `jobs` the timed work and `cli` the commands. `checkup` looks for what does not fit together, `archive` makes backups
//! and restores them, `remote` talks to a file server as a client does.

// What is printed may go to somebody who stops reading; see `shared::cli::pipe`.
#[macro_use]
extern crate shared;

pub mod api;
pub mod app;
pub mod archive;
pub mod checkup;
pub mod cli;
pub mod files;
pub mod jobs;
pub mod keys;
pub mod model;
pub mod remote;
pub mod serve;
pub mod settings;
pub mod store;
