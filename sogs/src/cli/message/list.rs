//! `sogs message list`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgGroup, Args};
use serde_json::{Value, json};
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;

use super::filter::Filter;
use super::words::{gist, remarks, said};
use crate::cli::beside::Server;
use crate::content::Decoded;
use crate::store::{FoundMessage, Standing};

/// List messages, the newest first
///
/// Without conditions those of all rooms. What a filter keeps from everybody and what was deleted is only listed when
/// asked for.
#[derive(Args)]
#[command(group = ArgGroup::new("standing"))]
pub(in crate::cli) struct List {
    #[command(flatten)]
    filter: Filter,
    /// Those that a filter keeps from everybody
    #[arg(long, group = "standing")]
    filtered: bool,
    /// Those that were deleted; what they said can be seen with `show` for a while
    #[arg(long, group = "standing")]
    deleted: bool,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    format: Format,
}

/// A message that is listed, and what it says.
pub(super) struct Line {
    message: FoundMessage,
    said: Option<Decoded>,
}

impl From<FoundMessage> for Line {
    fn from(message: FoundMessage) -> Self {
        let said = said(&message);
        let message = FoundMessage {
            data: message.data.map(|_| Vec::new()),
            ..message
        };
        Self { message, said }
    }
}

impl List {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let standing = match (self.filtered, self.deleted) {
            (true, _) => Standing::Filtered,
            (_, true) => Standing::Deleted,
            _ => Standing::Shown,
        };
        let mut hunt = self.filter.hunt(server, standing).await?;
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut lines: Vec<Line> = Vec::new();
        while lines.len() <= most
            && let Some(found) = hunt.next().await?
        {
            lines.extend(found.into_iter().map(Line::from));
        }
        let more = lines.len() > most;
        lines.truncate(most);
        print(self.format, &lines)?;
        match lines.last() {
            Some(last) if more => {
                let last = last.message.id;
                eprintln!("There are more messages: --before {last} goes on from there.");
            }
            _ => hunt.note_end(),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// How many letters of a text are shown in a table.
const EXCERPT: usize = 200;

/// Prints messages.
pub(super) fn print(format: Format, lines: &[Line]) -> Result<()> {
    let list = output::List {
        header: ["NUMBER", "POSTED", "ROOM", "AUTHOR", "NAME", "TEXT", "REMARKS"],
        row: &|line: &Line| {
            let Line { message, said } = line;
            let name = said.as_ref().and_then(|said| said.display_name.as_deref());
            [
                message.id.to_string(),
                output::time(Timestamp::from_nanos(message.posted)),
                message.room.clone(),
                message.author.clone(),
                output::excerpt(name.unwrap_or_default(), 30),
                output::excerpt(&gist(message, said.as_ref()), EXCERPT),
                remarks(message).join(", "),
            ]
        },
        object: &|line| object(&line.message, line.said.as_ref()),
        name: &|line| line.message.id.to_string(),
        nothing: "No such messages.",
    };
    list.print(format, lines)
}

/// What programs are told about a message.
pub(super) fn object(message: &FoundMessage, said: Option<&Decoded>) -> Value {
    let deleted = message.data.is_none();
    json!({
        "id": message.id,
        "room": message.room,
        "author": message.author,
        "posted": Timestamp::from_nanos(message.posted),
        "edited": message.edited.filter(|_| !deleted).map(Timestamp::from_nanos),
        "deleted": message.edited.filter(|_| deleted).map(Timestamp::from_nanos),
        "seqno": message.seqno,
        "filtered": message.filtered,
        "whisper_to": message.whisper_to,
        "whisper_mods": message.whisper_mods,
        "pinned": message.pinned,
        "files": message.files,
        "size": message.size,
        "name": said.and_then(|said| said.display_name.as_deref()),
        "text": said.and_then(|said| said.body.as_deref()),
    })
}
