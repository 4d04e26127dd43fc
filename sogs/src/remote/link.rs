//! Links by which rooms are joined (`client-usage.md` section 12).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use shared::crypto::X25519Public;
use url::Url;

use crate::links::join_link;
use crate::model::RoomToken;

/// A room of a server. Read from `BASE/TOKEN?public_key=KEY` or `BASE/r/TOKEN?public_key=KEY` with the key in hex, base64
/// or base32z; written as `BASE/TOKEN?public_key=HEX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinLink {
    /// `http` or `https`, the host in lower case, and the port unless it is the usual one.
    pub base_url: String,
    /// The room.
    pub room: RoomToken,
    /// The server's key.
    pub key: X25519Public,
}

/// The text is no link by which a room is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLink {
    /// There is no key in it.
    #[error("a join link ends in ?public_key= and the key of the server; give it whole and in quotes")]
    NoKey,
    /// What should be a key is none.
    #[error("what follows ?public_key= is not a key: 64 hex digits, 43 characters of base64 or 52 of base32z are")]
    Key,
    /// What should be an address is none.
    #[error("a join link begins with http:// or https://, a host and maybe a port, and then names the room: {FORM}")]
    Address,
    /// What should be a room is none.
    #[error("between the address and ?public_key= a join link names one room: {FORM}")]
    Room,
}

const FORM: &str = "https://HOST/ROOM?public_key=KEY";

const MARK: &str = "?public_key=";

impl FromStr for JoinLink {
    type Err = InvalidLink;

    fn from_str(text: &str) -> Result<Self, InvalidLink> {
        let (address, key) = text.trim().rsplit_once(MARK).ok_or(InvalidLink::NoKey)?;
        let key = X25519Public::from_bytes(read_key(key).ok_or(InvalidLink::Key)?);
        let (base, room) = match address.rsplit_once("/r/") {
            Some(parts) => parts,
            None => address.rsplit_once('/').ok_or(InvalidLink::Address)?,
        };
        let base_url = read_base(base).ok_or(InvalidLink::Address)?;
        let room = room.parse().map_err(|_| InvalidLink::Room)?;
        Ok(Self { base_url, room, key })
    }
}

impl fmt::Display for JoinLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&join_link(&self.base_url, self.room.as_str(), &self.key))
    }
}

/// Scheme, host and port, and nothing else but a slash at the end.
fn read_base(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (_, authority) = text.split_once("://")?;
    let permitted = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    if authority.is_empty() || !authority.bytes().all(permitted) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let fits = matches!(url.scheme(), "http" | "https") && url.has_host();
    fits.then(|| url.origin().ascii_serialization())
}

fn read_key(text: &str) -> Option<[u8; 32]> {
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    match text.len() {
        64 => {
            let mut key = [0; 32];
            hex::decode_to_slice(text, &mut key).ok()?;
            Some(key)
        }
        43 | 44 => BASE64.decode(text).ok()?.try_into().ok(),
        52 => base32z(text),
        _ => None,
    }
}

/// Five bits a character, the highest first; of the last character only the first bit counts.
fn base32z(text: &str) -> Option<[u8; 32]> {
    const ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";
    let mut key = [0; 32];
    let mut bytes = key.iter_mut();
    let (mut bits, mut count) = (0_u16, 0);
    for letter in text.bytes() {
        let five = ALPHABET
            .iter()
            .position(|known| *known == letter.to_ascii_lowercase())?;
        bits = bits << 5 | u16::try_from(five).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            let [_, byte] = (bits >> count).to_be_bytes();
            *bytes.next()? = byte;
            bits &= (1 << count) - 1;
        }
    }
    bytes.next().is_none().then_some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The key of the test vectors, and the same in the other two forms.
    const HEX: &str = "6a32c7b491f4199dd1260a4cc60ae51c6bd71dad939cc521e738409f53f943be";
    const BASE64: &str = "ajLHtJH0GZ3RJgpMxgrlHGvXHa2TnMUh5zhAn1P5Q74";
    const BASE32Z: &str = "pe3cxprt6oc35wjgbjgccnzfdti7q8pp1qqckex88byj6w93eq9y";

    fn key() -> X25519Public {
        X25519Public::from_hex(HEX).unwrap()
    }

    #[test]
    fn all_forms_of_a_link_name_the_same_room() {
        for link in [
            format!("https://example.org/Sudoku?public_key={HEX}"),
            format!("https://example.org/r/Sudoku?public_key={HEX}"),
            format!("HTTPS://Example.ORG:443//r/Sudoku?public_key={}", HEX.to_uppercase()),
            format!("https://example.org/Sudoku?public_key={BASE64}"),
            format!("https://example.org/Sudoku?public_key={BASE64}="),
            format!(" https://example.org/r/Sudoku?public_key={BASE32Z}\n"),
        ] {
            let read: JoinLink = link.parse().unwrap_or_else(|error| panic!("{link}: {error}"));
            assert_eq!(read.base_url, "https://example.org", "{link}");
            assert_eq!(read.room.as_str(), "Sudoku", "{link}");
            assert_eq!(read.key, key(), "{link}");
            assert_eq!(read.to_string(), format!("https://example.org/Sudoku?public_key={HEX}"));
        }
    }

    #[test]
    fn a_port_stays_unless_it_is_the_usual_one() {
        for (given, kept) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://example.org:80", "http://example.org"),
            ("http://example.org:443", "http://example.org:443"),
            ("http://[::1]:22", "http://[::1]:22"),
        ] {
            let read: JoinLink = format!("{given}/a?public_key={HEX}").parse().unwrap();
            assert_eq!(read.base_url, kept);
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (link, expected) in [
            ("https://example.org/a".to_owned(), InvalidLink::NoKey),
            (
                format!("https://example.org/a?public_key={}", &HEX[1..]),
                InvalidLink::Key,
            ),
            (format!("https://example.org/a?public_key={HEX}#x"), InvalidLink::Key),
            (
                format!("https://example.org/a?public_key={}", "l".repeat(52)),
                InvalidLink::Key,
            ),
            (
                format!("https://example.org/a?public_key={}", "-".repeat(43)),
                InvalidLink::Key,
            ),
            (format!("example.org/a?public_key={HEX}"), InvalidLink::Address),
            (format!("ftp://example.org/a?public_key={HEX}"), InvalidLink::Address),
            (
                format!("https://example.org/b/a?public_key={HEX}"),
                InvalidLink::Address,
            ),
            (
                format!("https://me:pw@example.org/a?public_key={HEX}"),
                InvalidLink::Address,
            ),
            (format!("https:///a?public_key={HEX}"), InvalidLink::Address),
            (format!("https://example.org?public_key={HEX}"), InvalidLink::Address),
            (format!("https://example.org/?public_key={HEX}"), InvalidLink::Room),
            (format!("https://example.org/a b?public_key={HEX}"), InvalidLink::Room),
        ] {
            assert_eq!(link.parse::<JoinLink>(), Err(expected), "{link}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(https?://|)[a-z./:\\[\\]]{0,20}(/r)?/[a-z]{0,3}(\\?public_key=)?[a-z0-9=]{0,64}") {
            let _ = text.parse::<JoinLink>();
        }
    }
}
