//! `sogs remote mod`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use shared::cli::output::{self, Format};
use shared::crypto::UserId;

use super::place::{OneRoom, Where};
use super::report::Report;
use super::room::details;
use super::told;
use crate::remote::{Call, Community, Right, Room};

#[derive(Subcommand)]
pub(super) enum Command {
    Add(Add),
    Remove(Remove),
    List(List),
}

/// Make people moderators or admins
///
/// Somebody who is an admin already stays one. In rooms everybody can see who moderates, on the whole server only other
/// moderators can, unless --hidden or --visible says otherwise.
#[derive(Args)]
pub(super) struct Add {
    /// Ids, 05 or 15 and 64 more digits
    #[arg(required = true, value_name = "ID")]
    ids: Vec<UserId>,
    #[command(flatten)]
    place: Where,
    /// Make them admins
    #[arg(long)]
    admin: bool,
    /// Let only moderators see it
    #[arg(long, conflicts_with = "visible")]
    hidden: bool,
    /// Let everybody see it
    #[arg(long)]
    visible: bool,
}

/// Take the roles of people away
///
/// A role of the whole server and the roles in rooms are different things: each is taken away where it was given.
#[derive(Args)]
pub(super) struct Remove {
    /// Ids, 05 or 15 and 64 more digits
    #[arg(required = true, value_name = "ID")]
    ids: Vec<UserId>,
    #[command(flatten)]
    place: Where,
}

/// List the moderators and admins of a room
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    room: OneRoom,
    #[command(flatten)]
    format: Format,
}

impl Command {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        match self {
            Self::Add(add) => add.run(community).await,
            Self::Remove(remove) => remove.run(community).await,
            Self::List(list) => list.run(community).await,
        }
    }
}

impl Add {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let place = self.place.place(community);
        let mut fields = place.fields();
        fields.insert("moderator".to_owned(), json!(true));
        if self.admin {
            fields.insert("admin".to_owned(), json!(true));
        }
        if self.visible || self.hidden {
            fields.insert("visible".to_owned(), json!(self.visible));
        }
        let hidden = match (self.visible, self.hidden) {
            (true, _) => "visible ",
            (_, true) => "hidden ",
            _ => "",
        };
        let role = if self.admin { "admin" } else { "moderator" };
        let told = |id: &UserId| {
            (
                format!("{id} is a {hidden}{role} of {place} now"),
                format!("{id} was not made a {role} of {place}"),
            )
        };
        change(community, &self.ids, place.administrating(), fields, told).await
    }
}

impl Remove {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let place = self.place.place(community);
        let mut fields = place.fields();
        fields.insert("moderator".to_owned(), json!(false));
        fields.insert("admin".to_owned(), json!(false));
        let told = |id: &UserId| {
            (
                format!("{id} has no role in {place} any more"),
                format!("the role of {id} in {place} was not taken away"),
            )
        };
        change(community, &self.ids, place.administrating(), fields, told).await
    }
}

/// Changes roles, and tells with one of two texts what became of each.
async fn change(
    community: &Community,
    ids: &[UserId],
    needed: Right,
    fields: Map<String, Value>,
    told: impl Fn(&UserId) -> (String, String),
) -> Result<ExitCode> {
    let call = |id: &UserId| Call::post(format!("/user/{id}/moderator"), fields.clone().into());
    let calls: Vec<Call> = ids.iter().map(call).collect();
    let mut report = Report::default();
    for (id, outcome) in ids.iter().zip(community.change_all(&calls).await?) {
        let (done, tried) = told(id);
        report.outcome(&outcome, &done, &tried, needed);
    }
    Ok(report.exit_code())
}

impl List {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let token = self.room.token(community);
        let room = details(community, token).await?;
        let role = |(id, admin, visible): &(&str, bool, bool)| {
            let role = if *admin { "admin" } else { "moderator" };
            let visible = if *visible { "visible" } else { "hidden" };
            format!("{}  {visible} {role}", output::plain(id))
        };
        told::list(
            self.format,
            &holders(&room),
            &format!("Nobody moderates {token}, as far as you are told."),
            |(id, ..)| output::plain(id),
            |(id, admin, visible)| json!({ "id": id, "admin": admin, "visible": visible }),
            role,
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Everybody with a role: the id, whether they are an admin, whether everybody sees it.
fn holders(room: &Room) -> Vec<(&str, bool, bool)> {
    let lists = [
        (&room.admins, true, true),
        (&room.hidden_admins, true, false),
        (&room.moderators, false, true),
        (&room.hidden_moderators, false, false),
    ];
    lists
        .into_iter()
        .flat_map(|(ids, admin, visible)| ids.iter().map(move |id| (id.as_str(), admin, visible)))
        .collect()
}
