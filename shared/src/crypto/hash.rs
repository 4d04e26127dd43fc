//! Hash functions with the parameters used on the network.

use sodiumoxide::crypto::auth::hmacsha256;
use sodiumoxide::crypto::hash::{sha256 as sodium_sha256, sha512 as sodium_sha512};
use zeroize::Zeroizing;

use super::sodium;

const NO_KEY: &[u8] = &[];
const NO_SALT: [u8; 16] = [0; 16];
const NO_PERSON: [u8; 16] = [0; 16];
const CONTENT_SALT: [u8; 16] = *b"SessionFileSvr\0\0";

/// BLAKE2b over one text, without a key; `N` is from 1 to 64.
#[must_use]
pub fn blake2b<const N: usize>(data: &[u8]) -> [u8; N] {
    sodium::blake2b_parametrised(data, NO_KEY, &NO_SALT, &NO_PERSON)
}

/// BLAKE2b with a personalisation, without a key.
#[must_use]
pub(crate) fn blake2b_personal<const N: usize>(data: &[u8], person: &[u8; 16]) -> [u8; N] {
    sodium::blake2b_parametrised(data, NO_KEY, &NO_SALT, person)
}

/// Keyed BLAKE2b over several parts; `N` is from 1 to 64, and so is the key's length.
///
/// # Panics
///
/// When the key is too long, which is a mistake of the calling code.
#[must_use]
pub fn blake2b_keyed<const N: usize>(parts: &[&[u8]], key: &[u8]) -> [u8; N] {
    sodium::blake2b_parametrised(&Zeroizing::new(parts.concat()), key, &NO_SALT, &NO_PERSON)
}

/// SHA-256 over a text that comes in pieces.
#[derive(Default)]
pub struct Sha256(sodium_sha256::State);

impl Sha256 {
    /// Takes the next piece in.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all pieces, in hex.
    #[must_use]
    pub fn hex(self) -> String {
        hex::encode(self.0.finalize().0)
    }
}

/// SHA-256 over one text, in hex.
#[must_use]
pub fn sha256_hex(text: &[u8]) -> String {
    let mut hash = Sha256::default();
    hash.update(text);
    hash.hex()
}

/// The 33-byte digest that names a file by its content: BLAKE2b with a salt of its own.
#[must_use]
pub fn content_digest(body: &[u8]) -> [u8; 33] {
    sodium::blake2b_parametrised(body, NO_KEY, &CONTENT_SALT, &NO_PERSON)
}

/// SHA-512 over several parts.
#[must_use]
pub(crate) fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut state = sodium_sha512::State::new();
    for part in parts {
        state.update(part);
    }
    state.finalize().0
}

/// HMAC-SHA256.
#[must_use]
pub(crate) fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut state = hmacsha256::State::init(key);
    state.update(data);
    state.finalize().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blake2b_without_parameters_is_the_published_function() {
        // RFC 7693, appendix A.
        let digest: [u8; 64] = blake2b(b"abc");
        assert_eq!(
            hex::encode(digest),
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1\
             7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
        );
    }

    #[test]
    fn blake2b_with_a_key_takes_short_ones_too() {
        // Computed with Python's hashlib.
        let digest: [u8; 32] = blake2b_keyed(&[b"one", b"two"], b"short key");
        assert_eq!(
            hex::encode(digest),
            "172fd9fe40fcd75fdae3ec86d5d6929204a9a5b8a692079492a1e75a6b4ae166"
        );
    }

    #[test]
    fn hmac_sha256_is_the_published_function() {
        // RFC 4231, test case 2.
        assert_eq!(
            hex::encode(hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
