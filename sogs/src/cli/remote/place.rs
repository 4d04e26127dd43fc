//! Where a command applies. Without a room it is the one of the join link.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::scope::token;
use crate::model::RoomToken;
use crate::remote::{Community, Right, Room};

/// Rooms, all of them or the whole server.
#[derive(Args)]
#[group(multiple = false)]
pub(super) struct Where {
    /// In these rooms; in that of the join link if nothing else is said
    #[arg(long = "room", value_name = "TOKEN", num_args = 1.., value_parser = token)]
    rooms: Vec<RoomToken>,
    /// In every room where you have the right
    #[arg(long)]
    all_rooms: bool,
    /// On the whole server, which includes rooms to come
    #[arg(long)]
    global: bool,
}

/// The rooms of a command that does not know the whole server.
#[derive(Args)]
#[group(multiple = false)]
pub(super) struct Rooms {
    /// In these rooms; in that of the join link if nothing else is said
    #[arg(long = "room", value_name = "TOKEN", num_args = 1.., value_parser = token)]
    rooms: Vec<RoomToken>,
    /// In every room that you moderate
    #[arg(long)]
    all_rooms: bool,
}

/// The room of a command that knows one.
#[derive(Args)]
pub(super) struct OneRoom {
    /// The room; that of the join link if it is left out
    #[arg(long, value_name = "TOKEN", value_parser = token)]
    room: Option<RoomToken>,
}

/// What a scope comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Rooms(Vec<RoomToken>),
    AllRooms,
    Server,
}

impl Where {
    pub(super) fn place(&self, community: &Community) -> Place {
        if self.global {
            Place::Server
        } else if self.all_rooms {
            Place::AllRooms
        } else {
            Place::Rooms(or_own(&self.rooms, community))
        }
    }
}

impl Rooms {
    /// The rooms, one by one.
    pub(super) async fn each(&self, community: &Community) -> Result<Vec<RoomToken>> {
        if !self.all_rooms {
            return Ok(or_own(&self.rooms, community));
        }
        let rooms: Vec<Room> = community.get_as("/rooms").await?;
        let moderated = rooms.into_iter().filter(|room| room.moderator || room.admin);
        let tokens: Vec<RoomToken> = moderated.filter_map(|room| room.token.parse().ok()).collect();
        if tokens.is_empty() {
            bail!("you moderate no room of this community; `sogs remote room list` tells what you are where");
        }
        Ok(tokens)
    }
}

impl OneRoom {
    pub(super) fn token<'a>(&'a self, community: &'a Community) -> &'a RoomToken {
        self.room.as_ref().unwrap_or(&community.link().room)
    }
}

fn or_own(rooms: &[RoomToken], community: &Community) -> Vec<RoomToken> {
    let mut rooms = rooms.to_vec();
    if rooms.is_empty() {
        rooms.push(community.link().room.clone());
    }
    // A server refuses rooms that are named twice.
    rooms.sort_by_key(RoomToken::key);
    rooms.dedup_by_key(|room| room.key());
    rooms
}

impl Place {
    /// The beginning of what is sent to the server.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let (key, value) = match self {
            Self::Rooms(rooms) => {
                let tokens: Vec<&str> = rooms.iter().map(RoomToken::as_str).collect();
                ("rooms", json!(tokens))
            }
            Self::AllRooms => ("rooms", json!(["*"])),
            Self::Server => ("global", json!(true)),
        };
        Map::from_iter([(key.to_owned(), value)])
    }

    /// What one must be to moderate there.
    pub(super) const fn moderating(&self) -> Right {
        match self {
            Self::Server => Right::GlobalModerator,
            _ => Right::Moderator,
        }
    }

    /// What one must be to administrate there.
    pub(super) const fn administrating(&self) -> Right {
        match self {
            Self::Server => Right::GlobalAdmin,
            _ => Right::Admin,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rooms(rooms) => {
                let tokens: Vec<&str> = rooms.iter().map(RoomToken::as_str).collect();
                formatter.write_str(&tokens.join(", "))
            }
            Self::AllRooms => formatter.write_str("every room where you have the right"),
            Self::Server => formatter.write_str("the whole server"),
        }
    }
}
