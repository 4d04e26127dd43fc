//! What needs doing every few seconds: by one process for all, but for each process's own activity.

use std::sync::Arc;
use std::time::Duration;

use shared::db::DbError;
use shared::filing::LEFTOVER_AGE;
use shared::jobs::{Turns, holds_lease, report};

use crate::app::Community;
use crate::store::Stale;

/// How often everything is seen to.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

/// How often strays are looked for.
pub(crate) const TIDY_INTERVAL: Duration = Duration::from_secs(6 * 60 * 60);

/// How much of that is written at a time, so that others get their turn in between.
const FLUSH_STEP: usize = 500;

/// How much longer than it counts a nonce is kept: clocks of several machines differ, and a request that was let in at the
/// last moment may wait for its turn.
pub(crate) const NONCE_SLACK: Duration = Duration::from_secs(60 * 60);

/// How often it is written down who was seen.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_secs(5);

/// Name of the lease for work that needs doing once. One of the running servers holds it.
const LEASE: &str = "timed-work";

/// Another for what may take long and must not keep the rest waiting.
const TIDYING_LEASE: &str = "tidying";

pub(super) async fn keeping(app: Arc<Community>) {
    let mut turns = Turns::every(INTERVAL);
    let mut lease = None;
    loop {
        turns.next().await;
        if holds_lease(app.store.database(), &mut lease, LEASE).await {
            turns.take("keeping order", keep_once(&app)).await;
        }
    }
}

pub(super) async fn tidying(app: Arc<Community>) {
    let mut turns = Turns::every(TIDY_INTERVAL);
    let mut lease = None;
    loop {
        turns.next().await;
        if holds_lease(app.store.database(), &mut lease, TIDYING_LEASE).await {
            turns.take("tidying up", tidy(&app)).await;
        }
    }
}

/// Looks for leftovers of writes and for bytes without a row, as a crash leaves them behind, and for times in the future.
pub async fn tidy(app: &Community) {
    mend_future(app).await;
    let old = app.clock.now().minus(LEFTOVER_AGE);
    report(
        app.blobs.clean_staging(old).await,
        "removing leftovers of interrupted writes",
    );
    match app.files.remove_strays().await {
        Ok(0) => {}
        Ok(strays) => tracing::info!(strays, "removed bytes without a row, as a crash leaves them behind"),
        Err(error) => tracing::warn!(%error, "the hunt for bytes without a row was broken off"),
    }
}

/// Brings back to now what comes from a clock that was ahead.
async fn mend_future(app: &Community) {
    let lifetime = app.settings.direct_messages.expiry.0;
    match app.store.mend_future(app.clock.now(), lifetime).await {
        Ok(0) => {}
        Ok(rows) => tracing::warn!(
            rows,
            "times in the future were set to now; was the clock of this machine wrong?"
        ),
        failed => report(failed, "mending times in the future"),
    }
}

pub(super) async fn flushing(app: Arc<Community>) {
    let mut turns = Turns::every(FLUSH_INTERVAL);
    loop {
        turns.next().await;
        let flush = async { report(flush_activity(&app).await, "writing down who was seen") };
        turns.take("writing down activity", flush).await;
        for allowance in [&app.files.allowance, &app.reaction_limit, &app.reply_limit] {
            allowance.forget_idle();
        }
    }
}

/// Writes down who was seen since the last time; nothing if nobody was.
///
/// # Errors
///
/// When the database fails. What was gathered and not written by then is lost, and gathered anew by the next requests.
pub async fn flush_activity(app: &Community) -> Result<(), DbError> {
    for part in app.activity.take().parts(FLUSH_STEP) {
        app.store.write_activity(&part, app.clock.now()).await?;
    }
    Ok(())
}

/// One round of all work that one process does for all. A step that fails does not keep the others from being done.
pub async fn keep_once(app: &Community) {
    let settings = &app.settings;
    let now = app.clock.now();
    report(app.apply_due().await, "applying permissions and bans that are due");
    report(app.files.sweep(&app.directory).await, "deleting expired files");
    let history = now.minus(settings.messages.history_prune_threshold.0);
    report(
        app.store.delete_stale(Stale::History, history).await,
        "deleting what messages said before",
    );
    match app.store.delete_stale(Stale::DirectMessages, now).await {
        Ok(0) => {}
        Ok(_) => app.directory.forget_direct(),
        failed => report(failed, "deleting old direct messages"),
    }
    let nonces = now.minus(NONCE_SLACK);
    report(
        app.store.delete_stale(Stale::Nonces, nonces).await,
        "deleting old nonces",
    );
    let activity = now.minus(settings.rooms.active_prune_threshold.0);
    report(
        app.store.delete_stale(Stale::Activity, activity).await,
        "forgetting old activity",
    );
    let keep = settings.audit.keep.0;
    if !keep.is_zero() {
        report(
            app.store.delete_stale(Stale::Audit, now.minus(keep)).await,
            "deleting what was written down of changes",
        );
    }
    let active = settings.rooms.active_threshold.0;
    match app.store.recount_active_users(now, active).await {
        Ok(counts) => app.directory.set_active_users(&counts),
        failed => report(failed, "counting active users"),
    }
}
