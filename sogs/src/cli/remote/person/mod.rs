//! `sogs remote user`.

mod ban;
mod list;
mod permit;
mod purge;
mod timeout;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::remote::Community;

#[derive(Subcommand)]
pub(super) enum Command {
    List(list::List),
    Show(list::Show),
    Bans(list::Bans),
    Ban(ban::Ban),
    Unban(ban::Unban),
    Timeout(timeout::Timeout),
    Permit(permit::Permit),
    Purge(purge::Purge),
}

impl Command {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        match self {
            Self::List(list) => list.run(community).await,
            Self::Show(show) => show.run(community).await,
            Self::Bans(bans) => bans.run(community).await,
            Self::Ban(ban) => ban.run(community).await,
            Self::Unban(unban) => unban.run(community).await,
            Self::Timeout(timeout) => timeout.run(community).await,
            Self::Permit(permit) => permit.run(community).await,
            Self::Purge(purge) => purge.run(community).await,
        }
    }
}
