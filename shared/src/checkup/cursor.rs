//! Where a checkup is.

use std::fmt;
use std::str::FromStr;

use crate::blob::BlobKey;
use serde::{Serialize, Serializer};

/// Where a checkup is: `files:KEY` after the file with that blob, `blobs:KEY` after that blob; without a key at their
/// beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Among the rows, after the one with this blob.
    Files(Option<BlobKey>),
    /// Through with the rows; among the blobs, after this one.
    Blobs(Option<BlobKey>),
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: take the one that the last check printed, such as files:KEY or blobs:KEY")]
pub struct BadCursor;

impl Default for Cursor {
    fn default() -> Self {
        Self::Files(None)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (phase, key) = text.split_once(':').ok_or(BadCursor)?;
        let key = match key {
            "" => None,
            key => Some(key.parse().map_err(|_| BadCursor)?),
        };
        match phase {
            "files" => Ok(Self::Files(key)),
            "blobs" => Ok(Self::Blobs(key)),
            _ => Err(BadCursor),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, key) = match self {
            Self::Files(key) => ("files", key),
            Self::Blobs(key) => ("blobs", key),
        };
        write!(formatter, "{phase}:{}", key.as_ref().map_or("", BlobKey::as_str))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_in_both_phases_survive_being_written_down() {
        for text in [
            "files:",
            "files:12/12cdef0123456789abcdef0123456789",
            "blobs:",
            "blobs:ab/abcdef0123456789abcdef0123456789",
        ] {
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
        assert_eq!("files:".parse(), Ok(Cursor::default()));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "files", "files:-", "files:1234", "blobs:..", "rows:", "1234"] {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text}");
        }
    }
}
