//! `sogs room show --rights`.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};
use shared::cli::output;
use shared::clock::Timestamp;

use super::show::defaults;
use crate::cli::beside::Server;
use crate::cli::letters::signed;
use crate::cli::rights;
use crate::cli::scope::{known_room, number, title};
use crate::model::{Permissions, RoomToken, resolve};
use crate::store::Planned;

/// Somebody who may more or less than others in a room.
struct Special {
    id: String,
    may: Permissions,
    ban_reason: Option<String>,
    /// What is to change, in the order of time.
    planned: Vec<Planned>,
}

/// Shows what everybody may in a room, and for whom that differs.
pub(super) async fn show(server: &Server<'_>, token: &RoomToken, as_json: bool) -> Result<ExitCode> {
    let room = known_room(server, token).await?;
    let defaults = defaults(&room);
    let planned = server.store.planned(number(&room), None).await?;
    let own = |id: &str| planned.iter().filter(|one| one.session_id == id).cloned().collect();
    let mut people = Vec::new();
    for row in server.store.global_moderators().await? {
        let standing = crate::model::User::from(row.clone()).standing;
        people.push(Special {
            planned: own(&row.session_id),
            id: row.session_id,
            may: resolve(standing, None, defaults),
            ban_reason: None,
        });
    }
    for one in server.store.different_in(number(&room)).await? {
        let id = one.user.session_id;
        people.retain(|known| known.id != id);
        people.push(Special {
            planned: own(&id),
            id,
            may: resolve(one.user.standing, Some(&one.differs), defaults),
            ban_reason: one.ban_reason,
        });
    }
    if as_json {
        let everybody = json!({
            "read": room.read, "write": room.write, "upload": room.upload, "accessible": room.accessible,
        });
        let people: Vec<Value> = people.iter().map(object).collect();
        output::json(&json!({ "token": room.token, "everybody": everybody, "people": people }))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}\n\neverybody  {}\n", title(&room), signed(defaults));
    if people.is_empty() {
        println!("This holds for all.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows = people.iter().map(|one| {
        [
            one.id.clone(),
            rights::letters(&one.may),
            rights::why(&one.may),
            one.planned.iter().map(plan).collect::<Vec<_>>().join("; "),
            one.ban_reason.clone().unwrap_or_default(),
        ]
    });
    output::table(["ID", "MAY", "WHY", "CHANGES", "REASON"], rows);
    Ok(ExitCode::SUCCESS)
}

/// What is to happen, and when.
fn plan(planned: &Planned) -> String {
    let flags = [
        ("read", planned.read),
        ("write", planned.write),
        ("upload", planned.upload),
        ("banned", planned.banned),
    ];
    let changes = flags.iter().filter_map(|(name, flag)| {
        let sign = if (*flag)? { '+' } else { '-' };
        Some(format!("{sign}{name}"))
    });
    let changes: Vec<String> = changes.collect();
    let at = output::time(Timestamp::from_nanos(planned.at));
    format!("{} at {at}", changes.join(", "))
}

/// What programs are told.
fn object(one: &Special) -> Value {
    let planned = one.planned.iter().map(|planned| {
        json!({
            "at": Timestamp::from_nanos(planned.at),
            "read": planned.read,
            "write": planned.write,
            "upload": planned.upload,
            "banned": planned.banned,
        })
    });
    json!({
        "id": one.id,
        "admin": one.may.admin,
        "moderator": one.may.moderator,
        "banned": one.may.banned,
        "ban_reason": one.ban_reason,
        "rights": rights::object(&one.may),
        "pending": planned.collect::<Vec<_>>(),
    })
}
