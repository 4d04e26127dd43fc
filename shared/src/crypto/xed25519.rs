//! Ed25519 signatures made and checked with X25519 keys (XEd25519), as old unblinded community messages carry them.

use zeroize::Zeroizing;

use super::ed25519::{InvalidPoint, Signature};
use super::scalar::Scalar;
use super::x25519::{X25519Public, X25519Secret};
use super::{hash, random};

/// Whether the signature is one by the Ed25519 key that belongs to this X25519 key.
#[must_use]
pub fn verifies(public: &X25519Public, message: &[u8], signature: &Signature) -> bool {
    public.to_ed25519().is_ok_and(|key| key.verifies(message, signature))
}

/// Signs with an X25519 secret; no two signatures are the same.
///
/// # Errors
///
/// Only for secrets that give the identity, which no 32 random bytes do.
pub fn sign(secret: &X25519Secret, message: &[u8]) -> Result<Signature, InvalidPoint> {
    sign_with(secret, message, &Zeroizing::new(random()))
}

/// As [`sign`], with the 64 bytes that must be random and used only once.
///
/// # Errors
///
/// As [`sign`].
pub fn sign_with(secret: &X25519Secret, message: &[u8], random: &[u8; 64]) -> Result<Signature, InvalidPoint> {
    let (a, public) = signing_key(secret)?;
    let parts = Zeroizing::new([a.as_bytes(), message, random].concat());
    let r = Scalar::reduce(&Zeroizing::new(hash::blake2b_personal(&parts, b"xed25519signatur")));
    finish(&r, &a, &public, message).ok_or(InvalidPoint)
}

/// `R || S` with `R = rB` and `S = r + H(R || public || message) * key`: what every Ed25519 signature here ends with.
pub(super) fn finish(r: &Scalar, key: &Scalar, public: &[u8; 32], message: &[u8]) -> Option<Signature> {
    let point = r.times_base()?;
    let h = Scalar::reduce(&hash::sha512(&[&point, public, message]));
    let s = r.plus(&h.times(key));
    let mut signature = [0; 64];
    let (first, second) = signature.split_at_mut(32);
    first.copy_from_slice(&point);
    second.copy_from_slice(s.as_bytes());
    Some(signature)
}

/// The scalar whose public point has the sign bit clear, and that point.
fn signing_key(secret: &X25519Secret) -> Result<(Scalar, [u8; 32]), InvalidPoint> {
    let a = Scalar::clamped(*secret.as_bytes());
    let mut public = a.times_base().ok_or(InvalidPoint)?;
    let negative = public[31] & 0x80 != 0;
    public[31] &= 0x7f;
    Ok((if negative { a.negated() } else { a }, public))
}
