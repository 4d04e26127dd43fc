//! `sogs remote room`.

use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Map, Value, json};
use shared::cli::output::{self, Format};

use super::place::OneRoom;
use super::report::Report;
use super::told::{self, time};
use crate::cli::letters::{Letters, NAMES};
use crate::cli::room::unescaped;
use crate::model::RoomToken;
use crate::remote::{Call, Community, Right, Room};

#[derive(Subcommand)]
pub(super) enum Command {
    List(List),
    Show(Show),
    Set(Set),
}

/// List the rooms that you can see, and what you are there
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    format: Format,
}

/// Show a room: what it is about, what you and others may there, who moderates it
#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    room: OneRoom,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Change a room
#[derive(Args)]
#[command(group = ArgGroup::new("changes").required(true).multiple(true))]
pub(super) struct Set {
    #[command(flatten)]
    room: OneRoom,
    /// A new name
    #[arg(long, group = "changes")]
    name: Option<String>,
    /// A new description; \n begins a new line, an empty text removes it
    #[arg(long, value_name = "TEXT", group = "changes")]
    description: Option<String>,
    /// What everybody may from now on: letters of r (read), w (post), u (upload), a (see that it exists)
    #[arg(long, value_name = "RWUA", group = "changes")]
    allow: Option<Letters>,
    /// What not everybody may any more: letters of r, w, u, a
    #[arg(long, value_name = "RWUA", group = "changes")]
    deny: Option<Letters>,
}

impl Command {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        match self {
            Self::List(list) => list.run(community).await,
            Self::Show(show) => show.run(community).await,
            Self::Set(set) => set.run(community).await,
        }
    }
}

/// A room as the moderator sees it.
pub(super) async fn details(community: &Community, token: &RoomToken) -> Result<Room> {
    match community.get(&format!("/room/{token}")).await? {
        Ok(value) => Ok(community.shaped(value)?),
        Err(refusal) => Err(anyhow!("{token}: {}", refusal.explained(Right::Reader))),
    }
}

/// What the moderator is in a room.
fn role(room: &Room) -> &'static str {
    if room.global_admin {
        "admin of the whole server"
    } else if room.admin {
        "admin"
    } else if room.global_moderator {
        "moderator of the whole server"
    } else if room.moderator {
        "moderator"
    } else {
        "no moderator"
    }
}

/// Permissions as `+read, -write`, those that are not told left out.
fn signed(flags: [Option<bool>; 4]) -> String {
    let told = NAMES.iter().zip(flags).filter_map(|(name, flag)| {
        let sign = if flag? { '+' } else { '-' };
        Some(format!("{sign}{name}"))
    });
    told.collect::<Vec<_>>().join(", ")
}

impl List {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let rooms: Vec<Room> = community.get_as("/rooms").await?;
        let list = output::List {
            header: ["TOKEN", "NAME", "ACTIVE", "YOU ARE"],
            row: &|room: &Room| {
                let Room { token, name, .. } = room;
                [
                    token.clone(),
                    name.clone(),
                    room.active_users.to_string(),
                    role(room).to_owned(),
                ]
            },
            object: &|room| json!(room),
            name: &|room| output::plain(&room.token),
            nothing: "There are no rooms that you can see.",
        };
        list.print(self.format, &rooms)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let room = details(community, self.room.token(community)).await?;
        if self.json {
            output::json(&room)?;
        } else {
            print(&room, community);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(room: &Room, community: &Community) {
    println!("{} ({})\n", output::plain(&room.name), output::plain(&room.token));
    if !room.description.is_empty() {
        println!(
            "description    {}",
            told::lines(&room.description).join("\n               ")
        );
    }
    println!("created        {}", time(room.created));
    println!("active people  {}", room.active_users);
    println!("pinned         {}", room.pinned_messages.len());
    let defaults = [
        room.default_read,
        room.default_write,
        room.default_upload,
        room.default_accessible,
    ];
    if room.moderator {
        println!("everybody      {}", signed(defaults));
    }
    let yours = signed([Some(room.read), Some(room.write), Some(room.upload), None]);
    println!("you            {}; {yours}", role(room));
    println!("               {}", community.id());
    let lists = [
        ("admins", &room.admins),
        ("hidden admins", &room.hidden_admins),
        ("moderators", &room.moderators),
        ("hidden mods", &room.hidden_moderators),
    ];
    for (title, ids) in lists {
        for (id, title) in ids.iter().zip(std::iter::once(title).chain(std::iter::repeat(""))) {
            println!("{title:14} {}", output::plain(id));
        }
    }
}

impl Set {
    async fn run(&self, community: &Community) -> Result<ExitCode> {
        let token = self.room.token(community);
        let fields = self.fields()?;
        let outcomes = community
            .change_all(&[Call::put(format!("/room/{token}"), fields.into())])
            .await?;
        let mut report = Report::default();
        for outcome in &outcomes {
            if let Err(refusal) = outcome {
                report.refused(refusal, &format!("{token} was not changed"), Right::Admin);
                return Ok(report.exit_code());
            }
        }
        // What the server made of it.
        print(&details(community, token).await?, community);
        Ok(report.exit_code())
    }

    fn fields(&self) -> Result<Map<String, Value>> {
        let [allow, deny] = [self.allow, self.deny].map(Option::unwrap_or_default);
        if allow.meets(deny) {
            bail!("--allow and --deny name the same permission");
        }
        let mut fields = Map::new();
        if let Some(name) = &self.name {
            if name.trim().is_empty() {
                bail!("a room needs a name");
            }
            fields.insert("name".to_owned(), json!(name));
        }
        if let Some(description) = &self.description {
            fields.insert("description".to_owned(), json!(unescaped(description)));
        }
        for (letters, value) in [(allow, true), (deny, false)] {
            for name in letters.names() {
                fields.insert(format!("default_{name}"), json!(value));
            }
        }
        Ok(fields)
    }
}
