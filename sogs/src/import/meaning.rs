//! What each key of `sogs.ini` is here, and how its value is written.

use std::time::Duration;

use toml::Value;

use Meaning::{Address, Alphabets, Bytes, Days, Flag, Level, Nothing, Path};

use crate::links;

/// What a value of the old configuration is to us.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Address,
    Flag(&'static str),
    Days(&'static str),
    Bytes(&'static str),
    Path(&'static str),
    Alphabets(&'static str),
    Level,
    /// Nothing, and why.
    Nothing(&'static str),
}

/// All keys of PySOGS but those of rooms and of replies, with the names of their sections.
pub(super) const KEYS: &[(&str, Meaning)] = &[
    ("net.base_url", Address),
    ("log.level", Level),
    ("users.require_blind_keys", Flag("users.require_blind_keys")),
    ("rooms.active_threshold", Days("rooms.active_threshold")),
    ("rooms.active_prune_threshold", Days("rooms.active_prune_threshold")),
    (
        "messages.history_prune_threshold",
        Days("messages.history_prune_threshold"),
    ),
    ("files.expiry", Days("files.expiry")),
    ("files.max_size", Bytes("files.max_size")),
    ("direct_messages.expiry", Days("direct_messages.expiry")),
    (
        "web.template_path",
        Nothing("templates of PySOGS do not fit this server"),
    ),
    (
        "web.static_path",
        Nothing("files for pages of PySOGS do not fit this server"),
    ),
    ("net.http_show_index", Flag("web.show_index")),
    ("net.http_show_recent", Flag("web.show_messages")),
    ("messages.profanity_filter", Flag("filters.profanity_filter")),
    ("messages.profanity_silent", Flag("filters.profanity_silent")),
    ("messages.profanity_custom", Path("filters.profanity_custom")),
    ("messages.alphabet_filters", Alphabets("filters.alphabet_filters")),
    ("messages.alphabet_silent", Flag("filters.alphabet_silent")),
    ("messages.filter_mods", Flag("filters.filter_mods")),
    (
        "db.url",
        Nothing("`sogs import` takes the rooms over; for a PostgreSQL of its own set database_url"),
    ),
    (
        "crypto.key_file",
        Nothing("the key is in the data folder, where `sogs import` puts it"),
    ),
    (
        "files.uploads_dir",
        Nothing("files are in the data folder or where blob_url says; `sogs import` copies them"),
    ),
    ("net.omq_listen", Nothing("this server has no message queue")),
    ("net.omq_internal", Nothing("this server has no message queue")),
];

/// What may be set for a room.
pub(super) const OF_ROOMS: &[(&str, Meaning)] = &[
    ("profanity_filter", Flag("profanity_filter")),
    ("profanity_silent", Flag("profanity_silent")),
    ("alphabet_filters", Alphabets("alphabet_filters")),
    ("alphabet_silent", Flag("alphabet_silent")),
];

const ALPHABETS: [&str; 3] = ["arabic", "cyrillic", "persian"];

const DAY: f64 = 86_400.0;
const DAY_SECONDS: u64 = 86_400;

pub(super) fn address(value: &str) -> Result<Value, &'static str> {
    links::base_url(value).map(Value::String)
}

pub(super) fn level(value: &str) -> Result<Value, &'static str> {
    let level = match value.to_ascii_uppercase().as_str() {
        "CRITICAL" | "ERROR" => "error",
        "WARNING" => "warn",
        "INFO" => "info",
        "DEBUG" => "debug",
        _ => return Err("it is no level"),
    };
    Ok(Value::String(level.to_owned()))
}

pub(super) fn flag(value: &str) -> Result<bool, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "on" | "1" => Ok(true),
        "n" | "no" | "false" | "off" | "0" => Ok(false),
        _ => Err("it is neither yes nor no"),
    }
}

/// Days, with fractions; nothing and 0 are for ever.
pub(super) fn days(value: &str) -> Result<Value, &'static str> {
    let span = span(value)?;
    if span.is_zero() {
        return Ok(Value::Integer(0));
    }
    Ok(Value::String(in_days(span)))
}

/// A number of days as a span, if it is one and not for ever.
pub(super) fn span_of(value: &str) -> Option<Duration> {
    span(value).ok().filter(|span| !span.is_zero())
}

fn span(value: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "it is no number of days";
    let days: f64 = if value.is_empty() {
        0.0
    } else {
        value.parse().map_err(|_| WRONG)?
    };
    let span = Duration::try_from_secs_f64(days * DAY).map_err(|_| WRONG)?;
    // A whole number of milliseconds says what was meant; days with fractions have noise behind it.
    let millis = u64::try_from(span.as_millis()).map_err(|_| WRONG)?;
    Ok(Duration::from_millis(millis))
}

/// A span with days as its largest unit: months and years have no fixed length for people.
fn in_days(span: Duration) -> String {
    let days = span.as_secs() / DAY_SECONDS;
    let rest = span.saturating_sub(Duration::from_secs(days * DAY_SECONDS));
    let plural = if days == 1 { "" } else { "s" };
    match (days, rest.is_zero()) {
        (0, _) => humantime::format_duration(rest).to_string(),
        (_, true) => format!("{days}day{plural}"),
        (_, false) => format!("{days}day{plural} {}", humantime::format_duration(rest)),
    }
}

pub(super) fn bytes(value: &str) -> Result<Value, &'static str> {
    let bytes = value.replace('_', "").parse::<i64>();
    bytes.map(Value::Integer).map_err(|_| "it is no number of bytes")
}

pub(super) fn alphabets(value: &str) -> Result<Value, &'static str> {
    let names = value.split([',', ' ', '\t', '\n']).filter(|name| !name.is_empty());
    let names: Vec<String> = names.map(str::to_ascii_lowercase).collect();
    if names.iter().any(|name| !ALPHABETS.contains(&name.as_str())) {
        return Err("one of these is no alphabet that can be filtered");
    }
    Ok(Value::Array(names.into_iter().map(Value::String).collect()))
}
