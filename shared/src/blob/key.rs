//! The names of blobs.

use std::fmt;
use std::str::FromStr;

use crate::crypto;

/// The name under which a store keeps whose blobs these are.
pub(super) const OWNER: &str = "installation";

/// Hexadecimal digits of a name.
const DIGITS: usize = 32;

/// The name of a blob: 32 lower-case hexadecimal digits behind a slash and, before it, the first two of them once more.
///
/// Nothing else is taken for a blob, for what is taken for one and has no row is deleted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey(String);

/// The text is not a key of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the key of a blob")]
pub struct InvalidKey;

impl BlobKey {
    /// A new name that nobody can guess and that no other blob has: 128 random bits as `ab/abcdef…`, so that no directory
    /// gets too full.
    #[must_use]
    pub fn random() -> Self {
        let name = hex::encode(crypto::random::<16>());
        let shard: String = name.chars().take(2).collect();
        Self(format!("{shard}/{name}"))
    }

    /// The name under which a store keeps whose blobs these are. It has not the shape of a blob's, and no text parses to
    /// it.
    pub(super) fn owner() -> Self {
        Self(OWNER.to_owned())
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
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_valid = text.split_once('/').is_some_and(|(shard, name)| {
            shard.len() == 2 && name.len() == DIGITS && name.starts_with(shard) && name.bytes().all(is_digit)
        });
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
        let (one, other) = (BlobKey::random(), BlobKey::random());
        assert_ne!(one, other);
        let (shard, name) = one.as_str().split_once('/').unwrap();
        assert_eq!((shard.len(), name.len()), (2, 32));
        assert!(name.starts_with(shard));
        assert_eq!(one.as_str().parse(), Ok(one));
    }

    #[test]
    fn nothing_but_what_we_make_is_a_key() {
        let name = "ab0123456789abcdef0123456789abcd";
        assert!(format!("ab/{name}").parse::<BlobKey>().is_ok());
        let [long, short, upper] = [
            format!("ab/{name}0"),
            format!("ab/{}", &name[..31]),
            format!("ab/{}", name.to_uppercase()),
        ];
        let elsewhere = ["ac", "a", "abc", "", "..", "/ab", "a/ab", "AB"].map(|shard| format!("{shard}/{name}"));
        let texts = [
            "",
            "/",
            "key_ed25519",
            "fileserver-db",
            "ab/key",
            "photos/holiday",
            "ab/../key",
            name,
        ];
        let texts = texts
            .map(str::to_owned)
            .into_iter()
            .chain(elsewhere)
            .chain([long, short, upper]);
        for text in texts.chain([
            format!("ab/{name}/"),
            format!("ab/{name}#1"),
            format!("ab/{}\0", &name[..31]),
        ]) {
            assert_eq!(text.parse::<BlobKey>(), Err(InvalidKey), "{text:?}");
        }
    }
}
