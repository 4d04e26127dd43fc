//! The answer to an onion request, encrypted piece by piece while it is sent.

use std::io::{self, Read};

use sodiumoxide::crypto::stream::xchacha20 as stream;
use zeroize::Zeroizing;

use super::layer::{Cipher, LayerKey};
use super::reply::{V4_END, v4_start};
use crate::crypto::random;
use crate::crypto::sodium::Poly1305;

/// Bytes that the cipher works on at a time.
const BLOCK: usize = 64;

/// Length of a tag, and what Poly1305 works on at a time.
const TAG: usize = 16;

/// An answer in the newer form whose body is read and encrypted as it is wanted, so that no more than a piece of it is in
/// memory. XChaCha20-Poly1305 only: AES-256-GCM comes from a library that wants all bytes at once.
///
/// What has been sent cannot be taken back if the body breaks off, so it is for bodies that hardly ever do.
pub struct Flow<R> {
    key: stream::Key,
    nonce: stream::Nonce,
    /// What stands before the body; gone with the first piece.
    start: Vec<u8>,
    body: R,
    /// Bytes of the body that are still to be read.
    left: u64,
    /// The next block of the key stream.
    block: u64,
    /// Bytes that have been encrypted.
    encrypted: u64,
    /// Gone with the last piece.
    mac: Option<Poly1305>,
    length: u64,
}

impl<R: Read> Flow<R> {
    /// The most bytes of a plaintext that are encrypted at a time. They stay in the cache of a core all the way.
    pub const PIECE: usize = 512 * 1024;

    /// Begins an answer as [`Reply::v4`](super::Reply::v4) does, with a body of exactly `body_len` bytes; `None` if the
    /// cipher is another.
    #[must_use]
    pub fn v4<'a>(
        key: &LayerKey,
        code: u16,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: R,
        body_len: usize,
    ) -> Option<Self> {
        if key.cipher() != Cipher::XChaCha20 {
            return None;
        }
        let start = v4_start(code, headers, body_len);
        if start.len() > Self::PIECE {
            return None;
        }
        let (key, nonce) = (stream::Key(*key.bytes()), stream::Nonce(random()));
        // The first block of the key stream is the key of the tag, and of nothing else.
        let mut mac_key = Zeroizing::new([0; 32]);
        stream::stream_xor_ic_inplace(mac_key.as_mut_slice(), &nonce, 0, &key);
        Some(Self {
            length: (Cipher::XChaCha20.overhead() + start.len() + body_len + V4_END.len()) as u64,
            key,
            nonce,
            start,
            body,
            left: body_len as u64,
            block: 1,
            encrypted: 0,
            mac: Some(Poly1305::new(&mac_key)),
        })
    }

    /// The number of bytes of all pieces together.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The next piece of `nonce || ciphertext || tag`; `None` after the last.
    ///
    /// # Errors
    ///
    /// When the body cannot be read, or is shorter than announced.
    pub fn next_piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(mac) = &mut self.mac else {
            return Ok(None);
        };
        let mut piece = Vec::with_capacity(Cipher::XChaCha20.overhead() + Self::PIECE + V4_END.len());
        if self.encrypted == 0 {
            piece.extend_from_slice(&self.nonce.0);
        }
        let before = piece.len();
        piece.append(&mut self.start);
        let room = Self::PIECE.saturating_sub(piece.len() - before);
        let wanted = self.left.min(room as u64);
        let read = self.body.by_ref().take(wanted).read_to_end(&mut piece)?;
        if read as u64 != wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= wanted;
        let is_last = self.left == 0;
        if is_last {
            piece.extend_from_slice(V4_END);
        }
        let text = piece.get_mut(before..).unwrap_or_default();
        stream::stream_xor_ic_inplace(text, &self.nonce, self.block, &self.key);
        mac.update(text);
        // All pieces but the last are whole blocks.
        self.block += (text.len() / BLOCK) as u64;
        self.encrypted += text.len() as u64;
        if is_last {
            piece.extend_from_slice(&self.tag());
        }
        Ok(Some(piece))
    }

    /// As RFC 8439 section 2.8 has it, without associated data.
    fn tag(&mut self) -> [u8; TAG] {
        let Some(mut mac) = self.mac.take() else {
            return [0; TAG];
        };
        let odd = usize::try_from(self.encrypted % TAG as u64).unwrap_or(0);
        let padding = [0; TAG];
        mac.update(padding.get(odd..).filter(|_| odd > 0).unwrap_or_default());
        mac.update(&0_u64.to_le_bytes());
        mac.update(&self.encrypted.to_le_bytes());
        mac.finish()
    }
}

const _: () = assert!(Flow::<io::Empty>::PIECE.is_multiple_of(BLOCK));

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::X25519Pair;

    const PIECE: usize = Flow::<io::Empty>::PIECE;
    const HEADERS: [(&str, &str); 1] = [("content-type", "application/octet-stream")];

    fn key(cipher: Cipher) -> LayerKey {
        crate::crypto::init().unwrap();
        let (client, server) = (X25519Pair::generate(), X25519Pair::generate());
        LayerKey::of_client(cipher, &client, server.public()).unwrap()
    }

    fn body(length: usize) -> Vec<u8> {
        (0..=250).cycle().take(length).collect()
    }

    /// All pieces of an answer, opened in one go as clients do it.
    fn sent(length: usize) -> Vec<u8> {
        let key = key(Cipher::XChaCha20);
        let body = body(length);
        let mut flow = Flow::v4(&key, 200, HEADERS, body.as_slice(), length).unwrap();
        let mut whole = BytesMut::new();
        while let Some(piece) = flow.next_piece().unwrap() {
            whole.extend_from_slice(&piece);
        }
        assert_eq!(whole.len() as u64, flow.length());
        key.open(whole).unwrap().to_vec()
    }

    fn expected(length: usize) -> Vec<u8> {
        let metadata = br#"{"code":200,"headers":{"content-type":"application/octet-stream"}}"#;
        let mut whole = format!("l{}:", metadata.len()).into_bytes();
        whole.extend_from_slice(metadata);
        whole.extend_from_slice(format!("{length}:").as_bytes());
        whole.extend_from_slice(&body(length));
        whole.push(b'e');
        whole
    }

    #[test]
    fn clients_open_what_was_sent_in_pieces() {
        for length in [0, 1, 63, 64, PIECE, PIECE * 2 + 1, 3_000_001] {
            assert_eq!(sent(length), expected(length), "{length} bytes");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// What comes before the body is less than 128 bytes, so the last piece may be anything from empty to full.
        #[test]
        fn pieces_may_end_anywhere(length in PIECE - 128..=PIECE + 2) {
            prop_assert_eq!(sent(length), expected(length));
        }
    }

    #[test]
    fn a_body_that_breaks_off_is_an_error() {
        let key = key(Cipher::XChaCha20);
        let body = body(PIECE);
        let mut flow = Flow::v4(&key, 200, HEADERS, body.as_slice(), PIECE * 2).unwrap();
        assert!(flow.next_piece().unwrap().is_some());
        assert_eq!(flow.next_piece().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn another_cipher_is_not_for_pieces() {
        let key = key(Cipher::Aes256Gcm);
        assert!(Flow::v4(&key, 200, HEADERS, io::empty(), 0).is_none());
    }
}
