//! The community server.

pub mod content;
