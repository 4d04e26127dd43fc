//! Timed work, each kind a job of its own. Where several processes share a database, one of them at a time does what needs
//! doing once.

mod keeping;
mod watching;

use std::sync::Arc;

use shared::jobs::{Jobs, checkpointing};
use shared::serving::Serving;

use crate::app::Community;

pub(crate) use keeping::{FLUSH_INTERVAL, INTERVAL, NONCE_SLACK, TIDY_INTERVAL};
pub use keeping::{flush_activity, keep_once, tidy};
pub use watching::catch_up;

/// Starts all jobs.
#[must_use]
pub fn start(app: &Arc<Community>, serving: Arc<Serving>) -> Jobs {
    let mut jobs = Jobs::default();
    jobs.add("saying that it runs", serving.keep());
    jobs.add("watching for changes", watching::watching(Arc::clone(app)));
    jobs.add("keeping order", keeping::keeping(Arc::clone(app)));
    jobs.add("tidying up", keeping::tidying(Arc::clone(app)));
    jobs.add("writing down activity", keeping::flushing(Arc::clone(app)));
    let database = app.store.database().clone();
    jobs.add("moving the write-ahead log", checkpointing(database));
    jobs
}
