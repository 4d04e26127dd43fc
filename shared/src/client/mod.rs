//! The other side: requests as Session clients build them, for tests and tools.
//!
//! A request can be signed for a community ([`Account`]), wrapped for a server with or without hops ([`wrap`]) and
//! sent ([`Client`]).

mod account;
mod connection;
mod download_url;
mod form;
mod hop;
mod http;
mod message;
mod wrap;

pub use account::{Account, Identity};
pub use connection::{Client, ClientError, Progress};
pub use download_url::{DownloadUrl, InvalidDownloadUrl};
pub use form::{BodyNotText, MalformedReply, v3_reply, v3_request, v4_reply, v4_request};
pub use hop::{NextStop, PeelError, Peeled, SimulatedHop, SimulatedPath};
pub use http::{http, http_through};
pub use message::{Answer, OnionAnswer, Request};
pub use wrap::{Destination, FreshLayer, Hop, Wrapped, wrap, wrap_with};
