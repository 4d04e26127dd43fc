//! `sogs audit`.

use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value, json};
use shared::cli::output;
use shared::clock::Timestamp;

use super::beside::Server;
use super::moment::Moment;
use super::people::Person;
use super::scope::{place, token};
use crate::model::{Action, Actor, RoomToken};
use crate::settings::Settings;
use crate::store::{Record, Sought};

/// Tell who changed what, when and why, the latest first
///
/// What moderators and admins do through their apps and what is done by commands is written down, but not what was said
/// and not what people do with their own messages. It outlives rooms and people, for as long as audit.keep says.
#[derive(Args)]
pub(super) struct Audit {
    /// Only what was done in this room, be it that it is gone
    #[arg(long, value_name = "TOKEN", value_parser = token)]
    room: Option<RoomToken>,
    /// Only what was done to this person
    #[arg(long, value_name = "ID")]
    user: Option<Person>,
    /// Only what was done by this person, by the "operator" (that is, by commands) or by the "server" on schedule
    #[arg(long, value_name = "ID")]
    by: Option<By>,
    /// Only what was done since then: a time ago such as "2d", or a date
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only this, such as "ban" or "ban.lift"
    #[arg(long, value_parser = action)]
    action: Option<String>,
    /// How many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone)]
enum By {
    Operator,
    Server,
    Person(Person),
}

impl FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "operator" => Ok(Self::Operator),
            "server" => Ok(Self::Server),
            id => id
                .parse()
                .map(Self::Person)
                .map_err(|error| format!("this must be \"operator\", \"server\" or an id; {error}")),
        }
    }
}

/// An action, or the thing that actions are done to.
fn action(text: &str) -> Result<String, String> {
    let known = |action: &&Action| {
        let rest = action.name().strip_prefix(text);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if Action::ALL.iter().any(|action| known(&action)) {
        return Ok(text.to_owned());
    }
    let names: Vec<&str> = Action::ALL.iter().map(|action| action.name()).collect();
    Err(format!("there are {}", names.join(", ")))
}

impl Audit {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let server = Server::open(settings).await?;
        let limit = match self.limit {
            0 => i64::MAX,
            limit => i64::from(limit),
        };
        let records = server.store.audit(&self.sought(&server).await?, limit).await?;
        if self.json {
            output::json(&records.iter().map(object).collect::<Vec<_>>())?;
        } else if records.is_empty() {
            println!("Nothing was changed that is asked for.");
        } else {
            output::table(
                ["WHEN", "BY", "WHAT", "ROOM", "PERSON", "DETAILS", "WHY"],
                records.into_iter().map(row),
            );
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn sought(&self, server: &Server<'_>) -> Result<Sought> {
        let actors = match &self.by {
            None => None,
            Some(By::Person(person)) => Some(ids_of(server, person).await?),
            Some(By::Operator) => Some(vec![Actor::Operator.to_string()]),
            Some(By::Server) => Some(vec![Actor::Server.to_string()]),
        };
        let targets = match &self.user {
            None => None,
            Some(person) => Some(ids_of(server, person).await?),
        };
        Ok(Sought {
            room: self.room.as_ref().map(RoomToken::key),
            targets,
            actors,
            action: self.action.clone(),
            since: self.since.map(|since| since.at(server.clock.now())),
        })
    }
}

/// All ids by which somebody may have been written down.
async fn ids_of(server: &Server<'_>, person: &Person) -> Result<Vec<String>> {
    let id = person.id(server).await?;
    Ok(server.store.ids_of(&id).await?)
}

fn details(record: &Record) -> Map<String, Value> {
    let text = record.detail.as_deref().unwrap_or("{}");
    serde_json::from_str(text).unwrap_or_default()
}

fn row(record: Record) -> [String; 7] {
    let told = told(&record);
    [
        output::time(Timestamp::from_nanos(record.at)),
        record.actor,
        record.action,
        place(record.room.as_deref()),
        record.target.unwrap_or_default(),
        told,
        record.reason.unwrap_or_default(),
    ]
}

/// What a change came to, in words.
pub(super) fn told(record: &Record) -> String {
    let details = details(record);
    let parts = details.iter().map(|(name, value)| match (name.as_str(), value) {
        ("until" | "at", Value::Number(seconds)) => {
            let time = seconds
                .as_f64()
                .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
            let time = time.map(|since_epoch| Timestamp::from_nanos(0).plus(since_epoch));
            format!("{name} {}", time.map(output::time).unwrap_or_default())
        }
        ("rate_limit", Value::Object(limit)) => match (limit.get("posts"), limit.get("seconds")) {
            (Some(posts), Some(seconds)) if *posts != json!(0) => format!("rate limit {posts} posts in {seconds} s"),
            _ => "rate limit off".to_owned(),
        },
        (_, Value::Bool(true)) => format!("+{name}"),
        (_, Value::Bool(false)) => format!("-{name}"),
        (_, Value::String(text)) => format!("{name} {text}"),
        (_, other) => format!("{name} {other}"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// What programs are told.
pub(super) fn object(record: &Record) -> Value {
    json!({
        "at": Timestamp::from_nanos(record.at),
        "by": record.actor,
        "action": record.action,
        "room": record.room,
        "person": record.target,
        "detail": details(record),
        "reason": record.reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_named_whole_or_by_what_they_are_done_to() {
        for good in ["ban", "ban.lift", "room", "message.purge"] {
            assert_eq!(action(good).as_deref(), Ok(good));
        }
        for bad in ["", "ba", "ban.", "ban.lifted", "%"] {
            assert!(action(bad).is_err(), "{bad}");
        }
    }
}
