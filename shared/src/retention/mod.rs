//! What a server keeps about people, where and for how long: as a page to publish, and as a list for programs.
//!
//! Each server tells its own, out of its settings and the constants that its code goes by, so that the page cannot say
//! anything but what happens.

mod page;
mod term;

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::blob::BlobOptions;
use crate::config::MISS_WINDOW;
use crate::db::DbOptions;
use crate::telemetry;

pub use term::{Term, words};

/// What logs have, at the level that is set. `ids` says whose.
#[must_use]
pub fn logs(level: Option<&str>, ids: &str) -> Vec<String> {
    let what = match level {
        Some(level) if telemetry::logs_ids(level) => format!(
            "Logs have {ids}, because `log_level` is `{level}`. Use this level briefly, and remove the logs afterwards."
        ),
        _ => format!("Logs have no {ids}; they would if `log_level` were `debug` or `trace`."),
    };
    vec![format!(
        "{what} They have no addresses, and there is no log of requests. How long logs are kept is up to the system that \
         takes them. The proxy in front has logs of its own: those in `docker/` are set to write no access log, and no \
         errors with addresses in them; with another proxy, see to it there."
    )]
}

/// All that a server keeps.
#[derive(Clone, Debug)]
pub struct Retention {
    /// The name of the program.
    pub program: &'static str,
    /// What kind of server it is, as in "the file server".
    pub kind: &'static str,
    /// Where its database is.
    pub database: DbOptions,
    /// Where its files are.
    pub blobs: BlobOptions,
    /// All of it, in the order of the page.
    pub kept: Vec<Kept>,
    /// What else is to be said, each with its heading.
    pub notes: Vec<(&'static str, Vec<String>)>,
}

/// Something that is kept.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// What.
    pub what: String,
    /// About whom.
    pub about: &'static str,
    /// Where.
    #[serde(rename = "where")]
    pub place: Place,
    /// For how long.
    #[serde(flatten)]
    pub term: Term,
}

/// Where something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the database.
    Database,
    /// Among the files: in their folder or bucket.
    Files,
    /// In both.
    DatabaseAndFiles,
    /// In the data folder.
    DataFolder,
    /// In the memory of the server only, so that it is gone when that stops.
    Memory,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Database => "database",
            Self::Files => "files",
            Self::DatabaseAndFiles => "database and files",
            Self::DataFolder => "data folder",
            Self::Memory => "memory",
        })
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Kept {
    /// What is kept about whom, where and for how long.
    #[must_use]
    pub fn new(what: impl Into<String>, about: &'static str, place: Place, term: Term) -> Self {
        Self {
            what: what.into(),
            about,
            place,
            term,
        }
    }

    /// Addresses of clients that are slowed down; the same on both servers.
    #[must_use]
    pub fn addresses(misses_per_minute: u32) -> Self {
        let key = "http.misses_per_minute";
        Self::new(
            "Addresses (of IPv6 the network) of direct callers that asked for what does not exist, to slow down whoever \
             guesses. Requests through the onion network carry no address of the person who makes them",
            "direct callers",
            Place::Memory,
            match misses_per_minute {
                0 => Term::off(key),
                _ => Term::span(MISS_WINDOW)
                    .unless_zero(key)
                    .or_sooner("what is over goes when the next requests come"),
            },
        )
    }
}

impl Retention {
    /// All that is kept, for programs.
    #[must_use]
    pub fn list(&self) -> Value {
        json!(self.kept)
    }
}
