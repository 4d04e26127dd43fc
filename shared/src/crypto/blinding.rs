//! Blinding v1 (`15` ids): one factor per community server hides which account a user is, while whoever knows the
//! account can compute its blinded id.

use std::fmt;

use zeroize::Zeroizing;

use super::ed25519::{Ed25519Pair, Ed25519Public, InvalidPoint, Signature};
use super::hash;
use super::ids::{BlindedId, SessionId};
use super::scalar::Scalar;
use super::x25519::X25519Public;
use super::xed25519;

/// The number that blinds keys for one server; compute it once per server.
#[derive(Clone)]
pub struct BlindingFactor(Scalar);

impl BlindingFactor {
    /// The factor of the server with this key.
    #[must_use]
    pub fn for_server(server: &X25519Public) -> Self {
        Self(Scalar::reduce(&hash::blake2b(server.as_bytes())))
    }

    /// The blinded id of an account, in one of its two signs: which one the account really shows is known only once
    /// it authenticates. Look up by [`BlindedId::absolute`].
    ///
    /// # Errors
    ///
    /// When the id belongs to no good key.
    pub fn blind(&self, account: &SessionId) -> Result<BlindedId, InvalidPoint> {
        let point = X25519Public::from_bytes(*account.key()).to_ed25519_bytes();
        // The multiplication checks the point.
        self.0.times_point(&point).map(BlindedId::from_key).ok_or(InvalidPoint)
    }

    /// Whether a blinded id is that of an account; the sign of the blinded id does not matter.
    ///
    /// # Errors
    ///
    /// When the account's id belongs to no good key.
    pub fn matches(&self, account: &SessionId, blinded: &BlindedId) -> Result<bool, InvalidPoint> {
        Ok(self.blind(account)?.absolute() == blinded.absolute())
    }

    pub(super) fn scalar(&self) -> &Scalar {
        &self.0
    }
}

impl fmt::Debug for BlindingFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindingFactor(..)")
    }
}

/// An account's blinded pair for one server: how a client signs there.
#[derive(Clone)]
pub struct BlindedPair {
    key: Scalar,
    public: Ed25519Public,
    /// Right half of SHA-512 of the seed; makes the signing nonces.
    nonce_secret: Zeroizing<[u8; 32]>,
}

impl BlindedPair {
    /// The account's pair, blinded.
    ///
    /// # Errors
    ///
    /// Only for a server key whose factor is zero, which is not known to exist.
    pub fn new(account: &Ed25519Pair, factor: &BlindingFactor) -> Result<Self, InvalidPoint> {
        let key = factor.0.times(&account.scalar());
        let public = key.times_base().map(Ed25519Public::trusted).ok_or(InvalidPoint)?;
        let mut nonce_secret = Zeroizing::new([0; 32]);
        nonce_secret.copy_from_slice(Zeroizing::new(hash::sha512(&[&*account.seed()])).split_at(32).1);
        Ok(Self {
            key,
            public,
            nonce_secret,
        })
    }

    /// The blinded id, with the sign that this account shows.
    #[must_use]
    pub const fn id(&self) -> BlindedId {
        BlindedId::from_key(*self.public.as_bytes())
    }

    /// The key that the signatures verify with.
    #[must_use]
    pub const fn public(&self) -> &Ed25519Public {
        &self.public
    }

    /// Signs a message, always with the same result.
    ///
    /// # Errors
    ///
    /// Only if the nonce comes out as zero, which is not known to happen.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, InvalidPoint> {
        // The public key is hashed in so that the nonces for one message differ between servers.
        let public = self.public.as_bytes();
        let r = Scalar::reduce(&Zeroizing::new(hash::sha512(&[&*self.nonce_secret, public, message])));
        xed25519::finish(&r, &self.key, public, message).ok_or(InvalidPoint)
    }
}

impl fmt::Debug for BlindedPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindedPair")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
