//! `sogs room add`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use super::{description, name};
use crate::cli::beside::Server;
use crate::cli::letters::Letters;
use crate::cli::scope::token;
use crate::cli::why::Why;
use crate::model::{Defaults, RoomToken};
use crate::store::NewRoom;

/// Make a room
#[derive(Args)]
pub(in crate::cli) struct Add {
    /// What names it in links: 1 to 64 letters, digits, `-` and `_`
    #[arg(value_parser = token)]
    token: RoomToken,
    /// Its name; by default the token
    #[arg(long)]
    name: Option<String>,
    /// What it is about; \n begins a new line
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Let only moderators post and upload
    #[arg(long, group = "defaults")]
    read_only: bool,
    /// Hide it from all but moderators and those who are let in: sogs user permit ID --room TOKEN --allow ra
    #[arg(long, group = "defaults")]
    private: bool,
    /// What not everybody may: letters of r (read), w (post), u (upload), a (see that it exists)
    #[arg(long, value_name = "RWUA", group = "defaults")]
    deny: Option<Letters>,
    #[command(flatten)]
    why: Why,
}

impl Add {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let limits = &server.settings.rooms;
        let token = &self.token;
        let new = NewRoom {
            token: token.clone(),
            name: name(self.name.as_deref().unwrap_or(token.as_str()), limits)?,
            description: match &self.description {
                Some(text) => description(text, limits)?,
                None => None,
            },
            defaults: self.defaults(),
        };
        let mut write = server.change_because(&self.why).await?;
        let most = limits.max_count;
        if most > 0 && write.count_rooms().await? >= i64::from(most) {
            bail!("there are {most} rooms, and rooms.max_count allows no more");
        }
        if write.create_room(&new).await?.is_none() {
            bail!("there is a room {token} already; `sogs room set` changes it");
        }
        let made = format!("made the room {} ({token})", new.name);
        let done = server.commit(write, &[made, server.link(token.as_str())]).await?;
        server.warn_of_links();
        Ok(done)
    }

    fn defaults(&self) -> Defaults {
        let denied = self.deny.unwrap_or_default();
        Defaults {
            read: !(self.private || denied.read),
            accessible: !(self.private || denied.accessible),
            write: !(self.read_only || denied.write),
            upload: !(self.read_only || denied.upload),
        }
    }
}
