//! Which messages a command is about.

use anyhow::{Result, bail};
use clap::Args;

use super::words::Needle;
use crate::cli::beside::Server;
use crate::cli::moment::Moment;
use crate::cli::people::{Person, known};
use crate::cli::scope::{known_room, number, token};
use crate::model::RoomToken;
use crate::store::{FoundMessage, Search, Standing, Wanted};

/// Conditions, of which all must hold.
#[derive(Args)]
pub(super) struct Filter {
    /// In this room: its token, or enough of its beginning
    #[arg(long, value_name = "TOKEN", value_parser = token)]
    room: Option<RoomToken>,
    /// By this person: the id, 05 or 15 and 64 more digits, or enough of its beginning
    #[arg(long, value_name = "ID")]
    author: Option<Person>,
    /// Posted at this time or later: a day (2026-01-31), a moment (2026-01-31T18:00:00Z) or so long ago (2d)
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Posted before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// With this in it, in capitals or not: in the text, the sender's name, links or names of files
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// With a smaller number than this
    #[arg(long, value_name = "NUMBER")]
    before: Option<i64>,
    /// How many messages to look into at most where a text is looked for; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    examine: u32,
}

/// Messages that are being looked for.
pub(super) struct Hunt {
    search: Search,
    needle: Option<Needle>,
    /// How many may still be looked into.
    left: u64,
    most: u32,
    /// The last one that was looked into.
    last: Option<i64>,
    broken_off: bool,
}

impl Filter {
    /// Begins to look for messages of which this holds.
    pub(super) async fn hunt(&self, server: &Server<'_>, standing: Standing) -> Result<Hunt> {
        if self.text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            bail!("--text needs something to look for");
        }
        let now = server.clock.now();
        let room = match &self.room {
            Some(token) => Some(number(&known_room(server, token).await?)),
            None => None,
        };
        let authors = match &self.author {
            Some(author) => Some(known(server, author).await?),
            None => None,
        };
        let wanted = Wanted {
            room,
            authors: authors.map(|people| people.into_iter().map(|user| user.no).collect()),
            since: self.since.map(|moment| moment.at(now)),
            until: self.until.map(|moment| moment.at(now)),
            before: self.before,
            standing,
        };
        Ok(Hunt {
            search: server.store.search(wanted).await?,
            needle: self.text.as_deref().map(Needle::new),
            left: match self.examine {
                0 => u64::MAX,
                most => most.into(),
            },
            most: self.examine,
            last: None,
            broken_off: false,
        })
    }
}

impl Hunt {
    /// The next messages, the newest first; `None` at the end. It may be empty before.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<FoundMessage>>> {
        if self.broken_off {
            return Ok(None);
        }
        let Some(mut found) = self.search.next().await? else {
            return Ok(None);
        };
        let Some(needle) = &self.needle else {
            return Ok(Some(found));
        };
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        self.broken_off = found.len() > left;
        found.truncate(left);
        self.left -= found.len() as u64;
        self.last = found.last().map(|message| message.id).or(self.last);
        found.retain(|message| needle.is_in(message));
        Ok(Some(found))
    }

    /// Says on the error output if messages were left unexamined.
    pub(super) fn note_end(&self) {
        if let (true, Some(last)) = (self.broken_off, self.last) {
            eprintln!(
                "Stopped after looking into {} messages; --before {last} goes on from there, --examine looks into more.",
                self.most
            );
        }
    }
}
