//! `sogs remote schedule`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use shared::cli::output;

use super::place::OneRoom;
use super::report::Report;
use super::told::{self, time};
use crate::remote::{Community, Planned, Right, line};

#[derive(Subcommand)]
pub(super) enum Command {
    List(List),
}

/// List what is to change by itself in a room: ends of bans and timeouts, permissions
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    room: OneRoom,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let Self::List(List { room, json }) = self;
        let room = room.token(community);
        let planned: Vec<Planned> = match community.get(&format!("/room/{room}/futurePermissions")).await? {
            Ok(value) => community.shaped(value)?,
            Err(refusal) => {
                let mut report = Report::default();
                report.refused(&refusal, &format!("what is to change in {room}"), Right::Moderator);
                return Ok(report.exit_code());
            }
        };
        if *json {
            output::json(&planned)?;
        } else if planned.is_empty() {
            println!("Nothing is to change in {room}.");
        } else {
            let rows = planned.iter().map(|planned| {
                let id = planned.session_id.as_deref().unwrap_or_default();
                [time(planned.at), line(id), told::planned(planned)]
            });
            output::table(["WHEN", "ID", "WHAT"], rows);
        }
        Ok(ExitCode::SUCCESS)
    }
}
