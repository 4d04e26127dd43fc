//! `sogs remote message`.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::cli::output::{self, Format};
use shared::crypto::UserId;

use super::place::OneRoom;
use super::report::Report;
use super::told::{self, is_same, time};
use crate::cli::confirm::confirm;
use crate::model::RoomToken;
use crate::remote::{Call, Community, Message, Outcome, Right};

#[derive(Subcommand)]
pub(super) enum Command {
    List(List),
    Show(Show),
    Delete(Delete),
}

/// List the latest messages of a room, the newest first
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    room: OneRoom,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 30)]
    limit: usize,
    /// With a smaller number than this
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// By this person: the id, 05 or 15 and 64 more digits
    #[arg(long, value_name = "ID")]
    author: Option<UserId>,
    /// With this in it, in capitals or not: in the text, the sender's name, links or names of files
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Show a message: the whole text, attachments, reactions
#[derive(Args)]
pub(super) struct Show {
    /// Its number
    message: u64,
    #[command(flatten)]
    room: OneRoom,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Delete messages, whoever wrote them
#[derive(Args)]
pub(super) struct Delete {
    /// Their numbers
    #[arg(required = true, value_name = "NUMBER")]
    messages: Vec<u64>,
    #[command(flatten)]
    room: OneRoom,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// As many messages as servers show at once.
const PAGE: usize = 256;

/// As many pages as are looked through for messages that fit.
const PAGES: usize = 20;

impl Command {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        match self {
            Self::List(list) => list.run(community).await,
            Self::Show(show) => show.run(community).await,
            Self::Delete(delete) => delete.run(community).await,
        }
    }
}

impl List {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let messages = self.find(community).await?;
        let name = |message: &Message| message.id.to_string();
        told::list(self.format, &messages, "No such messages.", name, object, told::message)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn find(&self, community: &Community) -> Result<Vec<Message>> {
        let room = self.room.token(community);
        let wanted = self.text.as_ref().map(|text| text.to_lowercase());
        let filters = self.author.is_some() || wanted.is_some();
        let mut found = Vec::new();
        let mut before = self.before;
        for _ in 0..PAGES {
            let limit = if filters {
                PAGE
            } else {
                PAGE.min(self.limit - found.len())
            };
            let page = page(community, room, before, limit).await?;
            let fewer = page.len() < limit;
            before = page.last().and_then(|message| u64::try_from(message.id).ok());
            let fits = |message: &Message| {
                let by = self.author.as_ref();
                let by = by.is_none_or(|author| is_same(community, author, &message.session_id));
                by && wanted.as_ref().is_none_or(|wanted| contains(message, wanted))
            };
            found.extend(page.into_iter().filter(fits));
            if fewer || before.is_none() || found.len() >= self.limit {
                break;
            }
        }
        found.truncate(self.limit);
        Ok(found)
    }
}

/// Messages, the newest first.
async fn page(community: &Community, room: &RoomToken, before: Option<u64>, limit: usize) -> Result<Vec<Message>> {
    let which = before.map_or_else(|| "recent".to_owned(), |id| format!("before/{id}"));
    let path = format!("/room/{room}/messages/{which}?limit={limit}");
    match community.get(&path).await? {
        Ok(value) => Ok(community.shaped(value)?),
        Err(refusal) => Err(anyhow!("{}", refusal.explained(Right::Reader))),
    }
}

fn contains(message: &Message, wanted: &str) -> bool {
    let decoded = message.decoded();
    decoded.is_some_and(|decoded| decoded.texts().any(|text| text.to_lowercase().contains(wanted)))
}

/// What programs are told about a message.
fn object(message: &Message) -> Value {
    let decoded = message.decoded();
    let files = decoded.iter().flat_map(|decoded| &decoded.attachments);
    let files: Vec<Value> = files
        .map(|file| json!({ "name": file.file_name, "type": file.content_type, "size": file.size, "url": file.url }))
        .collect();
    json!({
        "id": message.id,
        "author": message.session_id,
        "name": decoded.as_ref().and_then(|decoded| decoded.display_name.as_ref()),
        "posted": message.posted,
        "edited": message.edited,
        "whisper": message.whisper,
        "text": decoded.as_ref().and_then(|decoded| decoded.body.as_ref()),
        "files": files,
        "reactions": message.reactions,
    })
}

/// A message of a room.
pub(super) async fn one(community: &Community, room: &RoomToken, id: u64) -> Result<Message> {
    match community.get(&format!("/room/{room}/message/{id}")).await? {
        Ok(value) => Ok(community.shaped(value)?),
        Err(refusal) => Err(anyhow!("message {id}: {}", refusal.explained(Right::Reader))),
    }
}

impl Show {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let message = one(community, self.room.token(community), self.message).await?;
        if self.json {
            output::json(&object(&message))?;
            return Ok(ExitCode::SUCCESS);
        }
        let name = message.author_name();
        println!("message    {}", message.id);
        println!("author     {} {name}", output::plain(&message.session_id));
        println!("posted     {}", time(message.posted));
        if message.edited.is_some() {
            println!("edited     {}", time(message.edited));
        }
        for (reaction, people) in &message.reactions {
            println!("reaction   {} {}", output::plain(reaction), people.count);
        }
        let decoded = message.decoded().unwrap_or_default();
        for file in &decoded.attachments {
            let [name, kind] =
                [&file.file_name, &file.content_type].map(|text| output::plain(text.as_deref().unwrap_or("?")));
            println!("file       {name} ({kind})");
        }
        println!(
            "\n{}",
            told::lines(decoded.body.as_deref().unwrap_or("(no text)")).join("\n")
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl Delete {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let room = self.room.token(community);
        let path = |id: &u64| format!("/room/{room}/message/{id}");
        let mut report = Report::default();
        let mut there = Vec::new();
        let looks: Vec<Call> = self.messages.iter().map(|id| Call::get(path(id))).collect();
        for (id, outcome) in self.messages.iter().zip(community.get_all(&looks).await?) {
            match show(outcome, community)? {
                Ok(()) => there.push(*id),
                Err(refusal) => report.refused(&refusal, &format!("message {id}"), Right::Reader),
            }
        }
        if there.is_empty() {
            return Ok(report.exit_code());
        }
        let what = if there.len() == 1 {
            "this message"
        } else {
            "these messages"
        };
        confirm(self.yes, &format!("Delete {what} in {room}?"))?;
        let calls: Vec<Call> = there.iter().map(|id| Call::delete(path(id))).collect();
        for (id, outcome) in there.iter().zip(community.change_all(&calls).await?) {
            let tried = format!("message {id} was not deleted");
            report.outcome(
                &outcome,
                &format!("deleted message {id} in {room}"),
                &tried,
                Right::Moderator,
            );
        }
        Ok(report.exit_code())
    }
}

/// Shows what is about to go.
fn show(outcome: Outcome, community: &Community) -> Result<Result<(), crate::remote::Refusal>> {
    Ok(match outcome {
        Ok(value) => {
            println!("{}", told::message(&community.shaped(value)?));
            Ok(())
        }
        Err(refusal) => Err(refusal),
    })
}
