//! Padding of community messages: one byte 80 and zeros. It is taken off for storage and put back on delivery, so
//! that the sender's signature still covers what readers get.

use std::borrow::Cow;

const MARK: u8 = 0x80;

/// The message without its padding; the message itself when it has none.
#[must_use]
pub fn strip(message: &[u8]) -> &[u8] {
    let zeros = message.iter().rev().take_while(|&&byte| byte == 0).count();
    match message.split_at(message.len() - zeros).0 {
        [unpadded @ .., MARK] => unpadded,
        _ => message,
    }
}

/// Pads a stripped message to the length it had; a message of that length or more is left alone.
#[must_use]
pub fn restore(message: &[u8], length: usize) -> Cow<'_, [u8]> {
    if length <= message.len() {
        return Cow::Borrowed(message);
    }
    let mut padded = Vec::with_capacity(length);
    padded.extend_from_slice(message);
    padded.push(MARK);
    padded.resize(length, 0);
    Cow::Owned(padded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn restoring_gives_back_what_was_stripped(message in proptest::collection::vec(prop_oneof![Just(0), Just(MARK), any::<u8>()], 0..40)) {
            let restored = restore(strip(&message), message.len());
            prop_assert_eq!(&*restored, &message[..]);
        }
    }
}
