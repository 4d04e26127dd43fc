//! Wrapping a plaintext for a server, in as many more layers as there are hops.

use bytes::Bytes;
use serde::Serialize;

use crate::crypto::{NotContributory, X25519Pair, X25519Public, random};
use crate::onion::{Cipher, LayerKey};

/// The server at the end of the path, as the last hop finds it.
#[derive(Clone, Debug)]
pub struct Destination {
    /// `http` or `https`.
    pub protocol: String,
    /// Name or address, without the port.
    pub host: String,
    /// Always given: hops would take 443 for both protocols.
    pub port: u16,
    /// The onion endpoint.
    pub target: String,
    /// The server's public key.
    pub key: X25519Public,
}

/// A hop of a path.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    /// What the hop before knows it by.
    pub ed25519: [u8; 32],
    /// What its layer is encrypted for.
    pub x25519: X25519Public,
}

/// A request ready to be sent.
#[derive(Clone, Debug)]
pub struct Wrapped {
    /// The body: for the first hop, or for the server itself when there are none.
    pub body: Bytes,
    /// Opens the server's reply.
    pub key: LayerKey,
}

/// What must be fresh and random for each layer.
#[derive(Clone, Debug)]
pub struct FreshLayer {
    /// The client's pair for this layer.
    pub ephemeral: X25519Pair,
    /// 24 bytes, of which the cipher takes as many as it needs from the front.
    pub nonce: [u8; 24],
}

impl FreshLayer {
    /// Random secrets.
    #[must_use]
    pub fn generate() -> Self {
        Self {
            ephemeral: X25519Pair::generate(),
            nonce: random(),
        }
    }
}

/// Wraps a plaintext for its destination and then for each hop, the last hop first.
///
/// # Errors
///
/// When a key of the server or of a hop is of small order.
pub fn wrap(
    destination: &Destination,
    hops: &[Hop],
    cipher: Cipher,
    plaintext: &[u8],
) -> Result<Wrapped, NotContributory> {
    wrap_with(destination, hops, cipher, plaintext, FreshLayer::generate)
}

/// As [`wrap`], with given secrets, asked for from the inside out.
///
/// # Errors
///
/// As [`wrap`].
pub fn wrap_with(
    destination: &Destination,
    hops: &[Hop],
    cipher: Cipher,
    plaintext: &[u8],
    mut fresh: impl FnMut() -> FreshLayer,
) -> Result<Wrapped, NotContributory> {
    let Destination {
        protocol,
        host,
        port,
        target,
        key,
    } = destination;
    let (server, mut blob, ephemeral) = seal(cipher, key, plaintext, &fresh())?;
    let mut metadata = json(&ServerRouting {
        host,
        target,
        method: "POST",
        protocol,
        port: *port,
        layer: LayerMetadata::new(ephemeral, cipher),
    });
    let mut hops = hops.iter().rev().peekable();
    while let Some(hop) = hops.next() {
        let ephemeral;
        (_, blob, ephemeral) = seal(cipher, &hop.x25519, &frame(&blob, &metadata), &fresh())?;
        let layer = LayerMetadata::new(ephemeral, cipher);
        metadata = if hops.peek().is_some() {
            json(&HopRouting {
                destination: hex::encode(hop.ed25519),
                layer,
            })
        } else {
            json(&layer)
        };
    }
    Ok(Wrapped {
        body: frame(&blob, &metadata).into(),
        key: server,
    })
}

fn seal(
    cipher: Cipher,
    recipient: &X25519Public,
    plaintext: &[u8],
    fresh: &FreshLayer,
) -> Result<(LayerKey, Bytes, X25519Public), NotContributory> {
    let key = LayerKey::of_client(cipher, &fresh.ephemeral, recipient)?;
    let (nonce, _) = fresh.nonce.split_at(cipher.nonce_len());
    // The nonce has the length the cipher asks for.
    let blob = key.seal_with(nonce, plaintext).unwrap_or_default();
    Ok((key, blob, *fresh.ephemeral.public()))
}

/// `length || blob || metadata`
fn frame(blob: &[u8], metadata: &[u8]) -> Vec<u8> {
    let length = u32::try_from(blob.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&length, blob, metadata].concat()
}

fn json(metadata: &impl Serialize) -> Vec<u8> {
    // Texts and numbers always make JSON.
    serde_json::to_vec(metadata).unwrap_or_default()
}

#[derive(Serialize)]
struct LayerMetadata {
    ephemeral_key: String,
    enc_type: &'static str,
}

impl LayerMetadata {
    fn new(ephemeral: X25519Public, cipher: Cipher) -> Self {
        Self {
            ephemeral_key: ephemeral.to_string(),
            enc_type: cipher.name(),
        }
    }
}

#[derive(Serialize)]
struct ServerRouting<'a> {
    host: &'a str,
    target: &'a str,
    method: &'static str,
    protocol: &'a str,
    port: u16,
    #[serde(flatten)]
    layer: LayerMetadata,
}

#[derive(Serialize)]
struct HopRouting {
    destination: String,
    #[serde(flatten)]
    layer: LayerMetadata,
}
