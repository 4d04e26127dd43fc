//! Onion requests, as the server at their end sees them.
//!
//! The body of such a request is encrypted by the client for the server ([`open`]). Inside is a request in one of two
//! forms ([`v4`], [`v3`]), and the answer goes back encrypted under the same key ([`Reply`], or [`Flow`] for what need not
//! be in memory whole). Bodies of many megabytes are opened and sealed in the memory they arrive in or leave from.

mod aes256gcm;
pub mod bencode;
mod endpoint;
mod envelope;
mod flow;
mod inner;
mod json;
mod layer;
mod reply;
pub mod v3;
pub mod v4;

pub use endpoint::{NotUtf8, is_onion_endpoint, split_endpoint};
pub use envelope::{OpenError, Opened, open};
pub use flow::Flow;
pub use inner::{BadPlaintext, InnerRequest};
pub use layer::{Cipher, LayerKey, NotOpened};
pub use reply::{Reply, WrongLength};

/// Most bytes that the body of an onion request may have; the network does not carry more.
pub const MAX_BODY: usize = 10_485_760;
