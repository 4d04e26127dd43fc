//! `sogs remote user ban` and `sogs remote user unban`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use shared::config::Span;
use shared::crypto::UserId;

use crate::cli::remote::place::Where;
use crate::cli::remote::report::Report;
use crate::cli::remote::told::span;
use crate::remote::{Call, Community};

/// Ban people
///
/// In a room they lose the role they have there. Moderators of the whole server cannot be banned, nor admins by those who
/// are none. A ban that is there already lasts as long as the new one says. What they posted stays; `sogs remote user
/// purge` deletes it.
#[derive(Args)]
pub(in crate::cli::remote) struct Ban {
    /// Ids, 05 or 15 and 64 more digits
    #[arg(required = true, value_name = "ID")]
    ids: Vec<UserId>,
    #[command(flatten)]
    place: Where,
    /// How long, such as "2d" or "1 week"; for good if it is left out
    #[arg(long = "for", value_name = "TIME", value_parser = Span::with_unit)]
    span: Option<Span>,
}

/// Lift bans
#[derive(Args)]
pub(in crate::cli::remote) struct Unban {
    /// Ids, 05 or 15 and 64 more digits
    #[arg(required = true, value_name = "ID")]
    ids: Vec<UserId>,
    #[command(flatten)]
    place: Where,
}

/// Longer bans are meant to be for good.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Ban {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let place = self.place.place(community);
        let mut fields = place.fields();
        let mut lasts = "for good".to_owned();
        if let Some(given) = self.span {
            let span = span(given, LONGEST)?;
            fields.insert("timeout".to_owned(), span.as_secs_f64().into());
            lasts = format!("for {}", humantime::format_duration(span));
        }
        let calls: Vec<Call> = self
            .ids
            .iter()
            .map(|id| call(id, "ban", &fields.clone().into()))
            .collect();
        let outcomes = community.change_all(&calls).await?;
        let mut report = Report::default();
        for (id, outcome) in self.ids.iter().zip(&outcomes) {
            let done = format!("banned {id} from {place} {lasts}");
            report.outcome(
                outcome,
                &done,
                &format!("{id} was not banned from {place}"),
                place.moderating(),
            );
        }
        Ok(report.exit_code())
    }
}

impl Unban {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let place = self.place.place(community);
        let fields = place.fields().into();
        let calls: Vec<Call> = self.ids.iter().map(|id| call(id, "unban", &fields)).collect();
        let outcomes = community.change_all(&calls).await?;
        let mut report = Report::default();
        for (id, outcome) in self.ids.iter().zip(&outcomes) {
            // The server does not tell whether there was a ban.
            let done = format!("{id} is not banned from {place} any more");
            let tried = format!("the ban of {id} from {place} was not lifted");
            report.outcome(outcome, &done, &tried, place.moderating());
        }
        Ok(report.exit_code())
    }
}

fn call(id: &UserId, what: &str, fields: &Value) -> Call {
    Call::post(format!("/user/{id}/{what}"), fields.clone())
}
