//! `sogs user permit`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use shared::crypto::UserId;

use crate::cli::beside::Server;
use crate::cli::letters::{Letters, NAMES};
use crate::cli::people::{Person, explain, ids};
use crate::cli::scope::{Place, RoomScope, together};
use crate::cli::why::Why;
use crate::model::{FlagChange, Override, PermissionChange};
use crate::store::Write;

/// Permit or forbid people something in rooms, whatever everybody may there
///
/// Permissions are letters: r (read), w (post), u (upload, which needs w too) and a (see that the room exists).
#[derive(Args)]
#[command(group = ArgGroup::new("permissions").required(true).multiple(true))]
pub(in crate::cli) struct Permit {
    /// Ids, 05 or 15 and 64 more digits; of people who have been here the beginning will do
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Person>,
    #[command(flatten)]
    scope: RoomScope,
    /// What they may
    #[arg(long, value_name = "RWUA", group = "permissions")]
    allow: Option<Letters>,
    /// What they may not
    #[arg(long, value_name = "RWUA", group = "permissions")]
    deny: Option<Letters>,
    /// Where they are to be treated like everybody else again
    #[arg(long, value_name = "RWUA", group = "permissions")]
    reset: Option<Letters>,
    #[command(flatten)]
    why: Why,
}

impl Permit {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let change = self.change()?;
        let ids = ids(server, &self.ids).await?;
        let mut write = server.change_because(&self.why).await?;
        let places = self.scope.find(&mut write).await?;
        write.lock_people(&ids, &together(&places)).await?;
        let mut lines = Vec::new();
        for id in &ids {
            for place in &places {
                lines.push(permit(&mut write, id, place, &change).await?);
            }
        }
        server.commit(write, &lines).await
    }

    fn change(&self) -> Result<PermissionChange> {
        let [allow, deny, reset] = [self.allow, self.deny, self.reset].map(Option::unwrap_or_default);
        if allow.meets(deny) || allow.meets(reset) || deny.meets(reset) {
            bail!("two of --allow, --deny and --reset name the same permission");
        }
        let flag = |of: fn(&Letters) -> bool| match (of(&allow), of(&deny), of(&reset)) {
            (true, ..) => FlagChange::Set(true),
            (_, true, _) => FlagChange::Set(false),
            (_, _, true) => FlagChange::Reset,
            _ => FlagChange::Keep,
        };
        Ok(PermissionChange {
            read: flag(|letters| letters.read),
            accessible: flag(|letters| letters.accessible),
            write: flag(|letters| letters.write),
            upload: flag(|letters| letters.upload),
        })
    }
}

async fn permit(write: &mut Write, id: &UserId, place: &Place, change: &PermissionChange) -> Result<String> {
    let Some(room) = place.room() else {
        bail!("permissions belong to rooms");
    };
    let before = match write.known(id).await? {
        Some(user) => write.override_of(room, user.no).await?,
        None => Override::default(),
    };
    let now = write
        .change_permissions(room, id, change, false)
        .await
        .map_err(|error| explain(error, id, place))?;
    let changes = differences(&before, &now);
    Ok(if changes.is_empty() {
        format!("that is how it is for {id} in {place} already")
    } else {
        format!("for {id} in {place}: {}", changes.join(", "))
    })
}

/// The four permissions of an override in the order of their names.
pub(super) fn flags(of: &Override) -> [Option<bool>; 4] {
    [of.read, of.write, of.upload, of.accessible]
}

/// How one of them is told.
pub(in crate::cli) fn told(name: &str, flag: Option<bool>) -> String {
    match flag {
        Some(true) => format!("+{name}"),
        Some(false) => format!("-{name}"),
        None => format!("{name} as for everybody"),
    }
}

fn differences(before: &Override, now: &Override) -> Vec<String> {
    let flags = NAMES.iter().zip(flags(before)).zip(flags(now));
    let changed = flags.filter(|((_, before), now)| before != now);
    changed.map(|((name, _), now)| told(name, now)).collect()
}
