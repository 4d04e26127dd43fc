//! `sogs user show`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value, json};
use shared::cli::output;
use shared::clock::Timestamp;

use super::list::standing;
use super::permit::{flags, told};
use crate::cli::beside::Server;
use crate::cli::letters::NAMES;
use crate::cli::people::Person;
use crate::model::Override;
use crate::store::{Dossier, InRoom, Pending, UserRow};

/// Show what is kept about somebody: roles, bans, permissions, how much they posted
#[derive(Args)]
pub(in crate::cli) struct Show {
    /// The id, 05 or 15 and 64 more digits; of somebody who has been here the beginning will do
    id: Person,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let id = self.id.id(server).await?;
        let unknown = || format!("{id} has never been here; `sogs user list` shows who was");
        let user = server.store.find_user(&id).await?.with_context(unknown)?;
        let row = server.store.user_row(user.no).await?.with_context(unknown)?;
        let dossier = server.store.dossier(user.no).await?;
        if self.json {
            output::json(&object(&row, &dossier))?;
        } else {
            print(&row, &dossier);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(row: &UserRow, dossier: &Dossier) {
    println!("id            {}", row.session_id);
    println!("first seen    {}", output::time(Timestamp::from_nanos(row.created)));
    println!("last seen     {}", output::time(Timestamp::from_nanos(row.last_active)));
    println!(
        "messages      {}",
        output::amount(dossier.messages.count, dossier.messages.bytes)
    );
    println!(
        "files         {}",
        output::amount(dossier.files.count, dossier.files.bytes)
    );
    let standing = Some(standing(row))
        .filter(|text| !text.is_empty())
        .unwrap_or("nothing special");
    println!("whole server  {standing}{}", reason(dossier.ban_reason.as_deref()));
    for room in &dossier.rooms {
        println!("{:<13} {}", room.token, differences(room));
    }
    for pending in &dossier.pending {
        println!(
            "{:<13} {}",
            output::time(Timestamp::from_nanos(pending.at)),
            plan(pending)
        );
    }
}

fn reason(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

/// What differs in a room.
fn differences(room: &InRoom) -> String {
    let Override {
        banned,
        moderator,
        admin,
        visible_mod,
        ..
    } = room.differs;
    let mut parts = Vec::new();
    if banned {
        parts.push(format!("banned{}", reason(room.ban_reason.as_deref())));
    }
    if moderator {
        let visible = if visible_mod { "visible" } else { "hidden" };
        parts.push(format!("{visible} {}", if admin { "admin" } else { "moderator" }));
    }
    let set = NAMES
        .iter()
        .zip(flags(&room.differs))
        .filter(|(_, flag)| flag.is_some());
    parts.extend(set.map(|(name, flag)| told(name, flag)));
    parts.join(", ")
}

/// What is to happen.
fn plan(pending: &Pending) -> String {
    let place = pending.room.as_deref().unwrap_or("the whole server");
    match pending.banned {
        Some(true) => format!("banned from {place}"),
        Some(false) => format!("no longer banned from {place}"),
        None => {
            let all = [
                ("read", pending.read),
                ("write", pending.write),
                ("upload", pending.upload),
            ];
            let set = all.into_iter().filter(|(_, flag)| flag.is_some());
            let set: Vec<String> = set.map(|(name, flag)| told(name, flag)).collect();
            format!("in {place}: {}", set.join(", "))
        }
    }
}

/// What programs are told.
fn object(row: &UserRow, dossier: &Dossier) -> Value {
    let rooms: Map<String, Value> = dossier
        .rooms
        .iter()
        .map(|room| (room.token.clone(), in_room(room)))
        .collect();
    let pending = dossier.pending.iter().map(|pending| {
        json!({
            "room": pending.room,
            "at": Timestamp::from_nanos(pending.at),
            "banned": pending.banned,
            "read": pending.read,
            "write": pending.write,
            "upload": pending.upload,
        })
    });
    json!({
        "id": row.session_id,
        "first_seen": Timestamp::from_nanos(row.created),
        "last_seen": Timestamp::from_nanos(row.last_active),
        "messages": { "count": dossier.messages.count, "bytes": dossier.messages.bytes },
        "files": { "count": dossier.files.count, "bytes": dossier.files.bytes },
        "banned": row.banned,
        "ban_reason": dossier.ban_reason,
        "moderator": row.moderator,
        "admin": row.admin,
        "visible": row.visible_mod,
        "rooms": rooms,
        "pending": pending.collect::<Vec<_>>(),
    })
}

fn in_room(room: &InRoom) -> Value {
    let Override {
        banned,
        moderator,
        admin,
        visible_mod,
        read,
        accessible,
        write,
        upload,
    } = room.differs;
    json!({
        "banned": banned,
        "ban_reason": room.ban_reason,
        "moderator": moderator,
        "admin": admin,
        "visible": visible_mod,
        "read": read,
        "accessible": accessible,
        "write": write,
        "upload": upload,
    })
}
