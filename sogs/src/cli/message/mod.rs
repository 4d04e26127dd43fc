//! `sogs message`.

mod delete;
mod filter;
mod list;
mod show;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use super::beside::Server;
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Command {
    List(list::List),
    Show(show::Show),
    Delete(delete::Delete),
}

impl Command {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let server = Server::open(settings).await?;
        match self {
            Self::List(list) => list.run(&server).await,
            Self::Show(show) => show.run(&server).await,
            Self::Delete(delete) => delete.run(&server).await,
        }
    }
}
