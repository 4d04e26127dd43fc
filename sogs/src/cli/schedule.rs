//! `sogs schedule`: bans and permissions that begin or end at a time.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;

use super::beside::Server;
use super::confirm::confirm;
use super::people::{Person, known};
use super::scope::{Scope, place};
use super::user::permission;
use super::why::Why;
use crate::settings::Settings;
use crate::store::{Appointment, AppointmentNo};

#[derive(Subcommand)]
pub(super) enum Command {
    List(List),
    Cancel(Cancel),
}

/// List what is to happen, the next first: of everything if no place is named
#[derive(Args)]
#[command(mut_group("Scope", |group| group.required(false)))]
pub(super) struct List {
    #[command(flatten)]
    scope: Option<Scope>,
    /// To this person: the id, 05 or 15 and 64 more digits, or enough of its beginning
    #[arg(long, value_name = "ID")]
    user: Option<Person>,
    #[command(flatten)]
    format: Format,
}

/// Cancel what is to happen
///
/// All stays as it is then: a ban whose end is cancelled lasts for good.
#[derive(Args)]
pub(super) struct Cancel {
    /// Numbers, as the list has them
    #[arg(required = true, value_name = "NUMBER")]
    numbers: Vec<AppointmentNo>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    why: Why,
}

impl Command {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let server = Server::open(settings).await?;
        match self {
            Self::List(list) => list.run(&server).await,
            Self::Cancel(cancel) => cancel.run(&server).await,
        }
    }
}

impl List {
    async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let mut schedule = server.store.schedule().await?;
        if let Some(scope) = &self.scope {
            let places = scope.included(server).await?;
            schedule.retain(|one| places.has(one.room.as_deref()));
        }
        if let Some(user) = &self.user {
            let people = known(server, user).await?;
            schedule.retain(|one| people.iter().any(|person| person.session_id == one.session_id));
        }
        let list = output::List {
            header: ["NUMBER", "AT", "WHERE", "WHO", "WHAT"],
            row: &|one: &Appointment| {
                [
                    one.no().to_string(),
                    at(one),
                    place(one.room.as_deref()),
                    one.session_id.clone(),
                    what(one),
                ]
            },
            object: &object,
            name: &|one| one.no().to_string(),
            nothing: "Nothing is to happen.",
        };
        list.print(self.format, &schedule)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Cancel {
    async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let schedule = server.store.schedule().await?;
        let mut numbers = self.numbers.clone();
        numbers.sort_unstable();
        numbers.dedup();
        let mut lines = Vec::new();
        for number in &numbers {
            match schedule.iter().find(|one| one.no() == *number) {
                Some(one) => lines.push(told(one)),
                None => {
                    bail!("there is no {number}; nothing was cancelled, and `sogs schedule list` lists what there is")
                }
            }
        }
        if !self.yes {
            for line in &lines {
                println!("{line}");
            }
        }
        confirm(self.yes, "Cancel this?")?;
        let mut write = server.change_because(&self.why).await?;
        for number in &numbers {
            if !write.cancel(*number).await? {
                bail!("{number} has happened or was cancelled in between, so nothing was cancelled");
            }
        }
        let lines: Vec<String> = lines.into_iter().map(|line| format!("cancelled {line}")).collect();
        server.commit(write, &lines).await
    }
}

fn at(one: &Appointment) -> String {
    output::time(Timestamp::from_nanos(one.at))
}

/// What is to happen to somebody.
fn what(one: &Appointment) -> String {
    match one.banned {
        Some(true) => return "is banned".to_owned(),
        Some(false) => return "is no longer banned".to_owned(),
        None => {}
    }
    let flags = [("read", one.read), ("write", one.write), ("upload", one.upload)];
    let set = flags.into_iter().filter(|(_, flag)| flag.is_some());
    set.map(|(name, flag)| permission(name, flag))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The whole of it on one line.
fn told(one: &Appointment) -> String {
    let place = one
        .room
        .as_deref()
        .map_or_else(|| "the whole server".to_owned(), |room| format!("the room {room}"));
    format!(
        "{}: at {} {} in {place}: {}",
        one.no(),
        at(one),
        one.session_id,
        what(one)
    )
}

fn object(one: &Appointment) -> Value {
    json!({
        "number": one.no().to_string(),
        "at": Timestamp::from_nanos(one.at),
        "room": one.room,
        "id": one.session_id,
        "banned": one.banned,
        "read": one.read,
        "write": one.write,
        "upload": one.upload,
    })
}
