//! `sogs remote schedule`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use shared::cli::output::{self, Format};

use super::place::OneRoom;
use super::report::Report;
use super::told::{self, time};
use crate::remote::{Community, Planned, Right};

#[derive(Subcommand)]
pub(super) enum Command {
    List(List),
}

/// List what is to change by itself in a room: ends of bans and timeouts, permissions
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    room: OneRoom,
    #[command(flatten)]
    format: Format,
}

impl Command {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let Self::List(List { room, format }) = self;
        let room = room.token(community);
        let planned: Vec<Planned> = match community.get(&format!("/room/{room}/futurePermissions")).await? {
            Ok(value) => community.shaped(value)?,
            Err(refusal) => {
                let mut report = Report::default();
                report.refused(&refusal, &format!("what is to change in {room}"), Right::Moderator);
                return Ok(report.exit_code());
            }
        };
        let id = |planned: &Planned| output::plain(planned.session_id.as_deref().unwrap_or_default());
        let line = |planned: &Planned| format!("{}  {}  {}", time(planned.at), id(planned), told::planned(planned));
        let nothing = format!("Nothing is to change in {room}.");
        told::list(*format, &planned, &nothing, id, |planned| json!(planned), line)?;
        Ok(ExitCode::SUCCESS)
    }
}
