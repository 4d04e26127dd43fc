//! `sogs remote reaction`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shared::cli::output;

use super::message::one;
use super::place::OneRoom;
use super::report::Report;
use super::told;
use crate::cli::confirm::confirm;
use crate::remote::{Call, Community, Right};

#[derive(Subcommand)]
pub(super) enum Command {
    List(List),
    Delete(Delete),
}

/// List the reactions to a message, and some of those who reacted
#[derive(Args)]
pub(super) struct List {
    /// The number of the message
    message: u64,
    #[command(flatten)]
    room: OneRoom,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Delete reactions to a message, whoever reacted
#[derive(Args)]
pub(super) struct Delete {
    /// The number of the message
    message: u64,
    /// The reactions, such as 🍍; all of them if none is named
    #[arg(value_name = "REACTION")]
    reactions: Vec<String>,
    #[command(flatten)]
    room: OneRoom,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Command {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        match self {
            Self::List(list) => list.run(community).await,
            Self::Delete(delete) => delete.run(community).await,
        }
    }
}

impl List {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let message = one(community, self.room.token(community), self.message).await?;
        if self.json {
            output::json(&message.reactions)?;
        } else if message.reactions.is_empty() {
            println!("Nobody reacted.");
        } else {
            for (reaction, people) in &message.reactions {
                println!("{}  {}", output::plain(reaction), people.count);
                for id in &people.reactors {
                    println!("    {}", output::plain(id));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Delete {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let (room, id) = (self.room.token(community), self.message);
        let message = one(community, room, id).await?;
        println!("{}", told::message(&message));
        for (reaction, people) in &message.reactions {
            println!("    {} {}", output::plain(reaction), people.count);
        }
        let path = format!("/room/{room}/reactions/{id}");
        let calls: Vec<(String, Call)> = if self.reactions.is_empty() {
            vec![("all reactions".to_owned(), Call::delete(path))]
        } else {
            let call = |reaction: &String| {
                let encoded = utf8_percent_encode(reaction, NON_ALPHANUMERIC);
                (output::plain(reaction), Call::delete(format!("{path}/{encoded}")))
            };
            self.reactions.iter().map(call).collect()
        };
        let (names, calls): (Vec<String>, Vec<Call>) = calls.into_iter().unzip();
        confirm(self.yes, &format!("Delete {} to this message?", names.join(", ")))?;
        let mut report = Report::default();
        for (name, outcome) in names.iter().zip(community.change_all(&calls).await?) {
            let count = outcome.as_ref().ok().and_then(|value| value["removed"].as_i64());
            let count = count.map(|count| format!(" ({count})")).unwrap_or_default();
            let done = format!("deleted {name} to message {id}{count}");
            report.outcome(
                &outcome,
                &done,
                &format!("{name} to message {id}: not deleted"),
                Right::Moderator,
            );
        }
        Ok(report.exit_code())
    }
}
