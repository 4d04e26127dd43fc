//! The community server: public rooms, moderation, blinded ids.
//!
//! `api` decodes, calls and encodes; `model` has the rules, free of HTTP and SQL; `store` the SQL; `directory` keeps in
//! memory what every request asks for; `jobs` is the timed work and `cli` the commands.

// What is printed may go to somebody who stops reading; see `shared::cli::pipe`.
#[macro_use]
extern crate shared;

pub mod activity;
pub mod api;
pub mod app;
pub mod archive;
pub mod auth_token;
pub mod caller;
pub mod checkup;
pub mod cli;
pub mod content;
pub mod directory;
mod due;
pub mod files;
pub mod filter;
pub mod filtering;
mod heavy;
pub mod import;
pub mod jobs;
pub mod keys;
pub mod links;
pub mod model;
pub mod nonces;
pub mod remote;
pub mod serve;
pub mod settings;
pub mod store;
pub mod web;
