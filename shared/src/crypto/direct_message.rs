//! Direct messages between two blinded ids of one community server, for clients and tools. The server stores them
//! without being able to read them.

use std::fmt;

use sodiumoxide::crypto::aead::xchacha20poly1305_ietf as aead;
use zeroize::Zeroizing;

use super::blinding::{BlindedPair, BlindingFactor};
use super::ed25519::{Ed25519Pair, Ed25519Public, InvalidPoint};
use super::ids::{BlindedId, SessionId};
use super::{hash, random};

const VERSION: u8 = 0;
const NONCE: usize = 24;

/// Why a direct message cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectMessageError {
    /// One of the two ids is no good key.
    #[error(transparent)]
    Id(#[from] InvalidPoint),
    /// Shorter than any message is, or of another version.
    #[error("not a direct message")]
    Format,
    /// Damaged, or not between these two.
    #[error("the message does not open with these keys")]
    Key,
    /// The account named inside is not the one that the server says it came from.
    #[error("the message was written by someone else than its sender")]
    Sender,
}

/// An opened message. Debugging shows only how long it is.
pub struct DirectMessage {
    /// What was written.
    pub message: Vec<u8>,
    /// The account that wrote it, which only the recipient learns.
    pub sender: SessionId,
}

impl fmt::Debug for DirectMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectMessage")
            .field("length", &self.message.len())
            .finish_non_exhaustive()
    }
}

/// Encrypts a message from an account to the user with a blinded id.
///
/// # Errors
///
/// When the recipient's id is no good key.
pub fn seal(
    sender: &Ed25519Pair,
    recipient: &BlindedId,
    factor: &BlindingFactor,
    message: &[u8],
) -> Result<Vec<u8>, DirectMessageError> {
    seal_with(sender, recipient, factor, message, random())
}

/// As [`seal`], with a nonce that must be random and used only once.
///
/// # Errors
///
/// As [`seal`].
pub fn seal_with(
    sender: &Ed25519Pair,
    recipient: &BlindedId,
    factor: &BlindingFactor,
    message: &[u8],
    nonce: [u8; NONCE],
) -> Result<Vec<u8>, DirectMessageError> {
    let own = BlindedPair::new(sender, factor)?.id();
    let key = symmetric_key(sender, recipient, &own, recipient)?;
    let plaintext = Zeroizing::new([message, sender.public().as_bytes()].concat());
    let sealed = aead::seal(&plaintext, None, &aead::Nonce(nonce), &key);
    Ok([&[VERSION], &sealed[..], &nonce].concat())
}

/// Opens a message, as its recipient or as its sender.
///
/// # Errors
///
/// When the message is malformed, does not open, or names another account than `sender` as its writer.
pub fn open(
    reader: &Ed25519Pair,
    sender: &BlindedId,
    recipient: &BlindedId,
    factor: &BlindingFactor,
    data: &[u8],
) -> Result<DirectMessage, DirectMessageError> {
    let own = BlindedPair::new(reader, factor)?.id();
    let other = if own.absolute() == sender.absolute() {
        recipient
    } else {
        sender
    };
    let key = symmetric_key(reader, other, sender, recipient)?;

    let (&VERSION, rest) = data.split_first().ok_or(DirectMessageError::Format)? else {
        return Err(DirectMessageError::Format);
    };
    let (sealed, nonce) = rest.split_last_chunk::<NONCE>().ok_or(DirectMessageError::Format)?;
    let mut message = aead::open(sealed, None, &aead::Nonce(*nonce), &key).map_err(|()| DirectMessageError::Key)?;
    let writer = *message.last_chunk::<32>().ok_or(DirectMessageError::Format)?;
    message.truncate(message.len() - 32);

    let writer = Ed25519Public::from_bytes(writer).map_err(|_| DirectMessageError::Sender)?;
    let blinded = factor
        .scalar()
        .times_point(writer.as_bytes())
        .ok_or(DirectMessageError::Sender)?;
    if BlindedId::from_key(blinded).absolute() != sender.absolute() {
        return Err(DirectMessageError::Sender);
    }
    Ok(DirectMessage {
        message,
        sender: writer.session_id(),
    })
}

/// Hash of the point both can compute and of the two ids, sender first.
fn symmetric_key(
    own: &Ed25519Pair,
    other: &BlindedId,
    sender: &BlindedId,
    recipient: &BlindedId,
) -> Result<aead::Key, InvalidPoint> {
    let point = Zeroizing::new(own.scalar().times_point(other.key()).ok_or(InvalidPoint)?);
    let parts = Zeroizing::new([*point, *sender.key(), *recipient.key()].concat());
    Ok(aead::Key(hash::blake2b(&parts)))
}
