//! The community server.

pub mod content;
pub mod filter;
