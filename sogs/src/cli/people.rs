//! People in what is printed.

use anyhow::anyhow;
use shared::crypto::UserId;

use super::scope::Place;
use crate::store::ChangeError;

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
        ChangeError::RoomGone => anyhow!("{place} was deleted in between, so nothing was changed"),
        ChangeError::Database(error) => anyhow::Error::from(error).context("nothing was changed"),
    }
}
