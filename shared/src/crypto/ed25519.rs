//! Ed25519 keys and signatures.

use std::fmt;

use sodiumoxide::crypto::sign::ed25519 as sign;
use zeroize::Zeroizing;

use super::field::Field;
use super::ids::{SessionId, UnblindedId, VersionId};
use super::scalar::Scalar;
use super::x25519::{X25519Pair, X25519Public, X25519Secret};
use super::{hash, random, sodium};

/// A signature of 64 bytes, good or bad.
pub type Signature = [u8; 64];

/// The bytes are not the canonical encoding of a point in the prime-order subgroup other than the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid Ed25519 public key")]
pub struct InvalidPoint;

/// A public key that is known to be a good point, so that arithmetic on it cannot fail or be abused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ed25519Public([u8; 32]);

impl Ed25519Public {
    /// Checks the point, which takes as long as two or three signature checks; see [`PointCache`](super::PointCache).
    ///
    /// # Errors
    ///
    /// When the encoding is not canonical, or the point is not on the curve, is the identity, or has a part outside
    /// the prime-order subgroup.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, InvalidPoint> {
        if sodium::is_valid_point(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(InvalidPoint)
        }
    }

    /// For points that come out of arithmetic in the subgroup and need no check.
    pub(crate) const fn trusted(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The encoded point.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the encoded x coordinate is the odd one of the two.
    #[must_use]
    pub const fn sign_bit(&self) -> bool {
        self.0[31] & 0x80 != 0
    }

    /// The same key for X25519. The sign is lost: a key and its negation give the same.
    #[must_use]
    pub fn to_x25519(&self) -> X25519Public {
        // u = (1 + y) / (1 - y); y is not 1 because the point is not the identity.
        let y = Field::from_bytes(&self.0);
        X25519Public::from_bytes(((Field::ONE + y) * (Field::ONE - y).invert()).to_bytes())
    }

    /// The id of the account with this key.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        SessionId::from_key(*self.to_x25519().as_bytes())
    }

    /// Whether the signature is one by this key. Signatures with an unreduced second half or a first half of small
    /// order are refused.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        // `Signature::new` would panic on some bytes.
        sign::Signature::from_bytes(signature)
            .is_ok_and(|signature| sign::verify_detached(&signature, message, &sign::PublicKey(self.0)))
    }
}

impl fmt::Debug for Ed25519Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519Public({})", hex::encode(self.0))
    }
}

/// The key pair of an account or of a server, made from a seed of 32 bytes.
#[derive(Clone)]
pub struct Ed25519Pair {
    /// `seed || public`
    secret: sign::SecretKey,
    public: Ed25519Public,
}

impl Ed25519Pair {
    /// The pair of this seed (RFC 8032).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (public, secret) = sign::keypair_from_seed(&sign::Seed(*seed));
        Self {
            secret,
            public: Ed25519Public::trusted(public.0),
        }
    }

    /// A new random pair.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_seed(&Zeroizing::new(random()))
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &Ed25519Public {
        &self.public
    }

    /// The seed this pair was made from.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        let (seed, _) = self.secret.0.split_at(32);
        let mut out = Zeroizing::new([0; 32]);
        out.copy_from_slice(seed);
        out
    }

    /// The "64-byte secret key", `seed || public`.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.secret.0)
    }

    /// The private scalar, clamped, which is also the X25519 secret.
    pub(crate) fn scalar(&self) -> Scalar {
        let digest = Zeroizing::new(hash::sha512(&[&*self.seed()]));
        let mut scalar = Zeroizing::new([0; 32]);
        scalar.copy_from_slice(digest.split_at(32).0);
        Scalar::clamped(*scalar)
    }

    /// The same pair for X25519.
    #[must_use]
    pub fn to_x25519(&self) -> X25519Pair {
        X25519Pair::from_secret(X25519Secret::from_bytes(*self.scalar().as_bytes()))
    }

    /// The id of the account (`05`).
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.public.session_id()
    }

    /// The id in requests signed without blinding (`00`).
    #[must_use]
    pub const fn unblinded_id(&self) -> UnblindedId {
        UnblindedId::from_key(self.public.0)
    }

    /// The account's pair towards the version check of a file server: constant, and not linkable to the account
    /// without its seed.
    #[must_use]
    pub fn version_pair(&self) -> Self {
        Self::from_seed(&Zeroizing::new(hash::blake2b_keyed(
            &[&*self.seed()],
            b"VersionCheckKey_sig",
        )))
    }

    /// The public key of this pair as an id for the version check (`07`); meant for the result of
    /// [`version_pair`](Self::version_pair).
    #[must_use]
    pub const fn as_version_id(&self) -> VersionId {
        VersionId::from_key(self.public.0)
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        sign::sign_detached(message, &self.secret).to_bytes()
    }
}

impl fmt::Debug for Ed25519Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ed25519Pair")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn debug_does_not_show_the_seed() {
        let pair = Ed25519Pair::from_seed(&[0xa5; 32]);
        let shown = format!("{pair:?} {:?}", pair.to_x25519());
        assert!(!shown.contains("a5a5") && !shown.contains("165, 165"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_64_bytes_are_just_a_wrong_signature(low: [u8; 32], high: [u8; 32]) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&low);
            signature[32..].copy_from_slice(&high);
            let public = *Ed25519Pair::from_seed(&[7; 32]).public();
            prop_assert!(!public.verifies(b"message", &signature));
        }
    }
}
