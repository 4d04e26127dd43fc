//! The outer body of an onion request: a length, the ciphertext, and metadata saying how it is encrypted.

use std::fmt;

use bytes::{Bytes, BytesMut};
use serde::Deserialize;

use super::json;
use super::layer::{Cipher, LayerKey, Sealed};
use crate::crypto::{ServerKeys, X25519Public};

const MAX_METADATA: usize = 8 * 1024;

/// Why an onion request cannot be opened. Clients learn nothing of this, they all get the same 400; the text is for
/// logs and says nothing about the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The length before the ciphertext is missing or larger than what follows.
    #[error("length of the ciphertext")]
    Length,
    /// Not a JSON object with the right types, or too large.
    #[error("metadata")]
    Metadata,
    /// Not 64 hex digits, or of small order.
    #[error("ephemeral key")]
    EphemeralKey,
    /// A cipher that servers do not know.
    #[error("name of the cipher")]
    Cipher,
    /// Too short for a nonce and a tag.
    #[error("ciphertext too short")]
    TooShort,
    /// Damaged or meant for another server.
    #[error("no key fits")]
    Key,
}

/// An opened onion request. Debugging shows only how long it is.
pub struct Opened {
    /// What the client encrypted, in the memory the ciphertext was in. Erased when dropped.
    pub plaintext: Bytes,
    /// Encrypts the answer.
    pub reply: LayerKey,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("length", &self.plaintext.len())
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Metadata {
    ephemeral_key: String,
    #[serde(default = "unnamed")]
    enc_type: String,
}

fn unnamed() -> String {
    Cipher::default().name().to_owned()
}

/// Opens the body of an onion request in place, trying the server's keys in order.
///
/// # Errors
///
/// When the body is malformed or no key fits. It is lost then.
pub fn open(mut body: BytesMut, keys: &ServerKeys) -> Result<Opened, OpenError> {
    let length = *body.first_chunk::<4>().ok_or(OpenError::Length)?;
    let mut body = body.split_off(length.len());
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(|_| OpenError::Length)?;
    if length > body.len() {
        return Err(OpenError::Length);
    }
    let metadata = body.split_off(length);
    if metadata.len() > MAX_METADATA {
        return Err(OpenError::Metadata);
    }
    let metadata: Metadata = json::object(&metadata).ok_or(OpenError::Metadata)?;
    let ephemeral = X25519Public::from_hex(&metadata.ephemeral_key).ok_or(OpenError::EphemeralKey)?;
    let cipher = Cipher::from_name(&metadata.enc_type).ok_or(OpenError::Cipher)?;
    let mut sealed = Sealed::split(cipher, body).ok_or(OpenError::TooShort)?;

    let mut keys = keys.iter().peekable();
    while let Some(pair) = keys.next() {
        let key = LayerKey::of_server(cipher, pair, &ephemeral).map_err(|_| OpenError::EphemeralKey)?;
        // Keeping the ciphertext for another key costs a little more.
        let opened = if keys.peek().is_some() {
            sealed.open_or_keep(&key)
        } else {
            sealed.open(&key)
        };
        if opened {
            return Ok(Opened {
                plaintext: sealed.into_plaintext(),
                reply: key,
            });
        }
    }
    Err(OpenError::Key)
}
