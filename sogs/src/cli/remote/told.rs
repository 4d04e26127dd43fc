//! How things are told.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;
use shared::config::Span;
use shared::crypto::{BlindingFactor, UserId};

use crate::cli::letters::NAMES;
use crate::remote::{Community, Message, Planned, Rights};

/// A time, if there is one.
pub(super) fn time(moment: Option<Timestamp>) -> String {
    moment.map(output::time).unwrap_or_default()
}

/// Lines that somebody wrote, fit for a terminal.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(output::plain).collect()
}

/// Prints what a list has, an entry a line. Ids are whole however narrow the terminal is, for servers take no others.
pub(super) fn list<T>(
    format: Format,
    entries: &[T],
    nothing: &str,
    name: impl Fn(&T) -> String,
    object: impl Fn(&T) -> Value,
    line: impl Fn(&T) -> String,
) -> Result<()> {
    if format.json {
        return output::json(&entries.iter().map(object).collect::<Vec<_>>());
    }
    if format.quiet {
        entries.iter().for_each(|entry| println!("{}", name(entry)));
    } else if entries.is_empty() {
        println!("{nothing}");
    } else {
        entries.iter().for_each(|entry| println!("{}", line(entry)));
    }
    Ok(())
}

/// A message in two lines.
pub(super) fn message(message: &Message) -> String {
    let name = message.author_name();
    let name = if name.is_empty() {
        String::new()
    } else {
        format!("  {name}")
    };
    let whisper = if message.whisper { "  (whisper)" } else { "" };
    format!(
        "{}  {}  {}{name}{whisper}\n    {}",
        message.id,
        time(message.posted),
        output::plain(&message.session_id),
        message.line()
    )
}

/// What differs for somebody, in a few words.
pub(super) fn rights(rights: &Rights) -> String {
    let flags = [rights.read, rights.write, rights.upload, rights.accessible];
    let mut words = signed(flags);
    let hidden = if rights.hidden { "hidden " } else { "" };
    if rights.admin {
        words.push(format!("{hidden}admin"));
    } else if rights.moderator {
        words.push(format!("{hidden}moderator"));
    }
    if rights.banned {
        words.push("banned".to_owned());
    }
    words.join(", ")
}

/// What is to change for somebody, in a few words.
pub(super) fn planned(planned: &Planned) -> String {
    let mut words = signed([planned.read, planned.write, planned.upload, None]);
    match planned.banned {
        Some(true) => words.push("banned".to_owned()),
        Some(false) => words.push("no longer banned".to_owned()),
        None => {}
    }
    words.join(", ")
}

fn signed(flags: [Option<bool>; 4]) -> Vec<String> {
    let named = NAMES.iter().zip(flags);
    let told = named.filter_map(|(name, flag)| flag.map(|flag| format!("{}{name}", if flag { '+' } else { '-' })));
    told.collect()
}

/// A span that a server can make something of.
pub(super) fn span(Span(span): Span, longest: Duration) -> Result<Duration> {
    if span.is_zero() || span > longest {
        bail!(
            "a time from 1 second to {} is needed",
            humantime::format_duration(longest)
        );
    }
    Ok(span)
}

/// Whether this is the same person, known by either id.
pub(super) fn is_same(community: &Community, given: &UserId, seen: &str) -> bool {
    match (given, seen.parse::<UserId>()) {
        (UserId::Session(account), Ok(UserId::Blinded(blinded))) => {
            let factor = BlindingFactor::for_server(&community.link().key);
            factor.matches(account, &blinded).unwrap_or(false)
        }
        (given, Ok(seen)) => *given == seen,
        _ => false,
    }
}
