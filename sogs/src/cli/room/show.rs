//! `sogs room list` and `sogs room show`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;

use super::set::rate_limit;
use crate::cli::beside::Server;
use crate::cli::letters::signed;
use crate::cli::scope::{known_room, number, title, token};
use crate::model::{Defaults, RoomToken, WebPart};
use crate::store::{ACTIVE_DAYS, RoomRole, RoomRow, RoomSurvey};

/// List all rooms with their links
#[derive(Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    format: Format,
}

/// Show a room: its link, what is in it, who reads and who moderates it
#[derive(Args)]
pub(in crate::cli) struct Show {
    /// The room: its token, or enough of its beginning
    #[arg(value_parser = token)]
    token: RoomToken,
    /// Show instead what everybody may, who may more or less and why, and who is banned
    #[arg(long)]
    rights: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let surveys = server.store.survey(None, server.clock.now()).await?;
        let list = output::List {
            header: ["TOKEN", "NAME", "MESSAGES", "ACTIVE (7 DAYS)", "EVERYBODY"],
            row: &|survey: &RoomSurvey| {
                [
                    survey.room.token.clone(),
                    survey.room.name.clone(),
                    output::amount(survey.messages.count, survey.messages.bytes),
                    survey.active[1].to_string(),
                    signed(defaults(&survey.room)),
                ]
            },
            object: &|survey| object(survey, server),
            name: &|survey| survey.room.token.clone(),
            nothing: "There are no rooms; `sogs room add TOKEN --name NAME` makes one.",
        };
        list.print(self.format, &surveys)?;
        if self.format.is_table() && !surveys.is_empty() {
            println!();
            for survey in &surveys {
                println!("{}", server.link(&survey.room.token));
            }
        }
        if !self.format.quiet && !surveys.is_empty() {
            server.warn_of_links();
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        if self.rights {
            return super::rights::show(server, &self.token, self.json).await;
        }
        let survey = survey(server, &known_room(server, &self.token).await?).await?;
        let everywhere = everywhere(server).await?;
        if self.json {
            let mut object = object(&survey, server);
            if let Value::Object(keys) = &mut object {
                keys.insert("global_moderators".to_owned(), everywhere.iter().map(role).collect());
            }
            output::json(&object)?;
        } else {
            print(&survey, server);
            if !everywhere.is_empty() {
                println!("everywhere     {}", counts(&everywhere));
                tell(&everywhere);
            }
        }
        server.warn_of_links();
        Ok(ExitCode::SUCCESS)
    }
}

/// A room and what is in it.
///
/// The room is found by its number: tokens of communities that were moved here may be longer than any that is made here.
pub(super) async fn survey(server: &Server<'_>, room: &RoomRow) -> Result<RoomSurvey> {
    let found = server.store.survey(Some(number(room)), server.clock.now()).await?;
    let gone = || format!("{} was deleted in between", title(room));
    found.into_iter().next().with_context(gone)
}

/// Who moderates the whole server, and with it the room.
async fn everywhere(server: &Server<'_>) -> Result<Vec<RoomRole>> {
    let rows = server.store.global_moderators().await?.into_iter();
    let roles = rows.map(|row| RoomRole {
        session_id: row.session_id,
        admin: row.admin,
        visible: row.visible_mod,
    });
    Ok(roles.collect())
}

/// Prints it for people.
pub(super) fn print(survey: &RoomSurvey, server: &Server<'_>) {
    let room = &survey.room;
    println!("{}\n", title(room));
    println!("link           {}", server.link(&room.token));
    if let Some(text) = room.description.as_deref().filter(|text| !text.is_empty()) {
        println!("description    {}", text.replace('\n', "\n               "));
    }
    println!("created        {}", output::time(Timestamp::from_nanos(room.created)));
    println!(
        "messages       {}",
        output::amount(survey.messages.count, survey.messages.bytes)
    );
    println!(
        "attachments    {}",
        output::amount(survey.files.count, survey.files.bytes)
    );
    let top = survey.top_reactions.iter();
    let top: Vec<String> = top.map(|(reaction, count)| format!("{reaction} {count}")).collect();
    let colon = if top.is_empty() { "" } else { ": " };
    println!("reactions      {}{colon}{}", survey.reactions, top.join(", "));
    let active = survey.active.iter().zip(ACTIVE_DAYS);
    let active: Vec<String> = active.map(|(count, days)| format!("{count} ({days}d)")).collect();
    println!("active people  {}", active.join(", "));
    println!("everybody      {}", signed(defaults(room)));
    println!("rate limit     {}", rate_limit(room.rate_limit_size, interval(room)));
    println!("web pages      {}", web(room));
    println!("moderators     {}", counts(&survey.roles));
    tell(&survey.roles);
}

fn tell(roles: &[RoomRole]) {
    for role in roles {
        println!("               {} {}", role.session_id, kind(role));
    }
}

/// What browsers can see of it, as signs and names.
fn web(room: &RoomRow) -> String {
    let parts = WebPart::ALL.map(|part| {
        let sign = if room.web().shows(part) { '+' } else { '-' };
        format!("{sign}{}", part.name())
    });
    parts.join(", ")
}

fn counts(roles: &[RoomRole]) -> String {
    let part = |admin: bool, noun: &str| {
        let count = roles.iter().filter(|role| role.admin == admin).count();
        let hidden = roles.iter().filter(|role| role.admin == admin && !role.visible).count();
        let plural = if count == 1 { "" } else { "s" };
        let hidden = if hidden == 0 {
            String::new()
        } else {
            format!(" ({hidden} hidden)")
        };
        format!("{count} {noun}{plural}{hidden}")
    };
    format!("{}, {}", part(true, "admin"), part(false, "moderator"))
}

fn kind(role: &RoomRole) -> &'static str {
    match (role.visible, role.admin) {
        (true, true) => "admin",
        (false, true) => "hidden admin",
        (true, false) => "moderator",
        (false, false) => "hidden moderator",
    }
}

pub(super) fn defaults(room: &RoomRow) -> Defaults {
    Defaults {
        read: room.read,
        accessible: room.accessible,
        write: room.write,
        upload: room.upload,
    }
}

fn interval(room: &RoomRow) -> Duration {
    Duration::from_nanos(u64::try_from(room.rate_limit_interval).unwrap_or(0))
}

fn role(role: &RoomRole) -> Value {
    json!({ "id": role.session_id, "admin": role.admin, "visible": role.visible })
}

/// What programs are told about a room.
fn object(survey: &RoomSurvey, server: &Server<'_>) -> Value {
    let room = &survey.room;
    let [day, week, fortnight, month] = survey.active;
    let top = survey.top_reactions.iter();
    let top = top.map(|(reaction, count)| json!({ "reaction": reaction, "count": count }));
    json!({
        "token": room.token,
        "name": room.name,
        "description": room.description.as_deref().unwrap_or_default(),
        "link": server.link(&room.token),
        "created": Timestamp::from_nanos(room.created),
        "image": room.image,
        "messages": { "count": survey.messages.count, "bytes": survey.messages.bytes },
        "attachments": { "count": survey.files.count, "bytes": survey.files.bytes },
        "reactions": { "count": survey.reactions, "top": top.collect::<Vec<_>>() },
        "active": { "1d": day, "7d": week, "14d": fortnight, "30d": month },
        "permissions": {
            "read": room.read,
            "write": room.write,
            "upload": room.upload,
            "accessible": room.accessible,
        },
        "rate_limit": (room.rate_limit_size > 0).then(|| json!({
            "posts": room.rate_limit_size,
            "seconds": interval(room).as_secs_f64(),
        })),
        "web": {
            "index": room.web_index,
            "page": room.web_page,
            "messages": room.web_messages,
            "feed": room.web_feed,
        },
        "moderators": survey.roles.iter().map(role).collect::<Vec<_>>(),
    })
}
