//! What is looked at from outside.

use std::str::FromStr;

use shared::crypto::X25519Public;
use url::Url;

use crate::model::RoomToken;

/// A public address, and what a join link says besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As it was given, without a path.
    pub(super) base: Url,
    /// The room.
    pub(super) room: Option<RoomToken>,
    /// The key of the server.
    pub(super) key: Option<X25519Public>,
}

impl Target {
    /// Whether it means the room of this token, which it does of every room if it names none.
    pub(super) fn names(&self, token: &str) -> bool {
        let key = token.to_ascii_lowercase();
        self.room.as_ref().is_none_or(|room| room.key() == key)
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "an address such as https://chat.example.org or a join link is needed";
        let mut base = Url::parse(text.trim()).map_err(|error| format!("{error}; {FORM}"))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(FORM.to_owned());
        }
        let key = match base.query_pairs().find(|(name, _)| name == "public_key") {
            None => None,
            Some((_, key)) => Some(X25519Public::from_hex(&key).ok_or(
                "what follows ?public_key= is not a key of 64 hex digits, which is the only form that all clients know",
            )?),
        };
        let path = base.path().trim_matches('/');
        let token = path.strip_prefix("r/").unwrap_or(path);
        let room = match token {
            "" => None,
            token => Some(token.parse::<RoomToken>().map_err(|error| error.to_string())?),
        };
        base.set_path("");
        base.set_query(None);
        base.set_fragment(None);
        Ok(Self { base, room, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_both_forms_of_links_are_read() {
        let hex = "ab".repeat(32);
        let key = X25519Public::from_hex(&hex);
        let read = |text: &str| {
            let target: Target = text.parse().unwrap();
            (
                target.base.to_string(),
                target.room.map(|room| room.to_string()),
                target.key,
            )
        };
        let base = "https://chat.example.org/".to_owned();
        assert_eq!(read("https://chat.example.org"), (base.clone(), None, None));
        let room = Some("Lobby".to_owned());
        assert_eq!(
            read(&format!("https://chat.example.org/Lobby?public_key={hex}")),
            (base.clone(), room.clone(), key)
        );
        assert_eq!(
            read(&format!("https://chat.example.org/r/Lobby/?public_key={hex}")),
            (base, room, key)
        );
    }

    #[test]
    fn what_no_client_would_understand_is_refused() {
        for bad in [
            "chat.example.org",
            "ftp://a.b",
            "https://a.b/c/d",
            "https://a.b/c?public_key=12",
        ] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
