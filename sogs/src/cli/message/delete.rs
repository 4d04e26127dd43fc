//! `sogs message delete`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgGroup, Args};
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;

use super::filter::{Filter, Hunt};
use super::list::{Line, print};
use crate::cli::beside::Server;
use crate::cli::deletion::Deletion;
use crate::model::RoomNo;
use crate::store::{FoundMessage, Standing};

/// Delete messages, by their numbers or all of which some conditions hold
///
/// It does what a moderator does who deletes them in an app: clients take them away, their files expire and their pins
/// are gone. What is to be deleted is shown first. It goes step by step, so that the server goes on meanwhile; run it
/// again if it was broken off.
#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true)
    .args(["ids", "room", "author", "since", "until", "text", "filtered"]))]
pub(in crate::cli) struct Delete {
    /// Their numbers
    #[arg(value_name = "NUMBER", conflicts_with_all = ["room", "author", "since", "until", "text", "filtered", "before"])]
    ids: Vec<i64>,
    #[command(flatten)]
    filter: Filter,
    /// Those that a filter keeps from everybody
    #[arg(long)]
    filtered: bool,
    #[command(flatten)]
    deletion: Deletion,
}

/// How many messages are deleted in one transaction.
const STEP: usize = 500;

/// How many messages are shown before they are deleted.
const SHOWN: usize = 10;

/// What is to be deleted.
#[derive(Default)]
struct Doomed {
    /// By room.
    messages: BTreeMap<(String, RoomNo), Vec<i64>>,
    authors: BTreeSet<String>,
    first: Option<i64>,
    last: Option<i64>,
    /// The newest of them.
    shown: Vec<Line>,
    /// Whether some that were named cannot be deleted, which has been said.
    missed: bool,
}

impl Delete {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let doomed = if self.ids.is_empty() {
            let standing = if self.filtered {
                Standing::Filtered
            } else {
                Standing::Shown
            };
            Doomed::found(self.filter.hunt(server, standing).await?).await?
        } else {
            Doomed::named(server, &self.ids).await?
        };
        let code = if doomed.missed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
        let count = doomed.count();
        if count == 0 {
            println!("There is nothing to delete.");
            return Ok(code);
        }
        if !self.deletion.begins(&messages(count), || doomed.print())? {
            return Ok(code);
        }
        for ((token, room), ids) in &doomed.messages {
            let (mut deleted, mut recorded) = (0, Vec::new());
            for step in ids.chunks(STEP) {
                let mut write = server.change_because(&self.deletion.why).await?;
                write.go_on(recorded);
                deleted += write.delete_messages(*room, step).await?.len();
                recorded = write.commit().await?.recorded;
            }
            println!("deleted {} in {token}", messages(deleted));
        }
        server.store.database().close().await;
        Ok(code)
    }
}

fn messages(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} message{plural}")
}

impl Doomed {
    async fn found(mut hunt: Hunt) -> Result<Self> {
        let mut doomed = Self::default();
        while let Some(found) = hunt.next().await? {
            found.into_iter().for_each(|message| doomed.add(message));
        }
        hunt.note_end();
        Ok(doomed)
    }

    async fn named(server: &Server<'_>, ids: &[i64]) -> Result<Self> {
        let mut doomed = Self::default();
        let mut left: BTreeSet<i64> = ids.iter().copied().collect();
        let all: Vec<i64> = left.iter().rev().copied().collect();
        for step in all.chunks(100) {
            for message in server.store.messages_numbered(step).await? {
                left.remove(&message.id);
                if message.data.is_none() {
                    eprintln!("message {} is deleted already", message.id);
                } else {
                    doomed.add(message);
                }
            }
        }
        doomed.missed = !left.is_empty();
        for id in left {
            eprintln!("there is no message {id}");
        }
        Ok(doomed)
    }

    fn add(&mut self, message: FoundMessage) {
        let room = (message.room.clone(), RoomNo(message.room_no));
        self.messages.entry(room).or_default().push(message.id);
        self.authors.insert(message.author.clone());
        self.first = Some(self.first.map_or(message.posted, |first| first.min(message.posted)));
        self.last = self.last.max(Some(message.posted));
        if self.shown.len() < SHOWN {
            self.shown.push(message.into());
        }
    }

    fn count(&self) -> usize {
        self.messages.values().map(Vec::len).sum()
    }

    fn print(&self) -> Result<()> {
        let count = self.count();
        print(Format::default(), &self.shown)?;
        if count > self.shown.len() {
            println!(" … and {} more", count - self.shown.len());
        }
        let time = |nanos: Option<i64>| output::time(Timestamp::from_nanos(nanos.unwrap_or_default()));
        let people = match self.authors.len() {
            1 => "1 person".to_owned(),
            several => format!("{several} people"),
        };
        println!(
            "\n{} by {people}, posted {} to {}",
            messages(count),
            time(self.first),
            time(self.last)
        );
        for ((token, _), ids) in &self.messages {
            println!("  in {token}: {}", ids.len());
        }
        if let (1, Some(author)) = (self.authors.len(), self.authors.first()) {
            println!("  by {author}");
        }
        Ok(())
    }
}
