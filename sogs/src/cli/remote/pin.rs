//! `sogs remote pin`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};
use shared::cli::output::{self, Format};

use super::place::OneRoom;
use super::report::Report;
use super::room::details;
use super::told::{self, time};
use crate::cli::confirm::confirm;
use crate::model::RoomToken;
use crate::remote::{Call, Community, Message, Pin, Right};

#[derive(Subcommand)]
pub(super) enum Command {
    List(List),
    Add(Add),
    Remove(Remove),
}

/// List the pinned messages of a room
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    room: OneRoom,
    #[command(flatten)]
    format: Format,
}

/// Pin messages; one that is pinned already moves to the end
#[derive(Args)]
pub(super) struct Add {
    /// Their numbers
    #[arg(required = true, value_name = "NUMBER")]
    messages: Vec<u64>,
    #[command(flatten)]
    room: OneRoom,
}

/// Take pins away
#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(super) struct Remove {
    /// The numbers of the messages
    #[arg(value_name = "NUMBER", group = "which")]
    messages: Vec<u64>,
    /// All pins of the room
    #[arg(long, group = "which")]
    all: bool,
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
            Self::Add(add) => add.run(community).await,
            Self::Remove(remove) if remove.all => remove.all(community).await,
            Self::Remove(remove) => remove.some(community).await,
        }
    }
}

impl List {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let room = self.room.token(community);
        let pins = details(community, room).await?.pinned_messages;
        if self.format.is_table() && !pins.is_empty() {
            show(community, room, &pins).await?;
        } else {
            let nothing = format!("Nothing is pinned in {room}.");
            told::list(self.format, &pins, &nothing, number, |pin| json!(pin), number)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn number(pin: &Pin) -> String {
    pin.id.to_string()
}

/// The pinned messages with their texts.
async fn show(community: &Community, room: &RoomToken, pins: &[Pin]) -> Result<()> {
    let calls: Vec<Call> = pins
        .iter()
        .map(|pin| Call::get(format!("/room/{room}/message/{}", pin.id)))
        .collect();
    for (pin, outcome) in pins.iter().zip(community.get_all(&calls).await?) {
        let message: Option<Message> = outcome.ok().and_then(|value| serde_json::from_value(value).ok());
        match message {
            Some(message) => println!("{}", told::message(&message)),
            None => println!("{}  (not to be seen)", pin.id),
        }
        println!(
            "    pinned {} by {}",
            time(pin.pinned_at),
            output::plain(&pin.pinned_by)
        );
    }
    Ok(())
}

impl Add {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let room = self.room.token(community);
        let call = |id: &u64| Call::post(format!("/room/{room}/pin/{id}"), json!({}));
        let calls: Vec<Call> = self.messages.iter().map(call).collect();
        let mut report = Report::default();
        for (id, outcome) in self.messages.iter().zip(community.change_all(&calls).await?) {
            let tried = format!("message {id} was not pinned");
            report.outcome(
                &outcome,
                &format!("pinned message {id} in {room}"),
                &tried,
                Right::Admin,
            );
        }
        Ok(report.exit_code())
    }
}

impl Remove {
    async fn some(&self, community: &Community) -> Result<ExitCode> {
        let room = self.room.token(community);
        let call = |id: &u64| Call::post(format!("/room/{room}/unpin/{id}"), json!({}));
        let calls: Vec<Call> = self.messages.iter().map(call).collect();
        let mut report = Report::default();
        for (id, outcome) in self.messages.iter().zip(community.change_all(&calls).await?) {
            let was = |value: &Value| value["unpinned"] != json!(false);
            let done = match &outcome {
                Ok(value) if !was(value) => format!("message {id} is not pinned in {room}"),
                _ => format!("message {id} is not pinned in {room} any more"),
            };
            report.outcome(&outcome, &done, &format!("message {id} is still pinned"), Right::Admin);
        }
        Ok(report.exit_code())
    }

    async fn all(&self, community: &Community) -> Result<ExitCode> {
        let room = self.room.token(community);
        let pins = details(community, room).await?.pinned_messages;
        if pins.is_empty() {
            println!("Nothing is pinned in {room}.");
            return Ok(ExitCode::SUCCESS);
        }
        show(community, room, &pins).await?;
        confirm(self.yes, &format!("Take all these pins of {room} away?"))?;
        let call = Call::post(format!("/room/{room}/unpin/all"), json!({}));
        let mut report = Report::default();
        for outcome in community.change_all(&[call]).await? {
            let done = format!("nothing is pinned in {room} any more");
            report.outcome(&outcome, &done, "the pins are still there", Right::Admin);
        }
        Ok(report.exit_code())
    }
}
