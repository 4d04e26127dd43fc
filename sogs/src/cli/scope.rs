//! Where a command about people applies.

use anyhow::{Result, bail};
use clap::Args;
use shared::crypto::UserId;

use crate::model::{RoomNo, RoomToken};
use crate::store::{RoomRow, Write};

/// Rooms, all of them or the whole server.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Scope {
    /// In these rooms
    #[arg(long = "room", value_name = "TOKEN", num_args = 1.., value_parser = token)]
    rooms: Vec<RoomToken>,
    /// In every room that there is now
    #[arg(long)]
    all_rooms: bool,
    /// On the whole server, which includes rooms to come
    #[arg(long)]
    global: bool,
}

/// The rooms of a command that does not know the whole server.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct RoomScope {
    /// In these rooms
    #[arg(long = "room", value_name = "TOKEN", num_args = 1.., value_parser = token)]
    rooms: Vec<RoomToken>,
    /// In every room that there is now
    #[arg(long)]
    all_rooms: bool,
}

/// What a scope comes to.
pub(super) enum Place {
    /// These rooms, in the order of their numbers, which is the order to lock them in.
    Rooms(Vec<RoomRow>),
    /// The whole server.
    Everywhere,
}

/// A room's token in an argument.
pub(super) fn token(argument: &str) -> Result<RoomToken, String> {
    argument.parse().map_err(|error: crate::model::InvalidToken| {
        if argument.parse::<UserId>().is_ok() {
            format!("{error}; this is the id of a person, and belongs before --room")
        } else {
            error.to_string()
        }
    })
}

impl Scope {
    pub(super) async fn find(&self, write: &mut Write) -> Result<Place> {
        if self.global {
            return Ok(Place::Everywhere);
        }
        Ok(Place::Rooms(rooms(write, &self.rooms, self.all_rooms).await?))
    }

    pub(super) fn is_global(&self) -> bool {
        self.global
    }
}

impl RoomScope {
    pub(super) async fn find(&self, write: &mut Write) -> Result<Vec<RoomRow>> {
        rooms(write, &self.rooms, self.all_rooms).await
    }
}

async fn rooms(write: &mut Write, tokens: &[RoomToken], all: bool) -> Result<Vec<RoomRow>> {
    let mut rooms = Vec::new();
    if all {
        rooms = write.all_rooms().await?;
        if rooms.is_empty() {
            bail!("there are no rooms; `sogs room add` makes one");
        }
    }
    for token in tokens {
        rooms.push(room(write, token).await?);
    }
    rooms.sort_by_key(|room| room.id);
    rooms.dedup_by_key(|room| room.id);
    Ok(rooms)
}

/// The room of this token.
pub(super) async fn room(write: &mut Write, token: &RoomToken) -> Result<RoomRow> {
    match write.room(token).await? {
        Some(room) => Ok(room),
        None => bail!("there is no room {token}; `sogs room list` lists them"),
    }
}

/// How a room is called in what is printed.
pub(super) fn title(room: &RoomRow) -> String {
    format!("{} ({})", room.name, room.token)
}

pub(super) fn number(room: &RoomRow) -> RoomNo {
    RoomNo(room.id)
}
