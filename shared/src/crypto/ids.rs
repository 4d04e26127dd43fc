//! Ids: one prefix byte and 32 key bytes, written as 66 hex digits in lower case.
//!
//! An id says what its key bytes are meant to be, not that they are a good key: whoever computes with an id from
//! outside checks the point first.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is not 66 hex digits with the prefix that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 66 hex digits beginning with {expected} are needed")]
pub struct InvalidId {
    expected: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $digits:literal) => {
        $(#[$doc])*
        ///
        /// Parsed from 66 hex digits in either case, shown and serialised in lower case.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name([u8; 32]);

        impl $name {
            /// The byte before the key.
            pub const PREFIX: u8 = $prefix;

            /// The id of these key bytes.
            #[must_use]
            pub const fn from_key(key: [u8; 32]) -> Self {
                Self(key)
            }

            /// The 32 bytes after the prefix.
            #[must_use]
            pub const fn key(&self) -> &[u8; 32] {
                &self.0
            }

            /// Prefix and key.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 33] {
                let mut bytes = [$prefix; 33];
                if let Some(key) = bytes.last_chunk_mut() {
                    *key = self.0;
                }
                bytes
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                match parse(text) {
                    Some(($prefix, key)) => Ok(Self(key)),
                    _ => Err(InvalidId { expected: $digits }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.to_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id! {
    /// `05`: an account, by its X25519 public key. It names users and does not sign.
    SessionId, 0x05, "05"
}
id! {
    /// `15`: a user of one community server, by an Ed25519 public key blinded for that server.
    BlindedId, 0x15, "15"
}
id! {
    /// `25`: the newer blinding, per server and account. Clients know it, no server accepts it.
    Blinded25Id, 0x25, "25"
}
id! {
    /// `07`: an account's identity towards the version check of a file server, by an Ed25519 public key.
    VersionId, 0x07, "07"
}
id! {
    /// `00`: an account's Ed25519 public key itself, as it signs requests without blinding.
    UnblindedId, 0x00, "00"
}

impl BlindedId {
    /// The id with the sign bit of its point clear: the form to look users up by, since the sign says nothing about
    /// whose id it is.
    #[must_use]
    pub const fn absolute(mut self) -> Self {
        self.0[31] &= 0x7f;
        self
    }

    /// The id with the sign bit of its point set.
    #[must_use]
    pub const fn negative(mut self) -> Self {
        self.0[31] |= 0x80;
        self
    }
}

/// Whom a community server knows a user by: the account itself, or its blinded id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum UserId {
    /// `05`
    Session(SessionId),
    /// `15`
    Blinded(BlindedId),
}

impl FromStr for UserId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match parse(text) {
            Some((SessionId::PREFIX, key)) => Ok(Self::Session(SessionId(key))),
            Some((BlindedId::PREFIX, key)) => Ok(Self::Blinded(BlindedId(key))),
            _ => Err(InvalidId { expected: "05 or 15" }),
        }
    }
}

impl TryFrom<String> for UserId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<UserId> for String {
    fn from(id: UserId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => fmt::Display::fmt(id, f),
            Self::Blinded(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn parse(text: &str) -> Option<(u8, [u8; 32])> {
    let mut bytes = [0; 33];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    let [prefix, key @ ..] = bytes;
    Some((prefix, key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_in_capitals_is_shown_in_lower_case() {
        let text = format!("05{}", "AB".repeat(32));
        assert_eq!(text.parse::<SessionId>().unwrap().to_string(), text.to_lowercase());
    }

    #[test]
    fn other_lengths_prefixes_and_characters_are_refused() {
        let good = format!("15{}", "ab".repeat(32));
        assert!(good.parse::<BlindedId>().is_ok());
        for bad in [
            &good[..64],
            &format!("{good}00"),
            &good.replace("ab", "ag"),
            &good.replacen("15", "05", 1),
            "",
        ] {
            assert!(bad.parse::<BlindedId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_is_a_string_in_json() {
        let id = VersionId::from_key([1; 32]);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"07{}\"", "01".repeat(32)));
        assert_eq!(serde_json::from_str::<VersionId>(&json).unwrap(), id);
        assert!(serde_json::from_str::<SessionId>(&json).is_err());
    }

    proptest! {
        #[test]
        fn every_id_survives_being_written_and_read(key: [u8; 32]) {
            let id = UserId::Blinded(BlindedId::from_key(key));
            prop_assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = text.parse::<UserId>();
        }
    }
}
