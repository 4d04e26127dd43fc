//! Timed work. Each job is on its own: one that fails or panics is logged and tried again at its next turn, and the
//! others go on. Where several processes share a database, one of them at a time does the work that needs doing once.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use rand::RngExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::db::{Database, Lease};

/// How often SQLite's write-ahead log is moved into the database.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// The turn after an interval too long to be added to a time.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The jobs of one process, running until they are dropped or stopped.
#[derive(Debug, Default)]
pub struct Jobs(JoinSet<()>);

impl Jobs {
    /// Starts a job, which goes on until it is dropped.
    pub fn add(&mut self, name: &'static str, job: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(async move {
            // What is done here is only reached when a job broke off.
            let panicked = AssertUnwindSafe(job).catch_unwind().await.is_err();
            tracing::error!(
                job = name,
                panicked,
                "timed work ended; it is not done until the server is restarted"
            );
        });
    }

    /// Stops all jobs. What one was in the middle of is undone or finished by the next start.
    pub async fn stop(mut self) {
        self.0.shutdown().await;
    }
}

/// The turns of a job: one at once, then one after each interval, with a little jitter so that several processes do not
/// move in step.
#[derive(Debug)]
pub struct Turns {
    interval: Duration,
    next: Instant,
}

impl Turns {
    /// Turns with this interval.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            next: Instant::now(),
        }
    }

    /// Waits for the next turn.
    pub async fn next(&mut self) {
        sleep_until(self.next).await;
        let jitter = self.interval.mul_f64(rand::rng().random_range(0.0..0.1));
        let now = Instant::now();
        // The bounds of the settings rule out an interval that does not fit; trying again at once would be worse.
        self.next = now
            .checked_add(self.interval.saturating_add(jitter))
            .unwrap_or(now + NEVER);
    }

    /// Does the work of a turn. A panic ends the turn, not the job.
    pub async fn take(&self, name: &'static str, work: impl Future<Output = ()>) {
        if AssertUnwindSafe(work).catch_unwind().await.is_err() {
            tracing::error!(job = name, "timed work panicked; it is tried again at its next turn");
        }
    }
}

/// Whether this process is the one that does the work that needs doing once, under the lease of this name; tries to become
/// it if not.
pub async fn holds_lease(database: &Database, lease: &mut Option<Lease>, name: &str) -> bool {
    if let Some(held) = lease {
        if held.still_held().await {
            return true;
        }
        *lease = None;
    }
    match database.lease(name).await {
        Ok(taken) => *lease = taken,
        Err(error) => tracing::warn!(%error, "could not ask who does the timed work"),
    }
    lease.is_some()
}

/// The job that keeps SQLite's write-ahead log short.
pub async fn checkpointing(database: Database) {
    let mut turns = Turns::every(CHECKPOINT_INTERVAL);
    loop {
        turns.next().await;
        let checkpoint = async {
            report(
                database.checkpoint().await,
                "moving the write-ahead log into the database",
            );
        };
        turns.take("moving the write-ahead log", checkpoint).await;
    }
}

/// Says what could not be done, if that is so.
pub fn report<T, E: std::fmt::Display>(outcome: Result<T, E>, work: &str) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "{work} failed; it is tried again later");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_interval_without_end_does_not_break_a_job() {
        let mut turns = Turns::every(Duration::from_secs(i64::MAX.unsigned_abs()));
        turns.next().await;
        assert!(turns.next > Instant::now());
    }

    #[tokio::test]
    async fn a_panic_ends_the_turn_and_not_the_job() {
        let turns = Turns::every(NEVER);
        turns.take("a test", async { panic!("as a test wants it") }).await;
    }
}
