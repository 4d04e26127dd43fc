//! The file server: keeps opaque, client-encrypted attachments for a limited time. It can never read them.

pub mod files;
pub mod keys;
pub mod model;
pub mod settings;
pub mod store;
