//! Where a command about people applies.

use std::fmt;

use anyhow::{Result, bail};
use clap::Args;
use shared::crypto::UserId;

use super::beside::Server;
use super::people::ambiguous;
use crate::model::{InvalidToken, RoomNo, RoomToken, Scope as ModelScope};
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

/// One of the places that a scope comes to.
pub(super) enum Place {
    Room(RoomRow),
    Everywhere,
}

impl Place {
    /// The same as the store says it.
    pub(super) fn scope(&self) -> ModelScope {
        match self {
            Self::Room(room) => ModelScope::Rooms(vec![number(room)]),
            Self::Everywhere => ModelScope::Server,
        }
    }

    /// How it is named on the command line.
    pub(super) fn flag(&self) -> String {
        match self {
            Self::Room(room) => format!("--room {}", room.token),
            Self::Everywhere => "--global".to_owned(),
        }
    }

    /// The room, unless it is the whole server.
    pub(super) fn room(&self) -> Option<RoomNo> {
        match self {
            Self::Room(room) => Some(number(room)),
            Self::Everywhere => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(room) => formatter.write_str(&title(room)),
            Self::Everywhere => formatter.write_str("the whole server"),
        }
    }
}

/// A room's token in an argument.
pub(super) fn token(argument: &str) -> Result<RoomToken, String> {
    argument.parse().map_err(|error: InvalidToken| {
        if argument.parse::<UserId>().is_ok() {
            format!("{error}; this is the id of a person, and belongs before --room")
        } else {
            error.to_string()
        }
    })
}

impl Scope {
    /// The places, in the order in which they are locked.
    pub(super) async fn find(&self, write: &mut Write) -> Result<Vec<Place>> {
        if self.global {
            return Ok(vec![Place::Everywhere]);
        }
        let rooms = rooms(write, &self.rooms, self.all_rooms).await?;
        Ok(rooms.into_iter().map(Place::Room).collect())
    }

    /// What it includes, for a command that only looks.
    pub(super) async fn included(&self, server: &Server<'_>) -> Result<Included> {
        let mut tokens = Vec::new();
        for token in &self.rooms {
            tokens.push(known_room(server, token).await?.token);
        }
        Ok(Included {
            tokens,
            all_rooms: self.all_rooms,
            global: self.global,
        })
    }
}

/// The places of a list.
pub(super) struct Included {
    /// Of rooms, as they were chosen.
    tokens: Vec<String>,
    all_rooms: bool,
    global: bool,
}

impl Included {
    /// Whether the room of this token is among them, which is the whole server if there is none.
    pub(super) fn has(&self, token: Option<&str>) -> bool {
        match token {
            None => self.global,
            Some(token) => self.all_rooms || self.tokens.iter().any(|room| room == token),
        }
    }
}

impl RoomScope {
    /// The rooms, in the order in which they are locked.
    pub(super) async fn find(&self, write: &mut Write) -> Result<Vec<Place>> {
        let rooms = rooms(write, &self.rooms, self.all_rooms).await?;
        Ok(rooms.into_iter().map(Place::Room).collect())
    }
}

async fn rooms(write: &mut Write, tokens: &[RoomToken], all: bool) -> Result<Vec<RoomRow>> {
    let mut rooms = Vec::new();
    if all {
        rooms = write.all_rooms().await?;
        if rooms.is_empty() {
            bail!("there are no rooms; `sogs room add TOKEN --name NAME` makes one");
        }
    }
    for token in tokens {
        rooms.push(room(write, token).await?);
    }
    rooms.sort_by_key(|room| room.id);
    rooms.dedup_by_key(|room| room.id);
    Ok(rooms)
}

/// Places as one.
pub(super) fn together(places: &[Place]) -> ModelScope {
    let rooms: Option<Vec<RoomNo>> = places.iter().map(Place::room).collect();
    rooms.map_or(ModelScope::Server, ModelScope::Rooms)
}

/// The room of this token, or the only one whose token begins like this.
pub(super) async fn room(write: &mut Write, token: &RoomToken) -> Result<RoomRow> {
    pick(token, write.all_rooms().await?)
}

/// The same for a command that only looks.
pub(super) async fn known_room(server: &Server<'_>, token: &RoomToken) -> Result<RoomRow> {
    pick(token, server.store.room_rows().await?)
}

fn pick(token: &RoomToken, rooms: Vec<RoomRow>) -> Result<RoomRow> {
    let key = token.key();
    let begins = |room: &RoomRow| room.token.to_ascii_lowercase().starts_with(&key);
    let (mut exact, mut beginning): (Vec<_>, Vec<_>) = rooms
        .into_iter()
        .filter(begins)
        .partition(|room| room.token.len() == key.len());
    let found = exact
        .pop()
        .or_else(|| if beginning.len() == 1 { beginning.pop() } else { None });
    if let Some(room) = found {
        return Ok(room);
    }
    if beginning.is_empty() {
        bail!("there is no room {token}; `sogs room list` lists them");
    }
    let candidates: Vec<String> = beginning.iter().map(title).collect();
    bail!("{}", ambiguous(token.as_str(), &candidates))
}

/// How a place is called in a list, by the token of the room.
pub(super) fn place(token: Option<&str>) -> String {
    token.unwrap_or("(whole server)").to_owned()
}

/// How a room is called in what is printed.
pub(super) fn title(room: &RoomRow) -> String {
    format!("{} ({})", room.name, room.token)
}

pub(super) fn number(room: &RoomRow) -> RoomNo {
    RoomNo(room.id)
}
