//! Starting and stopping a file server.

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result};
use http::HeaderName;
use shared::blob::BlobStore;
use shared::clock::Clock;
use shared::filing::{LEFTOVER_AGE, meet};
use shared::http::{Front, Health, RunningFront, listen, serve_ops};
use shared::jobs::Jobs;
use shared::serving::Serving;
use shared::telemetry;

use crate::app::FileServer;
use crate::jobs;
use crate::keys::Keys;
use crate::settings::Settings;
use crate::store::Store;

/// A file server that serves.
pub struct Running {
    app: Arc<FileServer>,
    front: RunningFront,
    jobs: Jobs,
    keys: Keys,
    serving: Arc<Serving>,
}

impl Running {
    /// Makes what is missing in the data folder, opens database and files, and serves.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, worded for the operator.
    pub async fn start(settings: Settings, clock: Clock) -> Result<Self> {
        let data = settings.data();
        Keys::refuse_second(&data)?;
        make_folder(&data)?;
        let store = Store::open(&settings.database())
            .await
            .context("the database cannot be used")?;
        let serving = Serving::begin(store.database()).await?;
        let keys = Keys::read_or_create(&data)?;
        let blobs = BlobStore::open(&settings.blobs()).context("the place for the files cannot be used")?;
        meet(store.database(), &blobs).await?;
        match blobs.clean_staging(clock.now().minus(LEFTOVER_AGE)).await {
            Ok(0) => {}
            Ok(leftovers) => tracing::info!(leftovers, "removed leftovers of interrupted writes"),
            Err(error) => tracing::warn!(%error, "leftovers of interrupted writes could not be removed"),
        }
        let listener = listen(settings.listen())?;
        let app = FileServer::new(settings, store, blobs, keys.onion.clone(), clock);
        app.files.recount().await?;
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
            let health: Arc<dyn Health> = Arc::<FileServer>::clone(&app);
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
            keys,
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
    pub fn app(&self) -> &Arc<FileServer> {
        &self.app
    }

    /// Its keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Stops accepting, answers what is in flight, and closes the database.
    pub async fn stop(self) {
        self.app.stopping.store(true, Ordering::Relaxed);
        self.front.stop().await;
        self.jobs.stop().await;
        self.serving.end().await;
        self.app.files.store().database().close().await;
    }
}

/// Makes a folder that only its owner may look into, if there is none.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
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
