//! Starting and stopping a community server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use http::HeaderName;
use shared::blob::BlobStore;
use shared::clock::Clock;
use shared::crypto::{BlindingFactor, X25519Pair, X25519Public};
use shared::db::Database;
use shared::filing::{LEFTOVER_AGE, meet};
use shared::http::{Front, Health, RunningFront, listen, serve_ops};
use shared::jobs::Jobs;
use shared::serving::Serving;
use shared::telemetry;

use crate::app::Community;
use crate::jobs;
use crate::keys;
use crate::settings::Settings;
use crate::store::{MIGRATIONS, Store};

/// A community server that serves.
pub struct Running {
    app: Arc<Community>,
    front: RunningFront,
    jobs: Jobs,
    serving: Arc<Serving>,
}

impl Running {
    /// Makes what is missing in the data folder, opens database and files, and serves.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, worded for the operator.
    pub async fn start(settings: Settings, clock: Clock) -> Result<Self> {
        let Opened { key, store, serving } = open(&settings).await?;
        let blobs = BlobStore::open(&settings.blobs()).context("the place for the files cannot be used")?;
        meet(store.database(), &blobs).await?;
        match blobs.clean_staging(clock.now().minus(LEFTOVER_AGE)).await {
            Ok(0) => {}
            Ok(leftovers) => tracing::info!(leftovers, "removed leftovers of interrupted writes"),
            Err(error) => tracing::warn!(%error, "leftovers of interrupted writes could not be removed"),
        }
        prepare(&store, &clock, key.public()).await?;
        let listener = listen(settings.listen())?;
        let app = Community::new(settings, store, blobs, key, clock)?;
        let http = &app.settings.common.http;
        let address_header = match &http.client_address_header {
            Some(name) => Some(
                name.parse::<HeaderName>()
                    .context("http.client_address_header is no header name")?,
            ),
            None => None,
        };
        if let Some(address) = app.settings.common.metrics_listen {
            let metrics = telemetry::start_metrics()?;
            let health: Arc<dyn Health> = Arc::<Community>::clone(&app);
            serve_ops(listen(address)?, health, metrics)?;
        }
        let front = Front::new(Arc::clone(&app))
            .limit_misses(http.miss_limiter())
            .address_header(address_header)
            .handlers_at_sockets(app.files.are_local());
        let front = front.start(listener)?;
        let serving = Arc::new(serving);
        let jobs = jobs::start(&app, Arc::clone(&serving));
        Ok(Self {
            app,
            front,
            jobs,
            serving,
        })
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.front.address()
    }

    /// The server itself.
    #[must_use]
    pub fn app(&self) -> &Arc<Community> {
        &self.app
    }

    /// Ends timed work, for tests that count what is written; nothing starts it again.
    pub async fn stop_jobs(&mut self) {
        std::mem::take(&mut self.jobs).stop().await;
    }

    /// Stops accepting, answers what is in flight, and closes the database.
    pub async fn stop(self) {
        self.app.stopping.store(true, Ordering::Relaxed);
        self.front.stop().await;
        self.jobs.stop().await;
        if let Err(error) = jobs::flush_activity(&self.app).await {
            tracing::warn!(%error, "who was seen in the last seconds could not be written down");
        }
        self.serving.end().await;
        self.app.store.database().close().await;
    }

    /// Ends as a crash would: nothing in flight is answered, nothing is written down, nothing is closed in order. For
    /// tests of what is found after one.
    pub async fn break_off(self) {
        self.front.break_off().await;
    }
}

/// What a server works with.
#[derive(Debug)]
pub struct Opened {
    /// Its key.
    pub key: X25519Pair,
    /// Its rows.
    pub store: Store,
    /// What keeps the rows from being brought in by somebody else.
    pub serving: Serving,
}

/// Opens the key and the rows; what is missing is made.
///
/// # Errors
///
/// Whatever stands in the way, worded for the operator.
pub async fn open(settings: &Settings) -> Result<Opened> {
    let data = settings.data();
    keys::refuse_second(&data)?;
    make_folder(&data)?;
    let database = Database::open(&settings.database(), &MIGRATIONS)
        .await
        .context("the database cannot be used")?;
    let serving = Serving::begin(&database).await?;
    let key = keys::read_or_create(&data)?;
    let blinding = settings
        .users
        .require_blind_keys
        .then(|| BlindingFactor::for_server(key.public()));
    let store = Store::on(database, blinding);
    if let Some(import) = store.unfinished_import().await? {
        bail!(import.complaint());
    }
    Ok(Opened { key, store, serving })
}

/// What every start sees to: the server is among the people under its current key, and people who are known by their
/// account are found when they show up with the blinded id.
///
/// # Errors
///
/// When the database fails.
pub async fn prepare(store: &Store, clock: &Clock, key: &X25519Public) -> Result<()> {
    let mut write = store.write(clock.now()).await?;
    write.install_system_user(&format!("ff{key}")).await?;
    let there = write.note_all_unblinded().await?;
    write.commit().await?;
    for account in there {
        let mut write = store.write(clock.now()).await?;
        write.carry_over(&account).await?;
        write.commit().await?;
    }
    Ok(())
}

/// Makes a folder that only its owner may look into, if there is none.
pub(crate) fn make_folder(folder: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| {
            format!(
                "cannot make the folder {}; choose another with --data",
                folder.display()
            )
        })
}
