//! `sogs user`.

mod ban;
mod bans;
mod list;
mod permit;
mod purge;
mod show;
mod timeout;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

pub(super) use permit::told as permission;

use super::beside::Server;
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Command {
    Show(show::Show),
    List(list::List),
    Ban(ban::Ban),
    Unban(ban::Unban),
    Bans(bans::Bans),
    Timeout(timeout::Timeout),
    Untimeout(timeout::Untimeout),
    Permit(permit::Permit),
    Purge(purge::Purge),
}

impl Command {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let server = Server::open(settings).await?;
        match self {
            Self::Show(show) => show.run(&server).await,
            Self::List(list) => list.run(&server).await,
            Self::Ban(ban) => ban.run(&server).await,
            Self::Unban(unban) => unban.run(&server).await,
            Self::Bans(bans) => bans.run(&server).await,
            Self::Timeout(timeout) => timeout.run(&server).await,
            Self::Untimeout(untimeout) => untimeout.run(&server).await,
            Self::Permit(permit) => permit.run(&server).await,
            Self::Purge(purge) => purge.run(&server).await,
        }
    }
}
