//! `sogs file`.

mod delete;
mod filter;
mod list;
mod usage;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

pub(super) use list::{expires, object};

use super::beside::Server;
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Command {
    List(list::List),
    Usage(usage::Usage),
    Delete(delete::Delete),
}

impl Command {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let server = Server::open(settings).await?;
        match self {
            Self::List(list) => list.run(&server).await,
            Self::Usage(usage) => usage.run(&server).await,
            Self::Delete(delete) => delete.run(&server).await,
        }
    }
}
