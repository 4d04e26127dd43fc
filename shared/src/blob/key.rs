//! The names of blobs.

use std::fmt;
use std::str::FromStr;

use rand::Rng;

const MAX_LENGTH: usize = 200;

/// The name of a blob: parts of `[0-9a-z_-]` with a slash between them, 200 bytes at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey(String);

/// The text is not a key of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the key of a blob")]
pub struct InvalidKey;

impl BlobKey {
    /// A new name that nobody can guess and that no other blob has: 128 random bits as `ab/abcdef…`, so that no directory
    /// gets too full.
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut bits = [0; 16];
        rng.fill_bytes(&mut bits);
        let name = hex::encode(bits);
        let shard: String = name.chars().take(2).collect();
        Self(format!("{shard}/{name}"))
    }

    /// The name as text, which parses to the same key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BlobKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let is_part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_' | b'-'))
        };
        let is_valid = text.len() <= MAX_LENGTH && text.split('/').all(is_part);
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey)
        }
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_keys_are_spread_and_differ() {
        let (one, other) = (BlobKey::random(&mut rand::rng()), BlobKey::random(&mut rand::rng()));
        assert_ne!(one, other);
        let (shard, name) = one.as_str().split_once('/').unwrap();
        assert_eq!((shard.len(), name.len()), (2, 32));
        assert!(name.starts_with(shard));
        assert_eq!(one.as_str().parse(), Ok(one));
    }

    #[test]
    fn nothing_that_could_leave_the_store_is_a_key() {
        for text in [
            "", "/", "/a", "a/", "a//b", "..", "a/../b", "a.b", "A", "a b", "a#1", "ä", "a\\b", "a\0",
        ] {
            assert_eq!(text.parse::<BlobKey>(), Err(InvalidKey), "{text:?}");
        }
        assert_eq!("a".repeat(201).parse::<BlobKey>(), Err(InvalidKey));
        assert!("ab/0_9-z".parse::<BlobKey>().is_ok());
    }
}
