//! `sogs user show`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use shared::cli::output;
use shared::clock::Timestamp;
use shared::crypto::UserId;

use super::list::{seen, standing};
use super::permit::{flags, told};
use crate::cli::beside::Server;
use crate::cli::letters::NAMES;
use crate::cli::people::Person;
use crate::cli::scope::place;
use crate::cli::{audit, rights};
use crate::model::{Override, Permissions};
use crate::store::{Dossier, InRoom, Pending, Sought, UserRow};

/// Show all that is known about somebody: roles, bans, timeouts, what they posted, what they may in each room and why
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
        let people = people(server, &id).await?;
        let ids = server.store.ids_of(&id).await?;
        let sought = Sought {
            targets: Some(ids),
            ..Sought::default()
        };
        let history = server.store.audit(&sought, HISTORY).await?;
        if self.json {
            let mut people = people.iter().map(object);
            let mut first = people.next().unwrap_or_default();
            if let Value::Object(members) = &mut first {
                members.insert("also".to_owned(), people.collect());
                members.insert("history".to_owned(), history.iter().map(audit::object).collect());
            }
            output::json(&first)?;
            return Ok(ExitCode::SUCCESS);
        }
        for (index, person) in people.iter().enumerate() {
            if index > 0 {
                println!("\nThe same person is known by another id too:\n");
            }
            print(person);
        }
        if !history.is_empty() {
            println!("\nWhat was done to them lately:");
            let rows = history.iter().map(|record| {
                let action = [record.action.clone(), audit::told(record)].join(" ");
                [
                    output::time(Timestamp::from_nanos(record.at)),
                    action.trim_end().to_owned(),
                    place(record.room.as_deref()),
                    record.actor.clone(),
                    record.reason.clone().unwrap_or_default(),
                ]
            });
            output::table(["WHEN", "WHAT", "ROOM", "BY", "WHY"], rows);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Everybody whom the id stands for, whom it names first.
async fn people(server: &Server<'_>, id: &UserId) -> Result<Vec<Known>> {
    let store = &server.store;
    let (_, rooms) = store.rooms().await?;
    let mut people = Vec::new();
    for user in store.twins(id).await? {
        let (Some(row), Ok(id)) = (store.user_row(user.no).await?, user.session_id.parse::<UserId>()) else {
            continue;
        };
        let Some(member) = store.member(&id).await? else {
            continue;
        };
        let rights = rooms
            .iter()
            .map(|loaded| (loaded.room.token.clone(), member.permissions(&loaded.room)));
        people.push(Known {
            row,
            dossier: store.dossier(user.no, server.clock.now()).await?,
            rights: rights.collect(),
        });
    }
    if people.is_empty() {
        bail!("{id} has never been here; `sogs user list` shows who was");
    }
    Ok(people)
}

/// How many of the latest changes are shown.
const HISTORY: i64 = 10;

/// Somebody, what is kept about them, and what they may in which room.
struct Known {
    row: UserRow,
    dossier: Dossier,
    rights: Vec<(String, Permissions)>,
}

fn print(person: &Known) {
    let Known { row, dossier, rights } = person;
    println!("id            {}", row.session_id);
    if let Some(blinded) = &dossier.waits_for {
        println!("waits for     {blinded}, or the same with another sign, to take this over");
    }
    println!("first seen    {}", seen(row.first_seen(dossier.messages.count)));
    println!("last seen     {}", seen(row.last_seen()));
    println!(
        "messages      {}",
        output::amount(dossier.messages.count, dossier.messages.bytes)
    );
    println!(
        "lately        {} messages within a day, {} within a week",
        dossier.last_day, dossier.last_week
    );
    println!("reactions     {}", dossier.reactions);
    println!("direct        {} sent, {} received", dossier.sent, dossier.received);
    println!(
        "files         {}",
        output::amount(dossier.files.count, dossier.files.bytes)
    );
    let standing = Some(standing(row))
        .filter(|text| !text.is_empty())
        .unwrap_or("nothing special");
    let end = if row.banned {
        until(&dossier.pending, None)
    } else {
        String::new()
    };
    println!("whole server  {standing}{end}{}", reason(dossier.ban_reason.as_deref()));
    for room in &dossier.rooms {
        println!("{:<13} {}", room.token, differences(room, &dossier.pending));
    }
    for pending in &dossier.pending {
        println!(
            "{:<13} {}",
            output::time(Timestamp::from_nanos(pending.at)),
            plan(pending)
        );
    }
    if !rights.is_empty() {
        println!("\nWhat they may:");
        let rows = rights
            .iter()
            .map(|(token, may)| [token.clone(), rights::letters(may), rights::why(may)]);
        output::table(["ROOM", "MAY", "WHY"], rows);
    }
}

fn reason(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

/// When a ban ends, from a room or from the whole server.
fn until(pending: &[Pending], room: Option<&str>) -> String {
    let mut ends = pending
        .iter()
        .filter(|one| one.room.as_deref() == room && one.banned == Some(false));
    let end = ends.next().map(|end| output::time(Timestamp::from_nanos(end.at)));
    end.map(|end| format!(" until {end}")).unwrap_or_default()
}

/// What differs in a room.
fn differences(room: &InRoom, pending: &[Pending]) -> String {
    let Override {
        banned,
        moderator,
        admin,
        visible_mod,
        ..
    } = room.differs;
    let mut parts = Vec::new();
    if banned {
        parts.push(format!(
            "banned{}{}",
            until(pending, Some(&room.token)),
            reason(room.ban_reason.as_deref())
        ));
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
fn object(person: &Known) -> Value {
    let Known { row, dossier, rights } = person;
    let rights = rights.iter().map(|(token, may)| (token.clone(), rights::object(may)));
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
        "first_seen": row.first_seen(dossier.messages.count),
        "last_seen": row.last_seen(),
        "messages": { "count": dossier.messages.count, "bytes": dossier.messages.bytes },
        "files": { "count": dossier.files.count, "bytes": dossier.files.bytes },
        "banned": row.banned,
        "ban_reason": dossier.ban_reason,
        "moderator": row.moderator,
        "admin": row.admin,
        "visible": row.visible_mod,
        "reactions": dossier.reactions,
        "direct_messages": { "sent": dossier.sent, "received": dossier.received },
        "lately": { "1d": dossier.last_day, "7d": dossier.last_week },
        "waits_for": dossier.waits_for,
        "rooms": rooms,
        "rights": rights.collect::<Map<_, _>>(),
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
