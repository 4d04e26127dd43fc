//! Hops played by tests and tools: each takes its layer off and says where the rest goes.

use bytes::{Bytes, BytesMut};
use serde::Deserialize;

use super::wrap::Hop;
use crate::crypto::{Ed25519Pair, ServerKeys, X25519Pair};
use crate::onion::{self, OpenError};

/// Why a hop cannot pass a request on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeelError {
    /// The layer is not for this hop.
    #[error("layer does not open: {0}")]
    Open(#[from] OpenError),
    /// The routing data inside is missing or malformed.
    #[error("routing data is malformed")]
    Routing,
    /// Hops post to onion endpoints only.
    #[error("Invalid url")]
    InvalidUrl,
    /// The next hop has another key than the one the path has there.
    #[error("Next node not found: {0}")]
    NextNotFound(String),
}

/// Where a request goes after a hop.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum NextStop {
    /// Another hop, by its Ed25519 key in hex.
    Hop {
        /// 64 hex digits.
        destination: String,
    },
    /// The server, by HTTP.
    Server {
        /// Name or address.
        host: String,
        /// The onion endpoint.
        target: String,
        /// `http` or `https`.
        #[serde(default = "https")]
        protocol: String,
        /// 443 if it is not given, whatever the protocol.
        #[serde(default = "https_port")]
        port: u16,
    },
}

fn https() -> String {
    "https".to_owned()
}

const fn https_port() -> u16 {
    443
}

/// A request without the layer of a hop.
#[derive(Clone, Debug)]
pub struct Peeled {
    /// Where it goes.
    pub next: NextStop,
    /// What goes there, as it is.
    pub body: Bytes,
}

/// A hop with its keys.
#[derive(Clone, Debug)]
pub struct SimulatedHop {
    ed25519: [u8; 32],
    keys: ServerKeys,
}

impl SimulatedHop {
    /// A hop with given keys.
    #[must_use]
    pub fn new(ed25519: [u8; 32], x25519: X25519Pair) -> Self {
        Self {
            ed25519,
            keys: x25519.into(),
        }
    }

    /// A hop with random keys.
    #[must_use]
    pub fn generate() -> Self {
        let pair = Ed25519Pair::generate();
        Self::new(*pair.public().as_bytes(), pair.to_x25519())
    }

    /// What clients know about it.
    #[must_use]
    pub const fn public(&self) -> Hop {
        Hop {
            ed25519: self.ed25519,
            x25519: *self.keys.public(),
        }
    }

    /// Takes this hop's layer off a request.
    ///
    /// # Errors
    ///
    /// When the layer is not for this hop or does not say where to go on.
    pub fn peel(&self, body: BytesMut) -> Result<Peeled, PeelError> {
        let body = onion::open(body, &self.keys)?.plaintext;
        let (length, rest) = body.split_first_chunk::<4>().ok_or(PeelError::Routing)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| PeelError::Routing)?;
        let (_, routing) = rest.split_at_checked(length).ok_or(PeelError::Routing)?;
        let next = serde_json::from_slice(routing).map_err(|_| PeelError::Routing)?;
        if let NextStop::Server { target, .. } = &next
            && !is_allowed(target)
        {
            return Err(PeelError::InvalidUrl);
        }
        Ok(Peeled { next, body })
    }
}

fn is_allowed(target: &str) -> bool {
    (target.starts_with("/loki/") || target.starts_with("/oxen/"))
        && target.ends_with("/lsrpc")
        && !target.contains('?')
}

/// Hops that pass a request on to each other.
#[derive(Clone, Debug)]
pub struct SimulatedPath(Vec<SimulatedHop>);

impl SimulatedPath {
    /// A path of these hops, the first being the client's neighbour.
    #[must_use]
    pub fn new(hops: Vec<SimulatedHop>) -> Self {
        Self(hops)
    }

    /// Three hops with random keys, as many as clients use.
    #[must_use]
    pub fn generate() -> Self {
        Self((0..3).map(|_| SimulatedHop::generate()).collect())
    }

    /// What clients know about the hops.
    #[must_use]
    pub fn hops(&self) -> Vec<Hop> {
        self.0.iter().map(SimulatedHop::public).collect()
    }

    /// Takes all layers off and gives what the last hop posts, and where to.
    ///
    /// # Errors
    ///
    /// When a hop cannot pass the request on, or the path ends before the server.
    pub fn deliver(&self, body: Bytes) -> Result<Peeled, PeelError> {
        let mut body = body;
        let mut hops = self.0.iter().peekable();
        while let Some(hop) = hops.next() {
            let peeled = hop.peel(BytesMut::from(body))?;
            match (&peeled.next, hops.peek()) {
                (NextStop::Server { .. }, _) => return Ok(peeled),
                (NextStop::Hop { destination }, Some(next)) if *destination == hex::encode(next.ed25519) => {
                    body = peeled.body;
                }
                (NextStop::Hop { destination }, _) => return Err(PeelError::NextNotFound(destination.clone())),
            }
        }
        Err(PeelError::Routing)
    }
}
