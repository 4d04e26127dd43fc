//! Telling what became of many things.

use std::process::ExitCode;

use super::UNKNOWN;
use crate::cli::NAME;
use crate::remote::{Outcome, Refusal, Right};

/// What was done so far, as the exit code tells it.
#[derive(Default)]
pub(super) struct Report(u8);

impl Report {
    /// Tells what was done, or why it was not.
    pub(super) fn outcome(&mut self, outcome: &Outcome, done: &str, tried: &str, needed: Right) {
        match outcome {
            Ok(_) => println!("{done}"),
            Err(refusal) => self.refused(refusal, tried, needed),
        }
    }

    /// Tells why something was not done.
    pub(super) fn refused(&mut self, refusal: &Refusal, tried: &str, needed: Right) {
        eprintln!("{NAME}: {tried}: {}", refusal.explained(needed));
        self.0 = self.0.max(if refusal.is_failure() { UNKNOWN } else { 1 });
    }

    /// Tells what stands in the way.
    pub(super) fn problem(&mut self, text: &str) {
        eprintln!("{NAME}: {text}");
        self.0 = self.0.max(1);
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.0)
    }
}
