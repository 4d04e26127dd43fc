//! Which files a command is about.

use anyhow::Result;
use clap::Args;

use crate::cli::beside::Server;
use crate::cli::people::{Person, known};
use crate::cli::scope::{known_room, number, token};
use crate::model::RoomToken;
use crate::store::FileFilter;

/// Conditions, of which all must hold.
#[derive(Args)]
pub(super) struct Filter {
    /// Of this room: its token, or enough of its beginning
    #[arg(long, value_name = "TOKEN", value_parser = token)]
    pub(super) room: Option<RoomToken>,
    /// Uploaded by this person: the id, 05 or 15 and 64 more digits, or enough of its beginning
    #[arg(long, value_name = "ID")]
    pub(super) user: Option<Person>,
}

impl Filter {
    pub(super) async fn find(&self, server: &Server<'_>) -> Result<FileFilter> {
        let room = match &self.room {
            Some(token) => Some(number(&known_room(server, token).await?)),
            None => None,
        };
        let uploaders = match &self.user {
            Some(user) => Some(known(server, user).await?),
            None => None,
        };
        Ok(FileFilter {
            room,
            uploaders: uploaders.map(|people| people.into_iter().map(|user| user.no).collect()),
        })
    }
}
