//! `sogs remote user timeout`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use shared::config::Span;
use shared::crypto::UserId;

use crate::cli::remote::place::Rooms;
use crate::cli::remote::report::Report;
use crate::cli::remote::told::span;
use crate::model::RoomToken;
use crate::remote::{Call, Community, Outcome, Planned, Refusal, Right, Rights, Room};

/// Let people read but not post for a while
///
/// Afterwards they may post again by themselves. Moderators are not bound by it.
#[derive(Args)]
pub(in crate::cli::remote) struct Timeout {
    /// Ids, 05 or 15 and 64 more digits
    #[arg(required = true, value_name = "ID")]
    ids: Vec<UserId>,
    #[command(flatten)]
    rooms: Rooms,
    /// How long, such as "4h"
    #[arg(long = "for", value_name = "TIME", value_parser = Span::with_unit)]
    span: Span,
}

/// Longer ones are meant to be for good.
const LONGEST: Duration = Duration::from_secs(10_000 * 86_400);

impl Timeout {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let span = span(self.span, LONGEST)?;
        let mut report = Report::default();
        for room in self.rooms.each(community).await? {
            for id in &self.ids {
                mute(community, &room, id, span, &mut report).await?;
            }
        }
        Ok(report.exit_code())
    }
}

async fn mute(community: &Community, room: &RoomToken, id: &UserId, span: Duration, report: &mut Report) -> Result<()> {
    let tried = format!("{id} was not silenced in {room}");
    let now = format!("/room/{room}/permissions/{id}");
    let later = format!("/room/{room}/futurePermissions/{id}");
    let looks = [Call::get(format!("/room/{room}")), Call::get(&now), Call::get(&later)];
    match obstacle(community.get_all(&looks).await?) {
        Ok(None) => {}
        Ok(Some(obstacle)) => {
            report.problem(&format!("{tried}: {obstacle}"));
            return Ok(());
        }
        Err(refusal) => {
            report.refused(&refusal, &tried, Right::Moderator);
            return Ok(());
        }
    }
    let silence = Call::post(now, json!({ "write": false }));
    let release = Call::post(later, json!({ "write": true, "in": span.as_secs_f64() }));
    match community.change_in_turn(&[silence, release]).await?.as_slice() {
        [Ok(_), Ok(_)] => println!("{id} cannot post in {room} for {}", humantime::format_duration(span)),
        [Err(refusal), ..] => report.refused(refusal, &tried, Right::Moderator),
        [.., Err(refusal)] => {
            let half = format!(
                "{id} cannot post in {room} until you say `sogs remote user permit {id} --room {room} --reset w`, for the \
                 return could not be planned"
            );
            report.refused(refusal, &half, Right::Moderator);
        }
        _ => report.problem(&format!("{tried}: the server tells only a part of what it did")),
    }
    Ok(())
}

/// Why there is nothing to be taken and given back.
fn obstacle(looks: Vec<Outcome>) -> Result<Option<&'static str>, Refusal> {
    let mut looks = looks.into_iter().map(|outcome| match outcome {
        // Old servers fail where nothing differs for somebody.
        Err(refusal) if refusal.is_failure() => Ok(serde_json::Value::Null),
        outcome => outcome,
    });
    let mut next = || looks.next().unwrap_or(Ok(serde_json::Value::Null));
    let room: Room = serde_json::from_value(next()?).unwrap_or_default();
    let rights: Rights = serde_json::from_value(next()?).unwrap_or_default();
    let planned: Vec<Planned> = serde_json::from_value(next()?).unwrap_or_default();
    let may_post = rights.write.or(room.default_write).unwrap_or(true);
    let returns = planned.iter().any(|planned| planned.write == Some(true));
    Ok(if rights.banned {
        Some("they are banned there")
    } else if rights.moderator || rights.admin {
        Some("they moderate there, and moderators may always post; take that role away first")
    } else if !may_post && !returns {
        Some("they may not post there anyway, and would be able to afterwards")
    } else {
        None
    })
}
