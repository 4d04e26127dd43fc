//! The command `check`: whether rows and bytes fit together.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use tokio::time::Instant;

use super::{output, progress};
use crate::checkup::{Cursor, Finding, Plan, Subject, Summary, Watch, check};
use crate::clock::Clock;
use crate::config::Span;

/// Look for files without bytes, bytes without a file and other damage; with --repair mend it
///
/// Reads all bytes, beside a running server. Without --repair nothing is changed. With it, files whose bytes are missing
/// or damaged are removed, so that they can be uploaded again, and so are bytes that no file has; rows that contradict
/// each other are put right. Bytes that could not be read and damage to the database itself are only reported.
///
/// A check that was broken off by --for or Ctrl-C says with which --from it goes on. The exit code is 0 if there was
/// nothing to find in what was looked at or all of it was repaired, and 1 if something remains or stood in the way.
#[derive(Args)]
pub struct Check {
    /// Mend what can be mended, and remove what cannot
    #[arg(long)]
    repair: bool,
    /// Stop after this time, such as "10m"
    #[arg(long = "for", value_name = "TIME", value_parser = Span::with_unit)]
    span: Option<Span>,
    /// Go on where a check was broken off, with what it printed
    #[arg(long, value_name = "CURSOR", default_value_t)]
    from: Cursor,
    /// Print JSON, one object a line: what is found, and at last a summary
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Checks, and says what was found.
    ///
    /// # Errors
    ///
    /// When the check could not go on.
    pub async fn run<S: Subject>(&self, subject: &S) -> Result<ExitCode> {
        let mut watch = Terminal {
            json: self.json,
            bar: progress::files(),
            deadline: self.span.and_then(|span| Instant::now().checked_add(span.0)),
            interrupted: interrupted(),
            reached: self.from.clone(),
        };
        let plan = Plan {
            from: self.from.clone(),
            repair: self.repair,
            clock: Clock::system(),
        };
        let outcome = check(subject, plan, &mut watch).await;
        watch.bar.finish_and_clear();
        let summary = outcome.with_context(|| format!("broken off; go on with --from {}", watch.reached))?;
        if self.json {
            println!("{}", json!({ "summary": summary }));
        } else {
            self.print(S::NAME, &summary);
        }
        Ok(if summary.found == summary.repaired {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn print(&self, program: &str, summary: &Summary) {
        let Summary {
            files,
            bytes,
            blobs,
            found,
            repaired,
            pending,
            next,
        } = summary;
        println!("files     {files} ({})", output::size(*bytes));
        println!("blobs     {blobs}");
        if *pending > 0 {
            println!("pending   {pending} blobs of files that are gone; a running server deletes them");
        }
        println!("found     {found}");
        if self.repair {
            println!("repaired  {repaired}");
        } else if *found > 0 {
            println!(
                "\nNothing was changed. `{program} check --repair` removes or mends what is missing, damaged or stray."
            );
        }
        if let Some(next) = next {
            println!("\nBroken off. To go on: {program} check --from {next}");
        }
    }
}

struct Terminal {
    json: bool,
    bar: ProgressBar,
    deadline: Option<Instant>,
    interrupted: Arc<AtomicBool>,
    reached: Cursor,
}

impl Watch for Terminal {
    fn expect(&mut self, files: u64) {
        self.bar.set_length(files);
    }

    fn checked(&mut self) {
        self.bar.inc(1);
    }

    fn reached(&mut self, cursor: &Cursor) {
        self.reached.clone_from(cursor);
    }

    fn found(&mut self, finding: &Finding) {
        self.bar.suspend(|| {
            if self.json {
                println!("{}", json!(finding));
            } else {
                println!("{finding}");
            }
        });
    }

    fn is_over(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Turns true at Ctrl-C, which ends the checkup after the file at hand.
fn interrupted() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            raised.store(true, Ordering::Relaxed);
        }
    });
    flag
}
