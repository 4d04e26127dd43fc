//! People on the command line and in what is printed.

use std::str::FromStr;

use anyhow::{Result, anyhow, bail};
use shared::crypto::UserId;

use super::beside::Server;
use super::scope::Place;
use crate::model::User;
use crate::store::ChangeError;

/// The least of an id that names somebody: fewer digits are more likely a slip than a choice.
const SHORTEST: usize = 6;

/// How many of those are listed whom a beginning may mean.
const CANDIDATES: i64 = 5;

/// Somebody as they are named in an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Person {
    /// By the whole id, known or not.
    Whole(UserId),
    /// By how the id of somebody begins whom the server knows; digits in lower case.
    Beginning(String),
}

impl FromStr for Person {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Whole(id));
        }
        // As tables in narrow terminals have them.
        let digits = text.trim_end_matches('…').to_ascii_lowercase();
        let fits = (SHORTEST..66).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            && (digits.starts_with("05") || digits.starts_with("15"));
        if fits {
            Ok(Self::Beginning(digits))
        } else {
            Err(format!(
                "an id has 66 digits, of which the first are 05 or 15; of somebody who has been here {SHORTEST} or more \
                 of the first will do"
            ))
        }
    }
}

impl Person {
    /// The whole id.
    pub(super) async fn id(&self, server: &Server<'_>) -> Result<UserId> {
        let beginning = match self {
            Self::Whole(id) => return Ok(*id),
            Self::Beginning(digits) => digits,
        };
        let found = server.store.ids_beginning(beginning, CANDIDATES + 1).await?;
        match found.as_slice() {
            [] => bail!(
                "the id of nobody who has been here begins with {beginning}; the whole id names anybody, and \
                 `sogs user list` shows who was here"
            ),
            [id] => Ok(id.parse()?),
            several => bail!("{}", ambiguous(beginning, several)),
        }
    }
}

/// Everybody that somebody's id stands for; there is at least one.
pub(super) async fn known(server: &Server<'_>, person: &Person) -> Result<Vec<User>> {
    let id = person.id(server).await?;
    let people = server.store.find_all(&id).await?;
    if people.is_empty() {
        bail!("{id} has never been here; `sogs user list` shows who was");
    }
    Ok(people)
}

/// The whole ids of all of them, each once.
pub(super) async fn ids(server: &Server<'_>, people: &[Person]) -> Result<Vec<UserId>> {
    let mut ids = Vec::with_capacity(people.len());
    for person in people {
        let id = person.id(server).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// That a beginning is that of several names, of which the first are listed.
pub(super) fn ambiguous(beginning: &str, candidates: &[String]) -> String {
    let most = usize::try_from(CANDIDATES).unwrap_or_default();
    let mut text = format!("{beginning} may mean any of these; nothing was done:");
    for candidate in candidates.iter().take(most) {
        text.push_str("\n  ");
        text.push_str(candidate);
    }
    if candidates.len() > most {
        text.push_str("\n  and more");
    }
    text
}

/// As whom the server knows somebody, and how they were named if that is something else.
pub(super) fn by(session_id: &str, given: &UserId) -> String {
    if session_id == given.to_string() {
        session_id.to_owned()
    } else {
        format!("{session_id} ({given})")
    }
}

/// Why something about a person cannot be changed in a place, and which command helps.
pub(super) fn explain(error: ChangeError, id: &UserId, place: &Place) -> anyhow::Error {
    match error {
        ChangeError::Banned => anyhow!(
            "{id} is banned from {place}, so nothing was changed; lift that first: sogs user unban {id} {}",
            place.flag()
        ),
        ChangeError::Moderates => anyhow!(
            "{id} moderates the whole server, so nothing was changed; take that role away first: sogs mod remove {id} \
             --global"
        ),
        ChangeError::Nobody => anyhow!(
            "there can be nobody with the id {id}, so nothing was changed; is a digit wrong? `sogs user list` shows who \
             was here"
        ),
        ChangeError::RoomGone => anyhow!("{place} was deleted in between, so nothing was changed"),
        ChangeError::Database(error) => anyhow::Error::from(error).context("nothing was changed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_named_by_an_id_or_enough_of_its_beginning() {
        let whole = format!("15{}", "aB".repeat(32));
        assert_eq!(whole.parse(), Ok(Person::Whole(whole.parse().unwrap())));
        for good in ["15ab12", "15AB12…", &whole[..65]] {
            let digits = good.trim_end_matches('…').to_lowercase();
            assert_eq!(good.parse(), Ok(Person::Beginning(digits)), "{good}");
        }
        for bad in [
            "",
            "15ab1",
            "25ab12",
            "ff0000",
            "15ab1x",
            "sudoku",
            &format!("{whole}0"),
        ] {
            assert!(bad.parse::<Person>().is_err(), "{bad}");
        }
    }
}
