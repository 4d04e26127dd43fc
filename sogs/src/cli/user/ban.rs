//! `sogs user ban` and `sogs user unban`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use shared::cli::output;
use shared::clock::Timestamp;
use shared::config::Span;
use shared::crypto::UserId;

use crate::cli::beside::Server;
use crate::cli::people::{Person, by, explain, ids};
use crate::cli::scope::{Place, Scope, together};
use crate::cli::why::Why;
use crate::store::Write;

/// Ban people
///
/// In a room they lose the role they have there. Moderators of the whole server cannot be banned. A ban that is there
/// already lasts as long as the new one says. What they posted stays; `sogs user purge` deletes it.
#[derive(Args)]
pub(in crate::cli) struct Ban {
    /// Ids, 05 or 15 and 64 more digits; of people who have been here the beginning will do
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Person>,
    #[command(flatten)]
    scope: Scope,
    /// How long, such as "2d" or "1 week"; for good if it is left out
    #[arg(long = "for", value_name = "TIME", value_parser = Span::with_unit)]
    span: Option<Span>,
    #[command(flatten)]
    why: Why,
}

/// Lift bans
#[derive(Args)]
pub(in crate::cli) struct Unban {
    /// Ids, 05 or 15 and 64 more digits; of people who have been here the beginning will do
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Person>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    why: Why,
}

/// Longer bans are meant to be for good.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Ban {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        if let Some(Span(span)) = self.span
            && (span.is_zero() || span > LONGEST)
        {
            bail!("--for takes a time from 1 second to 100 years; without it the ban is for good");
        }
        let ids = ids(server, &self.ids).await?;
        let mut write = server.change_because(&self.why).await?;
        let places = self.scope.find(&mut write).await?;
        write.lock_people(&ids, &together(&places)).await?;
        let mut lines = Vec::new();
        for id in &ids {
            for place in &places {
                lines.push(self.ban(&mut write, id, place).await?);
            }
        }
        server.commit(write, &lines).await
    }

    async fn ban(&self, write: &mut Write, id: &UserId, place: &Place) -> Result<String> {
        let before = Before::of(write, id, place).await?;
        let until = self.span.map(|span| write.now().plus(span.0));
        let user = write
            .ban(id, &place.scope(), until)
            .await
            .map_err(|error| explain(error, id, place))?;
        let person = by(&user.session_id, id);
        let lasts = lasts(until);
        Ok(match before {
            Before::Banned => format!("{person} was banned from {place} already; the ban lasts {lasts}"),
            Before::Moderator => format!("banned {person} from {place} {lasts}; their role there is gone"),
            Before::Nothing => format!("banned {person} from {place} {lasts}"),
        })
    }
}

/// What somebody was in a place before they are banned.
enum Before {
    Banned,
    Moderator,
    Nothing,
}

impl Before {
    async fn of(write: &mut Write, id: &UserId, place: &Place) -> Result<Self> {
        let Some(user) = write.known(id).await? else {
            return Ok(Self::Nothing);
        };
        let (banned, moderator) = match place.room() {
            None => (user.standing.banned, false),
            Some(room) => {
                let local = write.override_of(room, user.no).await?;
                (local.banned, local.moderator)
            }
        };
        Ok(match (banned, moderator) {
            (true, _) => Self::Banned,
            (false, true) => Self::Moderator,
            (false, false) => Self::Nothing,
        })
    }
}

/// How long a ban lasts.
fn lasts(until: Option<Timestamp>) -> String {
    until.map_or_else(
        || "for good".to_owned(),
        |until| format!("until {}", output::time(until)),
    )
}

impl Unban {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let ids = ids(server, &self.ids).await?;
        let mut write = server.change_because(&self.why).await?;
        let places = self.scope.find(&mut write).await?;
        write.lock_people(&ids, &together(&places)).await?;
        let mut lines = Vec::new();
        for id in &ids {
            for place in &places {
                let lifted = write
                    .unban(id, &place.scope())
                    .await
                    .map_err(|error| explain(error, id, place))?;
                lines.push(if lifted {
                    format!("lifted the ban of {id} from {place}")
                } else {
                    format!("{id} is not banned from {place}")
                });
            }
        }
        server.commit(write, &lines).await
    }
}
