//! A request and a response that know nothing of sockets, one route table, one dispatch, and the actix front.
//!
//! Direct HTTP, the inside of an onion request and each element of a batch go through [`dispatch`], so a rule that
//! holds for one entrance holds for all. A handler is a plain async function `(Arc<App>, Request) -> Result<Response,
//! Error>` and never sees actix, sockets or ciphertext.

mod body;
mod budget;
mod dispatch;
mod front;
mod guard;
mod json_file;
mod listen;
mod message;
mod onion;
mod ops;
mod outbox;
mod rate;
mod router;
mod socket;
mod spare;

pub use body::{Body, BodyError, ByteStream, Source, base64_length, base64_text};
pub use budget::{Budget, Exhausted, Permit};
pub use dispatch::{App, OnionKeys, dispatch};
pub use front::{Front, RunningFront};
pub use guard::MissLimiter;
pub use json_file::{JsonFile, JsonFileError, json_file_limit, read_json_file};
pub use listen::{ListenError, listen};
pub use message::{Entrance, Head, Request, Response};
pub use ops::{Health, serve_ops};
pub use router::{Params, Route, Router};

pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use std::time::Duration;

/// How long and how large requests may be before they are cut.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time to send the request head; beyond it the answer is 408.
    pub head_timeout: Duration,
    /// How long a connection may stay open between requests.
    pub idle_timeout: Duration,
    /// Longest pause between two pieces of a body, and the head start of one that comes slowly: once it is over, a body
    /// must have come at 64 kB a second on average. Beyond it the answer is 408.
    pub body_idle_timeout: Duration,
    /// Longest time for a whole body; beyond it the answer is 408. Also the head start of a client that takes a large
    /// answer slowly: once it has been waited for so long, it must have taken 64 kB a second on average, or the
    /// connection is cut.
    pub body_timeout: Duration,
    /// Time a handler may take. The relay in front gives up after 25 s, so anything longer is wasted: 504.
    pub handler_timeout: Duration,
    /// How long to wait for room in the byte budget before answering 503.
    pub budget_wait: Duration,
    /// How long to go on reading a body after it was refused, so that the answer reaches a client that is still
    /// sending.
    pub linger: Duration,
    /// How long to let requests finish when the server is asked to stop.
    pub shutdown_timeout: Duration,
    /// Connections that one process serves at the same time.
    pub max_connections: usize,
    /// Threads that read from and write to sockets.
    pub workers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_idle_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            handler_timeout: Duration::from_secs(20),
            budget_wait: Duration::from_secs(4),
            linger: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(20),
            max_connections: 10_000,
            workers: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        }
    }
}
