//! Secret numbers modulo the group order.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::sodium;

/// A scalar that is erased when dropped. It may be a clamped X25519 secret, which is not reduced.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Scalar([u8; 32]);

impl Scalar {
    /// An X25519 secret as a scalar: a multiple of 8 with bit 254 as its highest.
    pub(crate) fn clamped(mut bytes: [u8; 32]) -> Self {
        bytes[0] &= 0xf8;
        bytes[31] = bytes[31] & 0x7f | 0x40;
        Self(bytes)
    }

    pub(crate) fn reduce(wide: &[u8; 64]) -> Self {
        Self(sodium::scalar_reduce(wide))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        Self(sodium::scalar_mul(&self.0, &other.0))
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self(sodium::scalar_add(&self.0, &other.0))
    }

    pub(crate) fn negated(&self) -> Self {
        Self(sodium::scalar_negate(&self.0))
    }

    /// This times the base point.
    pub(crate) fn times_base(&self) -> Option<[u8; 32]> {
        sodium::mul_base(&self.0)
    }

    /// This times a point, without clamping.
    pub(crate) fn times_point(&self, point: &[u8; 32]) -> Option<[u8; 32]> {
        sodium::mul_point(&self.0, point)
    }
}
