//! Timed work. Each job is on its own: one that fails or panics is logged and tried again at its next turn, and the
//! others go on. Where several processes share a database, one of them at a time does the work that needs doing once.

mod fetch;
mod releases;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use rand::RngExt;
use shared::db::Lease;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::app::FileServer;
use crate::settings::VersionSource;

/// How often strays are looked for, and old statistics thrown away.
const TIDY_INTERVAL: Duration = Duration::from_secs(6 * 60 * 60);

/// How often SQLite's write-ahead log is moved into the database.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// Name of the lease for work that needs doing once. One of the running servers holds it.
pub const LEASE: &str = "timed-work";

/// The jobs of one process, running until they are dropped or stopped.
pub struct Jobs(JoinSet<()>);

impl Jobs {
    /// Starts all jobs.
    #[must_use]
    pub fn start(app: &Arc<FileServer>) -> Self {
        let mut jobs = Self(JoinSet::new());
        jobs.add("sweeping and tidying up", keeping(Arc::clone(app)));
        jobs.add("moving the write-ahead log", checkpointing(Arc::clone(app)));
        match app.settings.versions.source {
            VersionSource::Off => {}
            VersionSource::File => jobs.add("reading versions.file", releases::rereading(Arc::clone(app))),
            VersionSource::Fetch => jobs.add("fetching app versions", fetch::fetching(Arc::clone(app))),
        }
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

/// The work that needs doing once, under one lease.
async fn keeping(app: Arc<FileServer>) {
    let mut sweeps = Turns::every(app.settings.files.sweep_interval.0);
    let mut tidyings = Turns::every(TIDY_INTERVAL);
    let mut lease = None;
    loop {
        tokio::select! {
            () = sweeps.next() => sweeps.take("sweeping", sweep(&app, &mut lease)).await,
            () = tidyings.next() => tidyings.take("tidying up", tidy(&app, &mut lease)).await,
        }
    }
}

async fn checkpointing(app: Arc<FileServer>) {
    let mut turns = Turns::every(CHECKPOINT_INTERVAL);
    loop {
        turns.next().await;
        let checkpoint = async {
            report(
                app.files.store().database().checkpoint().await,
                "moving the write-ahead log into the database",
            );
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
        let now = Instant::now();
        // The bounds of the settings rule out an interval that does not fit; trying again at once would be worse.
        self.next = now
            .checked_add(self.interval.saturating_add(jitter))
            .unwrap_or(now + TIDY_INTERVAL);
    }

    /// Does the work of a turn. A panic ends the turn, not the job.
    async fn take(&self, name: &'static str, work: impl Future<Output = ()>) {
        if AssertUnwindSafe(work).catch_unwind().await.is_err() {
            tracing::error!(job = name, "timed work panicked; it is tried again at its next turn");
        }
    }
}

/// Whether this process is the one that does the work that needs doing once; tries to become it if not.
async fn holds_lease(app: &FileServer, lease: &mut Option<Lease>) -> bool {
    if let Some(held) = lease {
        if held.still_held().await {
            return true;
        }
        *lease = None;
    }
    match app.files.store().database().lease(LEASE).await {
        Ok(taken) => *lease = taken,
        Err(error) => tracing::warn!(%error, "could not ask who does the timed work"),
    }
    lease.is_some()
}

async fn sweep(app: &FileServer, lease: &mut Option<Lease>) {
    report(app.files.recount().await, "counting the bytes of all files");
    if !holds_lease(app, lease).await {
        return;
    }
    match app.files.sweep().await {
        Ok(0) => {}
        Ok(expired) => {
            metrics::counter!("files_expired_total").increment(expired as u64);
            tracing::debug!(expired, "swept");
        }
        Err(error) => tracing::warn!(%error, "the sweep was broken off; the next one goes on"),
    }
}

async fn tidy(app: &FileServer, lease: &mut Option<Lease>) {
    if !holds_lease(app, lease).await {
        return;
    }
    match app.files.remove_strays().await {
        Ok(0) => {}
        Ok(strays) => tracing::info!(strays, "removed bytes without a row, as a crash leaves them behind"),
        Err(error) => tracing::warn!(%error, "the hunt for bytes without a row was broken off"),
    }
    report(
        app.files.store().forget_old_checks(app.clock.now()).await,
        "throwing away old statistics",
    );
}

fn report<T, E: std::fmt::Display>(outcome: Result<T, E>, work: &str) {
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
        let turns = Turns::every(TIDY_INTERVAL);
        turns.take("a test", async { panic!("as a test wants it") }).await;
    }
}
