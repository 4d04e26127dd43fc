//! X25519 keys, and the keys a server opens onion requests with.

use std::fmt;

use sodiumoxide::crypto::scalarmult::curve25519;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::ed25519::{Ed25519Pair, Ed25519Public, InvalidPoint};
use super::field::Field;
use super::random;

/// The other side's key is of small order, so the shared secret would be no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("X25519 key of small order")]
pub struct NotContributory;

/// A public key of 32 bytes, exactly as it was received or published; any bytes will do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct X25519Public([u8; 32]);

impl X25519Public {
    /// The key with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hex digits, in either case.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The bytes of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The y coordinate of the Ed25519 key with this u coordinate, sign bit clear. The result need not be a point.
    #[must_use]
    pub fn to_ed25519_bytes(&self) -> [u8; 32] {
        // y = (u - 1) / (u + 1), where 1/0 counts as 0.
        let u = Field::from_bytes(&self.0);
        ((u - Field::ONE) * (u + Field::ONE).invert()).to_bytes()
    }

    /// The Ed25519 key with this u coordinate, of the two that have it the one with the sign bit clear.
    ///
    /// # Errors
    ///
    /// When no point of the prime-order subgroup has this u coordinate.
    pub fn to_ed25519(&self) -> Result<Ed25519Public, InvalidPoint> {
        Ed25519Public::from_bytes(self.to_ed25519_bytes())
    }
}

impl fmt::Display for X25519Public {
    /// 64 hex digits in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for X25519Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "X25519Public({self})")
    }
}

/// What two X25519 keys have in common; never all zero.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SharedSecret([u8; 32]);

impl SharedSecret {
    /// The raw result of the multiplication; to be hashed before it is used as a key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A secret key of 32 bytes; it is clamped whenever it is used.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct X25519Secret([u8; 32]);

impl X25519Secret {
    /// The key with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self(random())
    }

    /// The bytes of the key, for writing it to a key file.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key that belongs to it.
    #[must_use]
    pub fn public(&self) -> X25519Public {
        X25519Public(curve25519::scalarmult_base(&curve25519::Scalar(self.0)).0)
    }

    /// The shared secret with another key.
    ///
    /// # Errors
    ///
    /// When the other key is of small order, which would make the result all zero.
    pub fn agree(&self, other: &X25519Public) -> Result<SharedSecret, NotContributory> {
        curve25519::scalarmult(&curve25519::Scalar(self.0), &curve25519::GroupElement(other.0))
            .map(|shared| SharedSecret(shared.0))
            .map_err(|()| NotContributory)
    }
}

impl fmt::Debug for X25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X25519Secret(..)")
    }
}

/// A secret key with its public key at hand.
#[derive(Clone, Debug)]
pub struct X25519Pair {
    secret: X25519Secret,
    public: X25519Public,
}

impl X25519Pair {
    /// Computes the public key.
    #[must_use]
    pub fn from_secret(secret: X25519Secret) -> Self {
        let public = secret.public();
        Self { secret, public }
    }

    /// A new random pair.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_secret(X25519Secret::generate())
    }

    /// The secret half.
    #[must_use]
    pub const fn secret(&self) -> &X25519Secret {
        &self.secret
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &X25519Public {
        &self.public
    }
}

impl From<&Ed25519Pair> for X25519Pair {
    fn from(pair: &Ed25519Pair) -> Self {
        pair.to_x25519()
    }
}

/// More keys than a server may try on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server can hold at most {} X25519 keys", ServerKeys::MAX)]
pub struct TooManyKeys;

/// The keys a server opens onion requests with, in the order they are tried. The first is its public identity.
#[derive(Clone, Debug)]
pub struct ServerKeys {
    identity: X25519Pair,
    older: Vec<X25519Pair>,
}

impl ServerKeys {
    /// Each key costs every request that none opens one more pass over its body.
    pub const MAX: usize = 3;

    /// The key the server is known by, and keys that some clients still know it by.
    ///
    /// # Errors
    ///
    /// With more than [`MAX`](Self::MAX) keys.
    pub fn new(identity: X25519Pair, older: Vec<X25519Pair>) -> Result<Self, TooManyKeys> {
        if older.len() >= Self::MAX {
            Err(TooManyKeys)
        } else {
            Ok(Self { identity, older })
        }
    }

    /// The public key that names the server.
    #[must_use]
    pub const fn public(&self) -> &X25519Public {
        self.identity.public()
    }

    /// All pairs, in the order they are tried.
    pub fn iter(&self) -> impl Iterator<Item = &X25519Pair> {
        std::iter::once(&self.identity).chain(&self.older)
    }
}

impl From<X25519Pair> for ServerKeys {
    fn from(identity: X25519Pair) -> Self {
        Self {
            identity,
            older: Vec::new(),
        }
    }
}
