//! AES-256-GCM in place: by ring where the processor has AES instructions, otherwise by the `aes-gcm` crate.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm as Software, Tag as SoftwareTag};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce as RingNonce, Tag as RingTag, UnboundKey};
use sodiumoxide::crypto::aead::aes256gcm as sodium;

use crate::crypto::sodium::aes256gcm_tag_matches;

pub(super) const NONCE: usize = 12;

type Key = [u8; 32];
type Nonce = [u8; NONCE];
type Tag = [u8; 16];

/// Encrypts the buffer and returns the tag.
pub(super) fn seal(buffer: &mut [u8], nonce: &Nonce, key: &Key) -> Tag {
    let sealed = hardware(key).and_then(|aes| {
        let nonce = RingNonce::assume_unique_for_key(*nonce);
        // It refuses what is too long before it changes anything.
        let tag = aes.seal_in_place_separate_tag(nonce, Aad::empty(), buffer).ok()?;
        tag.as_ref().try_into().ok()
    });
    sealed.unwrap_or_else(|| seal_in_software(buffer, nonce, key))
}

/// Decrypts the buffer if the tag is right; if not, the buffer may be lost.
pub(super) fn open(buffer: &mut [u8], tag: &Tag, nonce: &Nonce, key: &Key) -> bool {
    match hardware(key) {
        Some(aes) => {
            let nonce = RingNonce::assume_unique_for_key(*nonce);
            aes.open_in_place_separate_tag(nonce, Aad::empty(), RingTag::from(*tag), buffer, 0..)
                .is_ok()
        }
        None => open_in_software(buffer, tag, nonce, key),
    }
}

/// Decrypts the buffer if the tag is right; if not, the buffer is as it was. Takes one more pass than [`open`].
pub(super) fn open_or_keep(buffer: &mut [u8], tag: &Tag, nonce: &Nonce, key: &Key) -> bool {
    if sodium::is_available() {
        aes256gcm_tag_matches(buffer, tag, nonce, key) && open(buffer, tag, nonce, key)
    } else {
        open_in_software(buffer, tag, nonce, key)
    }
}

/// The cipher of the processor, if it has one.
fn hardware(key: &Key) -> Option<LessSafeKey> {
    if !sodium::is_available() {
        return None;
    }
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

#[expect(clippy::expect_used, reason = "only buffers of 64 GiB and more are refused")]
fn seal_in_software(buffer: &mut [u8], nonce: &Nonce, key: &Key) -> Tag {
    Software::new(key.into())
        .encrypt_inout_detached(nonce.into(), b"", buffer.into())
        .expect("the buffer is not larger than the cipher allows")
        .into()
}

/// This one compares the tag before it touches the buffer.
fn open_in_software(buffer: &mut [u8], tag: &Tag, nonce: &Nonce, key: &Key) -> bool {
    Software::new(key.into())
        .decrypt_inout_detached(nonce.into(), b"", buffer.into(), &SoftwareTag::from(*tag))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_implementations_give_the_same_result(
            plaintext in proptest::collection::vec(any::<u8>(), 0..300),
            nonce: Nonce,
            key: Key,
        ) {
            crate::crypto::init().unwrap();
            prop_assume!(sodium::is_available());
            let (mut ours, mut theirs) = (plaintext.clone(), plaintext.clone());
            let tag = seal(&mut ours, &nonce, &key);
            prop_assert_eq!(seal_in_software(&mut theirs, &nonce, &key), tag);
            prop_assert_eq!(&ours, &theirs);
            prop_assert!(open(&mut ours, &tag, &nonce, &key));
            prop_assert!(open_in_software(&mut theirs, &tag, &nonce, &key));
            prop_assert_eq!(&ours, &plaintext);
            prop_assert_eq!(&theirs, &plaintext);
        }

        #[test]
        fn a_wrong_key_leaves_the_ciphertext_for_the_next(
            plaintext in proptest::collection::vec(any::<u8>(), 0..300),
            nonce: Nonce,
            key: Key,
        ) {
            crate::crypto::init().unwrap();
            let mut wrong = key;
            wrong[0] ^= 1;
            for open in [open_or_keep, open_in_software] {
                let mut buffer = plaintext.clone();
                let tag = seal(&mut buffer, &nonce, &key);
                let before = buffer.clone();
                prop_assert!(!open(&mut buffer, &tag, &nonce, &wrong));
                prop_assert_eq!(&buffer, &before);
                prop_assert!(open(&mut buffer, &tag, &nonce, &key));
                prop_assert_eq!(&buffer, &plaintext);
            }
        }
    }
}
