//! Identities, keys, signatures and hashes as the Session network defines them.
//!
//! libsodium does the work: through `sodiumoxide` where that wraps it, through the module `sodium` where it does not.
//! Secrets are erased when dropped and never show in `Debug`. Nothing here reads the time or keeps state, but for
//! [`PointCache`].

mod blinding;
mod blinding25;
pub mod direct_message;
mod ed25519;
mod field;
pub mod fs_auth;
pub mod hash;
mod header_text;
mod ids;
pub mod padding;
mod points;
pub mod recovery_phrase;
mod scalar;
pub(crate) mod sodium;
pub mod sogs_auth;
mod x25519;
pub mod xed25519;

pub use blinding::{BlindedPair, BlindingFactor};
pub use blinding25::Blinded25Pair;
pub use ed25519::{Ed25519Pair, Ed25519Public, InvalidPoint, Signature};
pub use header_text::{AgeError, decode_base64, decode_hex_or_base64, parse_seconds};
pub use ids::{Blinded25Id, BlindedId, InvalidId, SessionId, UnblindedId, UserId, VersionId};
pub use points::PointCache;
pub use x25519::{NotContributory, ServerKeys, SharedSecret, TooManyKeys, X25519Pair, X25519Public, X25519Secret};

/// libsodium could not be started: its random source or its choice of processor features failed.
#[derive(Debug, thiserror::Error)]
#[error("libsodium could not be initialised")]
pub struct InitError;

/// Starts libsodium. Call it first in every program and test that uses this module; more calls do no harm.
///
/// # Errors
///
/// When the system offers no random source.
pub fn init() -> Result<(), InitError> {
    sodiumoxide::init().map_err(|()| InitError)
}

/// Bytes from the operating system's random generator.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    sodiumoxide::randombytes::randombytes_into(&mut bytes);
    bytes
}
