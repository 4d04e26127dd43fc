//! `sogs user list`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::json;
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;

use crate::cli::beside::Server;
use crate::store::{Listed, Order, UserRow};

/// List people, who was there last first
#[derive(Args)]
pub(in crate::cli) struct List {
    /// What to sort by
    #[arg(long, value_enum, default_value_t = Sort::Activity)]
    sort: Sort,
    /// How many; 0 for all, which is the default for --json and --quiet, while a table has 100
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    #[command(flatten)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Sort {
    /// Who was there last comes first
    Activity,
    /// Who posted the most comes first
    Posts,
    /// Whose messages and files take the most space comes first
    Storage,
}

impl From<Sort> for Order {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Activity => Self::Activity,
            Sort::Posts => Self::Posts,
            Sort::Storage => Self::Storage,
        }
    }
}

impl List {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let most = self.format.most(self.limit);
        let (count, people) = server.store.people(self.sort.into(), most).await?;
        let list = output::List {
            header: ["LAST SEEN", "FIRST SEEN", "POSTED", "WHOLE SERVER", "ID"],
            row: &|listed: &Listed| {
                let person = &listed.user;
                [
                    seen(person.last_seen()),
                    seen(person.first_seen(listed.posts)),
                    output::amount(listed.posts, listed.bytes),
                    standing(person).to_owned(),
                    person.session_id.clone(),
                ]
            },
            object: &|listed| {
                let person = &listed.user;
                json!({
                    "id": person.session_id,
                    "first_seen": person.first_seen(listed.posts),
                    "last_seen": person.last_seen(),
                    "banned": person.banned,
                    "moderator": person.moderator,
                    "admin": person.admin,
                    "visible": person.visible_mod,
                    "posts": listed.posts,
                    "bytes": listed.bytes,
                })
            },
            name: &|listed| listed.user.session_id.clone(),
            nothing: "Nobody has been here yet.",
        };
        list.print(self.format, &people)?;
        output::note_cut(people.len(), count, "people");
        Ok(ExitCode::SUCCESS)
    }
}

/// When somebody was here.
pub(super) fn seen(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), output::time)
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
