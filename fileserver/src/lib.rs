//! The file server: keeps opaque, client-encrypted attachments for a limited time. It can never read them.
//!
//! `api` decodes, calls and encodes; `files` holds rows and bytes together; `model` has the rules, `store` the SQL,
//! `jobs` the timed work and `cli` the commands.

pub mod api;
pub mod app;
pub mod cli;
pub mod files;
pub mod jobs;
pub mod keys;
pub mod model;
pub mod serve;
pub mod settings;
pub mod store;
