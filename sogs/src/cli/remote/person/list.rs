//! `sogs remote user list`, `show` and `bans`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use serde_json::json;
use shared::cli::output::{self, Format};
use shared::crypto::UserId;

use crate::cli::remote::place::OneRoom;
use crate::cli::remote::told::{self, time};
use crate::remote::{Call, Community, Outcome, Planned, Right, Rights};

/// List the people for whom something differs in a room: permissions, roles, bans
#[derive(Args)]
pub(in crate::cli::remote) struct List {
    #[command(flatten)]
    room: OneRoom,
    #[command(flatten)]
    format: Format,
}

/// Show what differs for somebody in a room, and what is to change
#[derive(Args)]
pub(in crate::cli::remote) struct Show {
    /// The id, 05 or 15 and 64 more digits
    id: UserId,
    #[command(flatten)]
    room: OneRoom,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// List who is banned from a room
///
/// Bans from the whole server are not told to moderators.
#[derive(Args)]
pub(in crate::cli::remote) struct Bans {
    #[command(flatten)]
    room: OneRoom,
    #[command(flatten)]
    format: Format,
}

type People = BTreeMap<String, Rights>;

/// What a server tells moderators about people.
fn told<T: serde::de::DeserializeOwned + Default>(outcome: Outcome, community: &Community) -> Result<T> {
    match outcome {
        Ok(value) => Ok(community.shaped(value)?),
        // Old servers fail where nothing differs for somebody.
        Err(refusal) if refusal.status == 500 => Ok(T::default()),
        Err(refusal) => Err(anyhow!("{}", refusal.explained(Right::Moderator))),
    }
}

impl List {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let room = self.room.token(community);
        let people: People = told(community.get(&format!("/room/{room}/permissions")).await?, community)?;
        let people: Vec<(String, Rights)> = people.into_iter().collect();
        told::list(
            self.format,
            &people,
            &format!("Nothing differs for anybody in {room}."),
            |(id, _)| output::plain(id),
            |(id, rights)| json!({ "id": id, "rights": rights }),
            |(id, rights)| format!("{}  {}", output::plain(id), told::rights(rights)),
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let (room, id) = (self.room.token(community), &self.id);
        let calls = ["permissions", "futurePermissions"].map(|what| Call::get(format!("/room/{room}/{what}/{id}")));
        let mut outcomes = community.get_all(&calls).await?.into_iter();
        let rights: Rights = told(outcomes.next().unwrap_or(Ok(json!({}))), community)?;
        let planned: Vec<Planned> = told(outcomes.next().unwrap_or(Ok(json!([]))), community)?;
        if self.json {
            output::json(&json!({ "id": id, "room": room.as_str(), "rights": rights, "planned": planned }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let differs = told::rights(&rights);
        let differs = if differs.is_empty() {
            "as for everybody".to_owned()
        } else {
            differs
        };
        println!("{id}\n\nin {room}   {differs}");
        for planned in &planned {
            println!("{}   {}", time(planned.at), told::planned(planned));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Bans {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let room = self.room.token(community);
        let calls = ["permissions", "futurePermissions"].map(|what| Call::get(format!("/room/{room}/{what}")));
        let mut outcomes = community.get_all(&calls).await?.into_iter();
        let people: People = told(outcomes.next().unwrap_or(Ok(json!({}))), community)?;
        let planned: Vec<Planned> = told(outcomes.next().unwrap_or(Ok(json!([]))), community)?;
        let ends = |id: &String| {
            let theirs = |planned: &&Planned| planned.session_id.as_ref() == Some(id) && planned.banned == Some(false);
            planned.iter().find(theirs).and_then(|planned| planned.at)
        };
        let banned: Vec<_> = people
            .iter()
            .filter(|(_, rights)| rights.banned)
            .map(|(id, _)| (id, ends(id)))
            .collect();
        told::list(
            self.format,
            &banned,
            &format!("Nobody is banned from {room}."),
            |(id, _)| output::plain(id),
            |(id, until)| json!({ "id": id, "room": room.as_str(), "until": until }),
            |(id, until)| {
                let until = until.map_or_else(
                    || "for good".to_owned(),
                    |until| format!("until {}", output::time(until)),
                );
                format!("{}  {until}", output::plain(id))
            },
        )?;
        Ok(ExitCode::SUCCESS)
    }
}
