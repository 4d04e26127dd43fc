//! Blinding v2 (`25` ids), for clients and tools; no server accepts it in authentication.

use std::fmt;

use zeroize::Zeroizing;

use super::ed25519::{Ed25519Pair, Ed25519Public, InvalidPoint, Signature};
use super::hash;
use super::ids::Blinded25Id;
use super::scalar::Scalar;
use super::x25519::X25519Public;
use super::xed25519;

/// An account's pair for one server under the newer blinding, where the factor depends on both.
#[derive(Clone)]
pub struct Blinded25Pair {
    key: Scalar,
    public: Ed25519Public,
    nonce_secret: Zeroizing<[u8; 32]>,
}

impl Blinded25Pair {
    /// The account's pair, blinded for the server with this key.
    ///
    /// # Errors
    ///
    /// Only when the factor comes out as zero, which is not known to happen.
    pub fn new(account: &Ed25519Pair, server: &X25519Public) -> Result<Self, InvalidPoint> {
        let account_id = account.session_id().to_bytes();
        let factor = Scalar::reduce(&hash::blake2b(&[&account_id[..], server.as_bytes()].concat()));
        // The factor follows the sign of the account's key, so that the id can be computed from the account's id.
        let factor = if account.public().sign_bit() {
            factor.negated()
        } else {
            factor
        };
        let key = factor.times(&account.scalar());
        let public = key.times_base().map(Ed25519Public::trusted).ok_or(InvalidPoint)?;
        let nonce_secret = Zeroizing::new(hash::blake2b_keyed(&[&*account.seed()], b"SessCommBlind25_seed"));
        Ok(Self {
            key,
            public,
            nonce_secret,
        })
    }

    /// The blinded id; an account has exactly one per server.
    #[must_use]
    pub const fn id(&self) -> Blinded25Id {
        Blinded25Id::from_key(*self.public.as_bytes())
    }

    /// Signs a message, always with the same result.
    ///
    /// # Errors
    ///
    /// Only if the nonce comes out as zero, which is not known to happen.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, InvalidPoint> {
        let public = self.public.as_bytes();
        let parts: [&[u8]; 3] = [&*self.nonce_secret, public, message];
        let r = Scalar::reduce(&Zeroizing::new(hash::blake2b_keyed(&parts, b"SessCommBlind25_sig")));
        xed25519::finish(&r, &self.key, public, message).ok_or(InvalidPoint)
    }
}

impl fmt::Debug for Blinded25Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blinded25Pair")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
