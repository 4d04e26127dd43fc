//! `sogs mod`: moderators and admins.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::cli::output::{self, Format};
use shared::crypto::UserId;

use super::beside::Server;
use super::people::{Person, by, explain, ids};
use super::scope::{Place, Scope, place, together};
use super::why::Why;
use crate::model::{Role, RoleChange};
use crate::settings::Settings;
use crate::store::{RoleChanged, RoleHolder, Write};

#[derive(Subcommand)]
pub(super) enum Command {
    Add(Add),
    Remove(Remove),
    List(List),
}

/// Make people moderators or admins
///
/// Somebody who is an admin already stays one. In rooms everybody can see who moderates, on the whole server only other
/// moderators can, unless --hidden or --visible says otherwise. Whoever has not been there yet gets the role when they
/// come.
#[derive(Args)]
pub(super) struct Add {
    /// Ids, 05 or 15 and 64 more digits; of people who have been here the beginning will do
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Person>,
    #[command(flatten)]
    scope: Scope,
    /// Make them admins
    #[arg(long)]
    admin: bool,
    /// Let only moderators see it
    #[arg(long, conflicts_with = "visible")]
    hidden: bool,
    /// Let everybody see it
    #[arg(long)]
    visible: bool,
    #[command(flatten)]
    why: Why,
}

/// Take the roles of people away
///
/// A role of the whole server and the roles in rooms are different things: each is taken away where it was given.
#[derive(Args)]
pub(super) struct Remove {
    /// Ids, 05 or 15 and 64 more digits; of people who have been here the beginning will do
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Person>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    why: Why,
}

/// List moderators and admins, of everything if no place is named
#[derive(Args)]
#[command(mut_group("Scope", |group| group.required(false)))]
pub(super) struct List {
    #[command(flatten)]
    scope: Option<Scope>,
    #[command(flatten)]
    format: Format,
}

impl Command {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let server = Server::open(settings).await?;
        match self {
            Self::Add(add) => add.run(&server).await,
            Self::Remove(remove) => remove.run(&server).await,
            Self::List(list) => list.run(&server).await,
        }
    }
}

/// How a role is told.
fn told(admin: bool, visible: bool) -> &'static str {
    match (visible, admin) {
        (true, true) => "visible admin",
        (true, false) => "visible moderator",
        (false, true) => "hidden admin",
        (false, false) => "hidden moderator",
    }
}

fn role(role: Role) -> &'static str {
    told(role.admin, role.visible)
}

impl Add {
    async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let visible = match (self.visible, self.hidden) {
            (false, false) => None,
            (visible, _) => Some(visible),
        };
        let change = if self.admin {
            RoleChange::Admin { visible }
        } else {
            RoleChange::Moderator { visible }
        };
        let ids = ids(server, &self.ids).await?;
        let mut write = server.change_because(&self.why).await?;
        let lines = change_roles(&mut write, &ids, &self.scope, change).await?;
        server.commit(write, &lines).await
    }
}

impl Remove {
    async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let ids = ids(server, &self.ids).await?;
        let mut write = server.change_because(&self.why).await?;
        let lines = change_roles(&mut write, &ids, &self.scope, RoleChange::Nothing).await?;
        server.commit(write, &lines).await
    }
}

async fn change_roles(write: &mut Write, ids: &[UserId], scope: &Scope, change: RoleChange) -> Result<Vec<String>> {
    let places = scope.find(write).await?;
    write.lock_people(ids, &together(&places)).await?;
    let mut lines = Vec::new();
    for id in ids {
        for place in &places {
            let changed = write
                .change_role(id, &place.scope(), change)
                .await
                .map_err(|error| explain(error, id, place))?;
            lines.extend(outcome(&changed, id, place, change));
        }
    }
    Ok(lines)
}

/// What became of the roles of all that an id stands for.
fn outcome(changed: &[RoleChanged], given: &UserId, place: &Place, change: RoleChange) -> Vec<String> {
    let had = |one: &&RoleChanged| change.appoints() || one.before.moderator;
    let lines: Vec<String> = changed.iter().filter(had).map(|one| line(one, given, place)).collect();
    if lines.is_empty() {
        return vec![format!("{given} has no role in {place}")];
    }
    lines
}

fn line(changed: &RoleChanged, given: &UserId, place: &Place) -> String {
    let RoleChanged { before, now, .. } = changed;
    let person = by(&changed.session_id, given);
    if !now.moderator {
        format!("removed {person} as {} of {place}", role(*before))
    } else if before == now {
        format!("{person} is a {} of {place} already", role(*now))
    } else {
        format!("made {person} a {} of {place}", role(*now))
    }
}

impl List {
    async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let mut holders = server.store.role_holders().await?;
        if let Some(scope) = &self.scope {
            let places = scope.included(server).await?;
            holders.retain(|holder| places.has(holder.room.as_deref()));
        }
        let list = output::List {
            header: ["ROOM", "ID", "ROLE"],
            row: &|holder: &RoleHolder| {
                [
                    place(holder.room.as_deref()),
                    holder.session_id.clone(),
                    told(holder.admin, holder.visible).to_owned(),
                ]
            },
            object: &object,
            name: &|holder| holder.session_id.clone(),
            nothing: "Nobody; `sogs mod add ID --global --admin` makes an admin of everything.",
        };
        list.print(self.format, &holders)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn object(holder: &RoleHolder) -> Value {
    json!({
        "id": holder.session_id,
        "room": holder.room,
        "admin": holder.admin,
        "visible": holder.visible,
    })
}
