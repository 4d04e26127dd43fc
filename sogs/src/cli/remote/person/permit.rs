//! `sogs remote user permit`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use serde_json::{Map, Value};
use shared::config::Span;
use shared::crypto::UserId;

use crate::cli::letters::Letters;
use crate::cli::remote::place::Rooms;
use crate::cli::remote::report::Report;
use crate::cli::remote::told::{rights, span};
use crate::remote::{Call, Community, Right, Rights};

/// Permit or forbid people something in rooms, whatever everybody may there
///
/// Permissions are letters: r (read), w (post), u (upload, which needs w too) and a (see that the room exists).
#[derive(Args)]
#[command(group = ArgGroup::new("permissions").required(true).multiple(true))]
pub(in crate::cli::remote) struct Permit {
    /// Ids, 05 or 15 and 64 more digits
    #[arg(required = true, value_name = "ID")]
    ids: Vec<UserId>,
    #[command(flatten)]
    rooms: Rooms,
    /// What they may
    #[arg(long, value_name = "RWUA", group = "permissions")]
    allow: Option<Letters>,
    /// What they may not
    #[arg(long, value_name = "RWUA", group = "permissions")]
    deny: Option<Letters>,
    /// Where they are to be treated like everybody else again
    #[arg(long, value_name = "RWUA", group = "permissions")]
    reset: Option<Letters>,
    /// Not now but in a while, such as "2h"; r, w and u only, and no --reset
    #[arg(long = "in", value_name = "TIME", value_parser = Span::with_unit, conflicts_with = "reset")]
    later: Option<Span>,
}

/// Servers plan less than a thousand million seconds ahead.
const LONGEST: Duration = Duration::from_secs(10_000 * 86_400);

impl Permit {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let later = self.later.map(|later| span(later, LONGEST)).transpose()?;
        let fields = self.fields(later)?;
        let what = if later.is_some() {
            "futurePermissions"
        } else {
            "permissions"
        };
        let rooms = self.rooms.each(community).await?;
        let pairs = rooms.iter().flat_map(|room| self.ids.iter().map(move |id| (room, id)));
        let calls: Vec<Call> = pairs
            .clone()
            .map(|(room, id)| Call::post(format!("/room/{room}/{what}/{id}"), fields.clone().into()))
            .collect();
        let outcomes = community.change_all(&calls).await?;
        let mut report = Report::default();
        for ((room, id), outcome) in pairs.zip(outcomes) {
            match outcome {
                Ok(now) => println!("{}", told(id, room.as_str(), later, &now)),
                Err(refusal) => {
                    report.refused(
                        &refusal,
                        &format!("nothing was changed for {id} in {room}"),
                        Right::Moderator,
                    );
                }
            }
        }
        Ok(report.exit_code())
    }

    fn fields(&self, later: Option<Duration>) -> Result<Map<String, Value>> {
        let [allow, deny, reset] = [self.allow, self.deny, self.reset].map(Option::unwrap_or_default);
        if allow.meets(deny) || allow.meets(reset) || deny.meets(reset) {
            bail!("two of --allow, --deny and --reset name the same permission");
        }
        if later.is_some() && (allow.accessible || deny.accessible) {
            bail!("a room's being seen (a) cannot be changed later, only now");
        }
        let mut fields = Map::new();
        for (letters, prefix, value) in [(allow, "", true), (deny, "", false), (reset, "default_", true)] {
            for name in letters.names() {
                fields.insert(format!("{prefix}{name}"), value.into());
            }
        }
        if let Some(later) = later {
            fields.insert("in".to_owned(), later.as_secs_f64().into());
        }
        Ok(fields)
    }
}

fn told(id: &UserId, room: &str, later: Option<Duration>, now: &Value) -> String {
    if let Some(later) = later {
        return format!("for {id} in {room}: changes in {}", humantime::format_duration(later));
    }
    let now: Rights = serde_json::from_value(now.clone()).unwrap_or_default();
    let differs = rights(&now);
    if differs.is_empty() {
        format!("for {id} in {room}: as for everybody")
    } else {
        format!("for {id} in {room}: {differs}")
    }
}
