//! `sogs room delete`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::show;
use crate::cli::beside::Server;
use crate::cli::confirm::confirm;
use crate::cli::scope::{known_room, number, title, token};
use crate::cli::why::Why;
use crate::model::RoomToken;

/// Delete a room with its messages, attachments, permissions and bans
#[derive(Args)]
pub(in crate::cli) struct Delete {
    /// The room: its token, or enough of its beginning
    #[arg(value_parser = token)]
    token: RoomToken,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    why: Why,
}

impl Delete {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let room = known_room(server, &self.token).await?;
        if !self.yes {
            let surveyed = show::survey(server, &room).await?;
            show::print(&surveyed, server);
        }
        confirm(self.yes, "Delete this room and everything in it?")?;
        server.store.empty_room(number(&room), server.clock.now()).await?;
        let mut write = server.change_because(&self.why).await?;
        write.delete_room(number(&room)).await?;
        let line = format!("deleted the room {}", title(&room));
        server.commit(write, &[line]).await
    }
}
