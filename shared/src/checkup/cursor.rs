//! Where a checkup is.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use shared::blob::BlobKey;

use crate::model::FileId;

/// Where a checkup is: `files:ID` after that file, `blobs:KEY` after that blob; without id or key at their beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Among the rows, after this id.
    Files(String),
    /// Through with the rows; among the blobs, after this one.
    Blobs(Option<BlobKey>),
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: take the one that the last check printed, such as files:ID or blobs:KEY")]
pub struct BadCursor;

impl Default for Cursor {
    fn default() -> Self {
        Self::Files(String::new())
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        match text.split_once(':') {
            Some(("files", "")) => Ok(Self::default()),
            Some(("files", id)) => Ok(Self::Files(id.parse::<FileId>().map_err(|_| BadCursor)?.to_string())),
            Some(("blobs", "")) => Ok(Self::Blobs(None)),
            Some(("blobs", key)) => Ok(Self::Blobs(Some(key.parse().map_err(|_| BadCursor)?))),
            _ => Err(BadCursor),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(id) => write!(formatter, "files:{id}"),
            Self::Blobs(None) => formatter.write_str("blobs:"),
            Self::Blobs(Some(key)) => write!(formatter, "blobs:{key}"),
        }
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
            "files:1234",
            "blobs:",
            "blobs:ab/abcdef0123456789abcdef0123456789",
        ] {
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
        assert_eq!("files:".parse(), Ok(Cursor::default()));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "files", "files:-", "blobs:..", "rows:1", "1234"] {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text}");
        }
    }
}
