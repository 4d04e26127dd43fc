//! `sogs user list`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use shared::cli::output;
use shared::clock::Timestamp;

use crate::cli::beside::Server;
use crate::store::UserRow;

/// List the people who were there last
#[derive(Args)]
pub(in crate::cli) struct List {
    /// How many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let limit = if self.limit == 0 {
            i64::MAX
        } else {
            i64::from(self.limit)
        };
        let (count, people) = server.store.people(limit).await?;
        if self.json {
            let all = people.iter().map(|person| {
                json!({
                    "id": person.session_id,
                    "first_seen": Timestamp::from_nanos(person.created),
                    "last_seen": Timestamp::from_nanos(person.last_active),
                    "banned": person.banned,
                    "moderator": person.moderator,
                    "admin": person.admin,
                    "visible": person.visible_mod,
                })
            });
            output::json(&all.collect::<Vec<_>>())?;
            return Ok(ExitCode::SUCCESS);
        }
        let shown = people.len();
        let rows = people.into_iter().map(|person| {
            [
                output::time(Timestamp::from_nanos(person.last_active)),
                output::time(Timestamp::from_nanos(person.created)),
                standing(&person).to_owned(),
                person.session_id,
            ]
        });
        output::table(["LAST SEEN", "FIRST SEEN", "WHOLE SERVER", "ID"], rows);
        println!("\n{shown} of {count} people; --limit shows more.");
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
