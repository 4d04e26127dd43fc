//! File ids: the hash of the content, or a random number for old clients.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::crypto::{self, hash};

/// Numeric ids have 53 bits, so that they survive a client that reads them as a double.
const NUMERIC_BITS: u32 = 53;
const NUMERIC_MAX: u64 = (1 << NUMERIC_BITS) - 1;

/// Characters of a content-hash id: 33 bytes in URL-safe base64.
const CONTENT_LENGTH: usize = 44;

/// The id of a file as it stands in a URL: 44 characters of URL-safe base64, or up to 16 digits without leading zeros
/// and at most 2^53 - 1. The two cannot be confused, for their lengths differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(String);

/// The text is no file id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a file id: it takes 44 characters of A-Z a-z 0-9 - _, or a number of up to 16 digits")]
pub struct BadFileId;

impl FileId {
    /// The id of a content: its salted BLAKE2b digest of 33 bytes.
    #[must_use]
    pub fn of_content(content: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(hash::content_digest(content)))
    }

    /// A random numeric id.
    #[must_use]
    pub fn random(fixed: FixedBits) -> Self {
        let free = NUMERIC_BITS - fixed.count;
        let low = u64::from_le_bytes(crypto::random()) >> (u64::BITS - free);
        Self((u64::from(fixed.value) << free | low).to_string())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, if this is a numeric id.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        if self.0.len() == CONTENT_LENGTH {
            None
        } else {
            self.0.parse().ok()
        }
    }
}

impl FromStr for FileId {
    type Err = BadFileId;

    fn from_str(text: &str) -> Result<Self, BadFileId> {
        let content = || {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let numeric = || {
            let plain = text == "0" || !text.starts_with('0');
            let digits = (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            digits && plain && text.parse().is_ok_and(|number: u64| number <= NUMERIC_MAX)
        };
        if (text.len() == CONTENT_LENGTH && content()) || numeric() {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadFileId)
        }
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// High bits that all numeric ids of one server begin with, so that several servers that write to one place never draw
/// the same number. At most 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixedBits {
    value: u16,
    count: u32,
}

impl FromStr for FixedBits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = u32::try_from(text.len()).unwrap_or(u32::MAX);
        if count == 0 {
            return Ok(Self::default());
        }
        match u16::from_str_radix(text, 2) {
            Ok(value) if count <= 16 && !text.starts_with('+') => Ok(Self { value, count }),
            _ => Err(format!("{text:?} must be up to 16 digits 0 and 1")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_begin_with_the_fixed_bits() {
        let fixed: FixedBits = "1010000000000001".parse().unwrap();
        for _ in 0..100 {
            let number = FileId::random(fixed).number().unwrap();
            assert_eq!(number >> 37, 0b1010_0000_0000_0001);
        }
    }

    #[test]
    fn random_ids_are_valid_ids() {
        for _ in 0..1000 {
            let id = FileId::random(FixedBits::default());
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
        }
    }

    #[test]
    fn fixed_bits_are_at_most_sixteen_binary_digits() {
        assert_eq!("".parse(), Ok(FixedBits::default()));
        for bad in ["2", "+1", "-1", "10101010101010101", "1 0"] {
            assert!(bad.parse::<FixedBits>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_shapes_of_ids_are_as_the_vectors_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/file_ids.json");
        let vectors: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let shapes = vectors["id_shapes"].as_array().unwrap();
        assert!(!shapes.is_empty());
        for shape in shapes {
            let text = shape["text"].as_str().unwrap();
            let parsed = text.parse::<FileId>();
            match shape["kind"].as_str().unwrap() {
                "content-hash" => assert_eq!(parsed.unwrap().number(), None, "{text}"),
                "numeric" => assert!(parsed.unwrap().number().is_some(), "{text}"),
                kind => {
                    assert_eq!(kind, "invalid");
                    assert_eq!(parsed, Err(BadFileId), "{text}");
                }
            }
        }
    }
}
