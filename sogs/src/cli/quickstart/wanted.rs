//! What a new community is to be.

use std::io::{BufRead, Write};

use anyhow::{Result, bail};
use shared::crypto::{BlindingFactor, SessionId, X25519Pair};

use super::dialogue::Dialogue;
use crate::cli::{room, scope};
use crate::links;
use crate::model::RoomToken;
use crate::settings::RoomSettings;

/// The first room, if nobody says otherwise.
const ROOM: &str = "lobby";

/// What was given.
pub(super) struct Given<'a> {
    pub(super) base_url: Option<&'a str>,
    pub(super) room: Option<&'a RoomToken>,
    pub(super) name: Option<&'a str>,
    pub(super) admin: Option<SessionId>,
}

/// All that is needed.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) base_url: String,
    pub(super) room: RoomToken,
    pub(super) name: String,
    pub(super) admin: Option<SessionId>,
}

impl Given<'_> {
    /// The flags that cannot be done without. Who agrees to everything agrees to the usual room.
    pub(super) fn missing(&self, yes: bool) -> Vec<&'static str> {
        let base_url = self.base_url.is_none().then_some("--base-url");
        let room = (self.room.is_none() && !yes).then_some("--room");
        base_url.into_iter().chain(room).collect()
    }

    /// The rest is as usual.
    pub(super) fn complete(&self, limits: &RoomSettings) -> Result<Wanted> {
        let room = match self.room {
            Some(room) => room.clone(),
            None => ROOM.parse()?,
        };
        let read = |outcome: Result<String, String>| outcome.map_err(anyhow::Error::msg);
        if let Some(id) = self.admin {
            account(id).map_err(anyhow::Error::msg)?;
        }
        let Some(base_url) = self.base_url else {
            bail!("--base-url is missing")
        };
        Ok(Wanted {
            base_url: read(address(base_url))?,
            name: room::name(self.name.unwrap_or(&titled(&room)), limits)?,
            admin: self.admin,
            room,
        })
    }

    /// Asks for what was not given.
    pub(super) fn ask<R: BufRead, W: Write>(
        &self,
        dialogue: &mut Dialogue<R, W>,
        limits: &RoomSettings,
    ) -> Result<Wanted> {
        let base_url = match self.base_url.map(address) {
            Some(checked) => checked.map_err(anyhow::Error::msg)?,
            None => dialogue.ask("The public address, such as https://chat.example.org", None, address)?,
        };
        let room = match self.room {
            Some(room) => room.clone(),
            None => dialogue.ask("The first room, as it stands in links", Some(ROOM), scope::token)?,
        };
        let named = |name: &str| room::name(name, limits).map_err(|error| error.to_string());
        let name = match self.name {
            Some(name) => room::name(name, limits)?,
            None => dialogue.ask("Its name", Some(&titled(&room)), named)?,
        };
        let admin = match self.admin {
            Some(id) => Some(account(id).map_err(anyhow::Error::msg)?),
            None => dialogue.ask(
                "The Session ID of its admin (in the settings of the app; empty for nobody yet)",
                Some(""),
                optional_account,
            )?,
        };
        Ok(Wanted {
            base_url,
            room,
            name,
            admin,
        })
    }
}

/// A public address that clients accept.
fn address(text: &str) -> Result<String, String> {
    let read = |text: &str| {
        let url = links::base_url(text)?;
        links::problem(&url).map_or(Ok(url), Err)
    };
    read(text).map_err(|reason| {
        let whole = format!("https://{}", text.trim());
        match read(&whole) {
            Ok(url) if !text.contains("://") => format!("is {url} meant? The address must be whole"),
            _ => format!("{text:?}: {reason}"),
        }
    })
}

fn optional_account(text: &str) -> Result<Option<SessionId>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let id = text.parse().map_err(|_| {
        "a Session ID is 05 and 64 more digits (0 to 9, a to f); an id that begins with 15 is known to one community only"
            .to_owned()
    })?;
    account(id).map(Some)
}

/// An id that some account can have.
fn account(id: SessionId) -> Result<SessionId, String> {
    let any = BlindingFactor::for_server(X25519Pair::generate().public());
    match any.blind(&id) {
        Ok(_) => Ok(id),
        Err(_) => Err(format!(
            "no account has the id {id}; compare it with the one in the app"
        )),
    }
}

/// A name made of a token: `lobby` is called Lobby.
fn titled(room: &RoomToken) -> String {
    let mut letters = room.as_str().chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use shared::client::Account;

    use super::*;

    const NOTHING: Given<'_> = Given {
        base_url: None,
        room: None,
        name: None,
        admin: None,
    };

    fn asked(given: &Given<'_>, answers: &str) -> (Wanted, String) {
        let mut questions = Vec::new();
        let mut dialogue = Dialogue::new(answers.as_bytes(), &mut questions);
        let wanted = given.ask(&mut dialogue, &RoomSettings::default()).unwrap();
        (wanted, String::from_utf8(questions).unwrap())
    }

    #[test]
    fn everything_is_asked_for_and_checked_as_it_is_typed() {
        shared::crypto::init().unwrap();
        let id = Account::generate().session_id();
        let blinded = format!("15{}", "ab".repeat(32));
        let answers = format!("chat.example.org\nhttps://chat.example.org/\nmy room\nmine\n\n{blinded}\n{id}\n");
        let (wanted, questions) = asked(&NOTHING, &answers);
        assert_eq!(wanted.base_url, "https://chat.example.org");
        assert_eq!((wanted.room.as_str(), wanted.name.as_str()), ("mine", "Mine"));
        assert_eq!(wanted.admin, Some(id));
        for said in ["is https://chat.example.org meant", "a room token is", "begins with 15"] {
            assert!(questions.contains(said), "{said}: {questions}");
        }
    }

    #[test]
    fn what_was_given_is_not_asked_for() {
        shared::crypto::init().unwrap();
        let room: RoomToken = "Sudoku".parse().unwrap();
        let given = Given {
            base_url: Some("http://198.51.100.7:8080"),
            room: Some(&room),
            name: Some("The club"),
            admin: None,
        };
        let (wanted, questions) = asked(&given, "\n");
        assert_eq!(wanted.name, "The club");
        assert_eq!(wanted.admin, None);
        assert_eq!(questions.lines().count(), 1, "{questions}");
        assert!(given.missing(false).is_empty());
    }

    #[test]
    fn only_the_address_cannot_be_guessed() {
        assert_eq!(NOTHING.missing(true), ["--base-url"]);
        assert_eq!(NOTHING.missing(false), ["--base-url", "--room"]);
        let given = Given {
            base_url: Some("https://chat.example.org"),
            ..NOTHING
        };
        let wanted = given.complete(&RoomSettings::default()).unwrap();
        assert_eq!((wanted.room.as_str(), wanted.name.as_str()), ("lobby", "Lobby"));
        for bad in ["https://localhost", "https://example.org/path", "example.org"] {
            let given = Given {
                base_url: Some(bad),
                ..NOTHING
            };
            assert!(given.complete(&RoomSettings::default()).is_err(), "{bad}");
        }
    }
}
