//! `sogs user list`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;

use crate::cli::beside::Server;
use crate::store::UserRow;

/// List the people who were there last
#[derive(Args)]
pub(in crate::cli) struct List {
    /// How many; 0 for all, which is the default for --json and --quiet, while a table has 100
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    #[command(flatten)]
    format: Format,
}

impl List {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let (count, people) = server.store.people(self.format.most(self.limit)).await?;
        let seen = |nanos: i64| Timestamp::from_nanos(nanos);
        let list = output::List {
            header: ["LAST SEEN", "FIRST SEEN", "WHOLE SERVER", "ID"],
            row: &|person: &UserRow| {
                [
                    output::time(seen(person.last_active)),
                    output::time(seen(person.created)),
                    standing(person).to_owned(),
                    person.session_id.clone(),
                ]
            },
            object: &|person| {
                json!({
                    "id": person.session_id,
                    "first_seen": seen(person.created),
                    "last_seen": seen(person.last_active),
                    "banned": person.banned,
                    "moderator": person.moderator,
                    "admin": person.admin,
                    "visible": person.visible_mod,
                })
            },
            name: &|person| person.session_id.clone(),
            nothing: "Nobody has been here yet.",
        };
        list.print(self.format, &people)?;
        output::note_cut(people.len(), count, "people");
        Ok(ExitCode::SUCCESS)
    }
}

/// What somebody is on the whole server.
pub(super) fn standing(person: &UserRow) -> &'static str {
    match (person.banned, person.moderator, person.admin, person.visible_mod) {
        (true, ..) => "banned",
        (_, _, true, true) => "visible admin",
        (_, _, true, false) => "hidden admin",
        (_, true, _, true) => "visible moderator",
        (_, true, _, false) => "hidden moderator",
        _ => "",
    }
}
