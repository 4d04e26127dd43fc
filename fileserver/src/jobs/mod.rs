//! Timed work, each kind a job of its own. Where several processes share a database, one of them at a time does what needs
//! doing once.

mod fetch;
mod releases;

use std::sync::Arc;
use std::time::Duration;

use shared::db::Lease;
use shared::filing::LEFTOVER_AGE;
use shared::jobs::{self, Jobs, Turns, checkpointing, report};
use shared::serving::Serving;

use crate::app::FileServer;
use crate::settings::VersionSource;

/// How often strays are looked for, and old statistics thrown away.
pub(crate) const TIDY_INTERVAL: Duration = Duration::from_secs(6 * 60 * 60);

/// Name of the lease for work that needs doing once. One of the running servers holds it.
const LEASE: &str = "timed-work";

/// Starts all jobs.
#[must_use]
pub fn start(app: &Arc<FileServer>, serving: Arc<Serving>) -> Jobs {
    let mut jobs = Jobs::default();
    jobs.add("saying that it runs", serving.keep());
    jobs.add("sweeping and tidying up", keeping(Arc::clone(app)));
    let database = app.files.store().database().clone();
    jobs.add("moving the write-ahead log", checkpointing(database));
    match app.settings.versions.source {
        VersionSource::Off => {}
        VersionSource::File => jobs.add("reading versions.file", releases::rereading(Arc::clone(app))),
        VersionSource::Fetch => jobs.add("fetching app versions", fetch::fetching(Arc::clone(app))),
    }
    jobs
}

/// The work that needs doing once, under one lease.
async fn keeping(app: Arc<FileServer>) {
    let mut sweeps = Turns::every(app.settings.files.sweep_interval.0);
    let mut tidyings = Turns::every(TIDY_INTERVAL);
    let mut lease = None;
    // The start has just counted.
    let mut counted = true;
    loop {
        tokio::select! {
            () = sweeps.next() => {
                if !std::mem::take(&mut counted) {
                    sweeps.take("counting", recount(&app)).await;
                }
                sweeps.take("sweeping", sweep(&app, &mut lease)).await;
            },
            () = tidyings.next() => if holds_lease(&app, &mut lease).await {
                tidyings.take("tidying up", tidy(&app)).await;
            },
        }
    }
}

/// Whether this process is the one that does the work that needs doing once.
async fn holds_lease(app: &FileServer, lease: &mut Option<Lease>) -> bool {
    jobs::holds_lease(app.files.store().database(), lease, LEASE).await
}

/// Every process counts for itself.
async fn recount(app: &FileServer) {
    report(app.files.recount().await, "counting the bytes of all files");
}

async fn sweep(app: &FileServer, lease: &mut Option<Lease>) {
    if !holds_lease(app, lease).await {
        return;
    }
    match app.files.sweep().await {
        Ok(0) => {}
        Ok(expired) => tracing::debug!(expired, "swept"),
        Err(error) => tracing::warn!(%error, "the sweep was broken off; the next one goes on"),
    }
}

/// Looks for leftovers of writes and for bytes without a row, as a crash leaves them behind, and throws away old
/// statistics.
pub async fn tidy(app: &FileServer) {
    let old = app.clock.now().minus(LEFTOVER_AGE);
    report(
        app.files.blobs().clean_staging(old).await,
        "removing leftovers of interrupted writes",
    );
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
