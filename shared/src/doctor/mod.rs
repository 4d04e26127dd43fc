//! Finds out what is wrong with a server and says what to do about it: from inside, on the machine that it runs on, and
//! from outside, as a client sees it.
//!
//! What both servers have is checked here; each adds what only it knows. Nothing is changed, made or brought up to date,
//! no secret is shown, and every check ends in its time.

mod bytes;
mod configuration;
mod files;
mod inside;
mod machine;
mod outside;
mod proxy;
mod report;
mod rows;
mod running;
mod transfer;
mod visit;

use std::time::Duration;

use serde::Serialize;

pub use configuration::configuration;
pub use files::key_file;
pub use inside::Inside;
pub use outside::{Outside, Reached};
pub use report::Report;
pub use running::{Running, running};
pub use transfer::{Sent, Transfer};
pub use visit::{settings, visit};

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// All is well.
    Ok,
    /// It could not be looked at, for a reason that is no fault.
    Skipped,
    /// It works, but not as it should, or not for long.
    Warning,
    /// It does not work.
    Error,
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at, in a word that stays the same from release to release.
    pub check: &'static str,
    /// What was found.
    pub sentence: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            check,
            sentence: sentence.into(),
            remedy: None,
        }
    }

    /// It was not looked at, and why.
    pub fn skipped(check: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            level: Level::Skipped,
            ..Self::ok(check, sentence)
        }
    }

    /// It works, but not as it should, or not for long.
    pub fn warning(check: &'static str, sentence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            remedy: Some(remedy.into()),
            ..Self::ok(check, sentence)
        }
    }

    /// It does not work.
    pub fn error(check: &'static str, sentence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            remedy: Some(remedy.into()),
            ..Self::ok(check, sentence)
        }
    }
}

/// What work comes to, if it is done in this time.
async fn within<T>(patience: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(patience, work).await.ok()
}

/// A sentence from what stands within one.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let text: String = first.chain(letters).collect();
    if text.ends_with('.') { text } else { text + "." }
}

/// An error with all that led to it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
