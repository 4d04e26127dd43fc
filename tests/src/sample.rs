//! Bytes to upload.

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Bytes that tell their place: each is its offset modulo 251. The test vectors give the ids of some lengths.
#[must_use]
pub fn pattern(length: usize) -> Bytes {
    (0..=250_u8).cycle().take(length).collect()
}

/// Bytes that look encrypted, the same for the same seed.
#[must_use]
pub fn random_bytes(seed: u64, length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes.into()
}
