//! `sogs user timeout` and `sogs user untimeout`.

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
use crate::cli::scope::{Place, RoomScope, together};
use crate::cli::why::Why;
use crate::model::RoomNo;
use crate::store::{TimedOut, Write};

/// Keep people from posting for a while
///
/// They may still read. When the time is over they may post again by themselves. A timeout that is there already is made
/// to end when the new one does. It belongs to rooms: --all-rooms names every room that there is now.
#[derive(Args)]
pub(in crate::cli) struct Timeout {
    /// Ids, 05 or 15 and 64 more digits; of people who have been here the beginning will do
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Person>,
    #[command(flatten)]
    scope: RoomScope,
    /// How long, such as "4h" or "2 days"
    #[arg(long = "for", value_name = "TIME", value_parser = Span::with_unit)]
    span: Span,
    #[command(flatten)]
    why: Why,
}

/// End timeouts before their time
#[derive(Args)]
pub(in crate::cli) struct Untimeout {
    /// Ids, 05 or 15 and 64 more digits; of people who have been here the beginning will do
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Person>,
    #[command(flatten)]
    scope: RoomScope,
    #[command(flatten)]
    why: Why,
}

/// Whoever is to be silent for longer is better forbidden to post.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

impl Timeout {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        if self.span.0.is_zero() || self.span.0 > LONGEST {
            bail!("--for takes a time from 1 second to 10 years; `sogs user permit --deny w` has no end");
        }
        let ids = ids(server, &self.ids).await?;
        let mut write = server.change_because(&self.why).await?;
        let places = self.scope.find(&mut write).await?;
        write.lock_people(&ids, &together(&places)).await?;
        let until = write.now().plus(self.span.0);
        let mut lines = Vec::new();
        for id in &ids {
            for place in &places {
                lines.push(time_out(&mut write, id, place, until).await?);
            }
        }
        server.commit(write, &lines).await
    }
}

async fn time_out(write: &mut Write, id: &UserId, place: &Place, until: Timestamp) -> Result<String> {
    let timed_out = write.time_out(room(place)?, id, until).await;
    let (user, outcome) = timed_out.map_err(|error| explain(error, id, place))?;
    let (person, until) = (by(&user.session_id, id), output::time(until));
    Ok(match outcome {
        TimedOut::Begun => format!("{person} may not post in {place} until {until}"),
        TimedOut::Moved(before) => format!(
            "{person} may not post in {place} until {until}; before that it was until {}",
            output::time(before)
        ),
        TimedOut::Silent => format!("{person} may not post in {place} anyway, so nothing was changed there"),
        TimedOut::Moderates => bail!(
            "{person} moderates {place}, and moderators may always post, so nothing was changed; take that role away \
             first: sogs mod remove {id} {} (or --global)",
            place.flag()
        ),
    })
}

impl Untimeout {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let ids = ids(server, &self.ids).await?;
        let mut write = server.change_because(&self.why).await?;
        let places = self.scope.find(&mut write).await?;
        write.lock_people(&ids, &together(&places)).await?;
        let mut lines = Vec::new();
        for id in &ids {
            for place in &places {
                let ended = write.end_timeout(room(place)?, id).await;
                lines.push(if ended.map_err(|error| explain(error, id, place))? {
                    format!("ended the timeout of {id} in {place}")
                } else {
                    format!("{id} has no timeout in {place}")
                });
            }
        }
        server.commit(write, &lines).await
    }
}

fn room(place: &Place) -> Result<RoomNo> {
    match place.room() {
        Some(room) => Ok(room),
        None => bail!("timeouts belong to rooms"),
    }
}
