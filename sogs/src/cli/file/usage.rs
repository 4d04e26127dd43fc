//! `sogs file usage`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;

use crate::cli::beside::Server;
use crate::cli::scope::{known_room, number, token};
use crate::model::RoomToken;
use crate::store::FileUsage;

/// Show what the files of each room or of each person take up, the most first
#[derive(Args)]
pub(in crate::cli) struct Usage {
    /// Of each person instead of each room
    #[arg(long)]
    by_user: bool,
    /// Only files of this room: its token, or enough of its beginning
    #[arg(long, value_name = "TOKEN", value_parser = token, requires = "by_user")]
    room: Option<RoomToken>,
    /// How many lines; 0 for all, which is the default for --json and --quiet, while a table has 100
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    #[command(flatten)]
    format: Format,
}

impl Usage {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let now = server.clock.now();
        let mut usage = match (self.by_user, &self.room) {
            (false, _) => server.store.file_usage_by_room(now).await?,
            (true, None) => server.store.file_usage_by_person(None, now).await?,
            (true, Some(token)) => {
                let room = number(&known_room(server, token).await?);
                server.store.file_usage_by_person(Some(room), now).await?
            }
        };
        let count = i64::try_from(usage.len()).unwrap_or(i64::MAX);
        let (files, bytes) = usage.iter().fold((0_i64, 0_i64), |(files, bytes), one| {
            (files + one.files, bytes.saturating_add(one.bytes))
        });
        usage.truncate(usize::try_from(self.format.most(self.limit)).unwrap_or(usize::MAX));
        if self.format.quiet {
            usage.retain(|one| one.name.is_some());
        }
        self.print(&usage)?;
        if self.format.is_table() && !usage.is_empty() {
            println!("\nTogether: {}", output::amount(files, bytes));
        }
        if !self.format.quiet {
            output::note_cut(usage.len(), count, if self.by_user { "people" } else { "rooms" });
        }
        Ok(ExitCode::SUCCESS)
    }

    fn print(&self, usage: &[FileUsage]) -> Result<()> {
        let (heading, key) = if self.by_user {
            ("UPLOADER", "id")
        } else {
            ("ROOM", "room")
        };
        let oldest = |one: &FileUsage| Timestamp::from_nanos(one.oldest);
        let list = output::List {
            header: [heading, "FILES", "BYTES", "OLDEST"],
            row: &|one: &FileUsage| {
                [
                    one.name.clone().unwrap_or_else(|| "(none)".to_owned()),
                    one.files.to_string(),
                    output::size(one.bytes.unsigned_abs()),
                    output::time(oldest(one)),
                ]
            },
            object: &|one| json!({ key: one.name, "files": one.files, "bytes": one.bytes, "oldest": oldest(one) }),
            name: &|one| one.name.clone().unwrap_or_default(),
            nothing: "There are no files.",
        };
        list.print(self.format, usage)
    }
}
