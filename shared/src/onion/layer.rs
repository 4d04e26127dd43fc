//! One layer of encryption between a client's fresh key and the long-lived key of a server or a hop.

use std::fmt;

use bytes::{Bytes, BytesMut};
use sodiumoxide::crypto::aead::xchacha20poly1305_ietf as xchacha20;
use sodiumoxide::crypto::stream::xchacha20 as stream;
use sodiumoxide::utils::memzero;
use zeroize::Zeroizing;

use super::aes256gcm;
use crate::crypto::sodium::xchacha20_tag_matches;
use crate::crypto::{NotContributory, SharedSecret, X25519Pair, X25519Public, hash, random};

const TAG: usize = 16;
const XCHACHA20_NONCE: usize = 24;

/// The two ciphers that clients use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cipher {
    /// What a request without a name of a cipher uses.
    #[default]
    Aes256Gcm,
    /// XChaCha20-Poly1305 in the IETF form.
    XChaCha20,
}

impl Cipher {
    /// The cipher with this name in the metadata of a request; names are case-sensitive.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "aes-gcm" | "gcm" => Some(Self::Aes256Gcm),
            "xchacha20" | "xchacha20-poly1305" => Some(Self::XChaCha20),
            _ => None,
        }
    }

    /// The name that clients write.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-gcm",
            Self::XChaCha20 => "xchacha20",
        }
    }

    /// Length of the nonce before a ciphertext, in bytes.
    #[must_use]
    pub const fn nonce_len(self) -> usize {
        match self {
            Self::Aes256Gcm => aes256gcm::NONCE,
            Self::XChaCha20 => XCHACHA20_NONCE,
        }
    }

    /// How many bytes longer a ciphertext is than its plaintext: nonce and tag.
    #[must_use]
    pub const fn overhead(self) -> usize {
        self.nonce_len() + TAG
    }
}

/// The ciphertext is too short, damaged, or under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open with this key")]
pub struct NotOpened;

/// The symmetric key of a layer, the same in both directions.
#[derive(Clone)]
pub struct LayerKey {
    cipher: Cipher,
    key: Zeroizing<[u8; 32]>,
}

impl LayerKey {
    /// The key as the server (or hop) computes it from the client's fresh public key, taken exactly as received.
    ///
    /// # Errors
    ///
    /// When the client's key is of small order.
    pub fn of_server(cipher: Cipher, server: &X25519Pair, client: &X25519Public) -> Result<Self, NotContributory> {
        Ok(Self::derive(
            cipher,
            &server.secret().agree(client)?,
            client,
            server.public(),
        ))
    }

    /// The key as the client computes it with its fresh pair.
    ///
    /// # Errors
    ///
    /// When the server's key is of small order.
    pub fn of_client(cipher: Cipher, client: &X25519Pair, server: &X25519Public) -> Result<Self, NotContributory> {
        Ok(Self::derive(
            cipher,
            &client.secret().agree(server)?,
            client.public(),
            server,
        ))
    }

    fn derive(cipher: Cipher, shared: &SharedSecret, client: &X25519Public, server: &X25519Public) -> Self {
        let key = match cipher {
            Cipher::Aes256Gcm => hash::hmac_sha256(b"LOKI", shared.as_bytes()),
            Cipher::XChaCha20 => {
                let parts = Zeroizing::new([*shared.as_bytes(), *client.as_bytes(), *server.as_bytes()].concat());
                hash::blake2b(&parts)
            }
        };
        Self {
            cipher,
            key: Zeroizing::new(key),
        }
    }

    /// The cipher the key is for.
    #[must_use]
    pub const fn cipher(&self) -> Cipher {
        self.cipher
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// Decrypts `nonce || ciphertext || tag` in place.
    ///
    /// # Errors
    ///
    /// When the bytes are too short or the tag is wrong.
    pub fn open(&self, sealed: BytesMut) -> Result<Bytes, NotOpened> {
        let mut sealed = Sealed::split(self.cipher, sealed).ok_or(NotOpened)?;
        if sealed.open(self) {
            Ok(sealed.into_plaintext())
        } else {
            Err(NotOpened)
        }
    }

    /// Encrypts into `nonce || ciphertext || tag`, with a random nonce.
    #[must_use]
    pub fn seal(&self, plaintext: &[u8]) -> Bytes {
        let mut buffer = self.begin(Vec::new(), plaintext.len());
        buffer.extend_from_slice(plaintext);
        self.finish(buffer).into()
    }

    /// As [`seal`](Self::seal), with a nonce that must never be used twice under one key; `None` if its length is not
    /// that of the cipher.
    #[must_use]
    pub fn seal_with(&self, nonce: &[u8], plaintext: &[u8]) -> Option<Bytes> {
        if nonce.len() != self.cipher.nonce_len() {
            return None;
        }
        let mut buffer = Vec::with_capacity(nonce.len() + plaintext.len() + TAG);
        buffer.extend_from_slice(nonce);
        buffer.extend_from_slice(plaintext);
        Some(self.finish(buffer).into())
    }

    /// The buffer with nothing but a random nonce in it and room for a plaintext of so many bytes and its tag.
    pub(super) fn begin(&self, mut buffer: Vec<u8>, plaintext: usize) -> Vec<u8> {
        buffer.clear();
        buffer.reserve_exact(plaintext + self.cipher.overhead());
        let nonce: [u8; XCHACHA20_NONCE] = random();
        buffer.extend(nonce.iter().take(self.cipher.nonce_len()));
        buffer
    }

    /// Turns `nonce || plaintext` into `nonce || ciphertext || tag` in place.
    pub(super) fn finish(&self, mut buffer: Vec<u8>) -> Vec<u8> {
        let tag = match self.cipher {
            Cipher::Aes256Gcm => {
                split_nonce(&mut buffer).map(|(nonce, plaintext)| aes256gcm::seal(plaintext, nonce, &self.key))
            }
            Cipher::XChaCha20 => split_nonce(&mut buffer).map(|(nonce, plaintext)| {
                xchacha20::seal_detached(plaintext, None, &xchacha20::Nonce(*nonce), &xchacha20::Key(*self.key)).0
            }),
        };
        debug_assert!(tag.is_some(), "the buffer begins with a nonce");
        buffer.extend_from_slice(&tag.unwrap_or_default());
        buffer
    }
}

impl fmt::Debug for LayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerKey")
            .field("cipher", &self.cipher)
            .finish_non_exhaustive()
    }
}

fn split_nonce<const N: usize>(buffer: &mut [u8]) -> Option<(&[u8; N], &mut [u8])> {
    buffer.split_first_chunk_mut::<N>().map(|(nonce, rest)| (&*nonce, rest))
}

/// A ciphertext taken apart without a copy, so that several keys can be tried on it.
pub(super) struct Sealed {
    nonce: BytesMut,
    body: BytesMut,
    tag: [u8; TAG],
}

impl Sealed {
    /// `None` when the bytes are too few for a nonce and a tag.
    pub(super) fn split(cipher: Cipher, mut sealed: BytesMut) -> Option<Self> {
        let body = sealed.len().checked_sub(cipher.overhead())?;
        let nonce = sealed.split_to(cipher.nonce_len());
        let tag = sealed.split_off(body);
        Some(Self {
            nonce,
            body: sealed,
            tag: tag.as_ref().try_into().ok()?,
        })
    }

    /// Decrypts if the key is right; if not, the ciphertext may be lost.
    pub(super) fn open(&mut self, key: &LayerKey) -> bool {
        match (key.cipher, self.nonce.as_array()) {
            (Cipher::Aes256Gcm, Some(nonce)) => aes256gcm::open(&mut self.body, &self.tag, nonce, &key.key),
            _ => self.open_or_keep(key),
        }
    }

    /// Decrypts if the key is right; if not, the ciphertext stays as it was.
    pub(super) fn open_or_keep(&mut self, key: &LayerKey) -> bool {
        match key.cipher {
            Cipher::Aes256Gcm => self
                .nonce
                .as_array()
                .is_some_and(|nonce| aes256gcm::open_or_keep(&mut self.body, &self.tag, nonce, &key.key)),
            // libsodium's own function would erase the ciphertext when the tag is wrong. Checking the tag and then
            // decrypting with the bare stream, whose first block made the key of the tag, is the same work.
            Cipher::XChaCha20 => self.nonce.as_array().is_some_and(|nonce| {
                let good = xchacha20_tag_matches(&self.body, &self.tag, nonce, &key.key);
                if good {
                    let (nonce, key) = (stream::Nonce(*nonce), stream::Key(*key.key));
                    stream::stream_xor_ic_inplace(&mut self.body, &nonce, 1, &key);
                }
                good
            }),
        }
    }

    /// What was decrypted; erased when the last part of it is dropped.
    pub(super) fn into_plaintext(self) -> Bytes {
        Bytes::from_owner(Erased(self.body))
    }
}

/// A decrypted plaintext.
struct Erased(BytesMut);

impl AsRef<[u8]> for Erased {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Erased {
    fn drop(&mut self) {
        memzero(&mut self.0);
    }
}
