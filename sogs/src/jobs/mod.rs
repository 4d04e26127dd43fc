//! Timed work. Each job is on its own: one that fails or panics is logged and tried again at its next turn, and the
//! others go on. Where several processes share a database, one of them at a time does the work that needs doing once.

mod keeping;
mod watching;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use rand::RngExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::app::Community;

pub use keeping::{LEASE, flush_activity, keep_once};
pub use watching::catch_up;

/// How often SQLite's write-ahead log is moved into the database.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// The jobs of one process, running until they are dropped or stopped.
#[derive(Debug, Default)]
pub struct Jobs(JoinSet<()>);

impl Jobs {
    /// Starts all jobs.
    #[must_use]
    pub fn start(app: &Arc<Community>) -> Self {
        let mut jobs = Self(JoinSet::new());
        jobs.add("watching for changes", watching::watching(Arc::clone(app)));
        jobs.add("keeping order", keeping::keeping(Arc::clone(app)));
        jobs.add("tidying up", keeping::tidying(Arc::clone(app)));
        jobs.add("writing down activity", keeping::flushing(Arc::clone(app)));
        jobs.add("moving the write-ahead log", checkpointing(Arc::clone(app)));
        jobs
    }

    fn add(&mut self, name: &'static str, job: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(async move {
            // Jobs go on until they are dropped; what is done here is only reached when one broke off.
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

async fn checkpointing(app: Arc<Community>) {
    let mut turns = Turns::every(CHECKPOINT_INTERVAL);
    loop {
        turns.next().await;
        let checkpoint = async {
            let moved = app.store.database().checkpoint().await;
            report(moved, "moving the write-ahead log into the database");
        };
        turns.take("moving the write-ahead log", checkpoint).await;
    }
}

/// The turns of a job: one at once, then one after each interval, with a little jitter so that several processes do not
/// move in step.
struct Turns {
    interval: Duration,
    next: Instant,
}

impl Turns {
    fn every(interval: Duration) -> Self {
        Self {
            interval,
            next: Instant::now(),
        }
    }

    /// Waits for the next turn.
    async fn next(&mut self) {
        sleep_until(self.next).await;
        let jitter = self.interval.mul_f64(rand::rng().random_range(0.0..0.1));
        self.next = Instant::now() + self.interval + jitter;
    }

    /// Does the work of a turn. A panic ends the turn, not the job.
    async fn take(&self, name: &'static str, work: impl Future<Output = ()>) {
        if AssertUnwindSafe(work).catch_unwind().await.is_err() {
            tracing::error!(job = name, "timed work panicked; it is tried again at its next turn");
        }
    }
}

fn report<T, E: std::fmt::Display>(outcome: Result<T, E>, work: &str) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "{work} failed; it is tried again later");
    }
}
