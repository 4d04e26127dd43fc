//! Room tokens.

use std::fmt;
use std::str::FromStr;

/// The name of a room in links and paths: 1 to 64 letters, digits, `_` and `-`. Two tokens that differ only in case
/// name the same room; answers carry the spelling that was chosen when the room was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomToken(String);

/// A text that is no room token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a room token is 1 to 64 letters (a to z), digits, `-` and `_`")]
pub struct InvalidToken;

impl RoomToken {
    /// As it was chosen.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is looked up by: in lower case.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for RoomToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidToken)
        }
    }
}

impl fmt::Display for RoomToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_permitted_characters_and_lengths_make_a_token() {
        for good in ["a", "Sudoku_2-x", &"x".repeat(64)] {
            assert!(good.parse::<RoomToken>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "ä", "a/b", "a\n", &"x".repeat(65)] {
            assert!(bad.parse::<RoomToken>().is_err(), "{bad:?}");
        }
    }
}
