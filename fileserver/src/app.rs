//! What the handlers and the timed work share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use http::StatusCode;
use shared::blob::BlobStore;
use shared::clock::Clock;
use shared::config::HttpSettings;
use shared::crypto::{PointCache, ServerKeys};
use shared::filing::FreeSpace;
use shared::http::{App, Budget, Health, Limits, OnionKeys, Response, Router};
use shared::onion::v3::Slashless;

use crate::api;
use crate::files::Files;
use crate::model::{Allowance, Releases, SpentUntil};
use crate::settings::Settings;
use crate::store::Store;

/// The file server.
pub struct FileServer {
    /// The configuration.
    pub settings: Settings,
    /// The files: rows and bytes together.
    pub files: Files,
    /// What time it is.
    pub clock: Clock,
    /// What may be uploaded this minute.
    pub allowance: Allowance,
    /// Until when that is spent.
    pub spent: SpentUntil,
    /// Set when the server has been asked to stop.
    pub stopping: AtomicBool,
    /// Free space on the disks.
    pub space: FreeSpace,
    /// What is known of app versions; replaced as a whole by timed work.
    pub releases: ArcSwap<Releases>,
    /// Keys of version checks that were found to be sound points before.
    pub points: PointCache,
    router: Router<Self>,
    onion_keys: OnionKeys,
    budget: Budget,
    limits: Limits,
}

impl FileServer {
    /// A file server on these rows and bytes.
    #[must_use]
    pub fn new(settings: Settings, store: Store, blobs: BlobStore, keys: ServerKeys, clock: Clock) -> Arc<Self> {
        let HttpSettings {
            body_budget,
            budget_wait,
            ..
        } = settings.common.http;
        let disks = store
            .database()
            .path()
            .and_then(std::path::Path::parent)
            .into_iter()
            .chain(blobs.local_path());
        let disks = disks.map(std::path::Path::to_owned).collect();
        Arc::new(Self {
            allowance: Allowance::per_minute(settings.abuse.upload_bytes_per_minute.0, clock.clone()),
            spent: SpentUntil::default(),
            stopping: AtomicBool::new(false),
            space: FreeSpace::new(disks, settings.abuse.free_space_floor.0, clock.clone()),
            files: Files::new(
                store,
                blobs,
                clock.clone(),
                settings.abuse.total_quota.0,
                settings.fixed_bits(),
            ),
            releases: ArcSwap::default(),
            points: PointCache::default(),
            router: api::router(settings.files.max_size.0),
            onion_keys: OnionKeys {
                keys,
                slashless: Slashless::Root,
            },
            budget: Budget::new(body_budget.0, budget_wait.0),
            limits: settings.common.http.limits(),
            clock,
            settings,
        })
    }
}

impl App for FileServer {
    fn router(&self) -> &Router<Self> {
        &self.router
    }

    fn refusal(&self, status: StatusCode) -> Response {
        api::refusal(status)
    }

    fn onion_keys(&self) -> &OnionKeys {
        &self.onion_keys
    }

    fn budget(&self) -> &Budget {
        &self.budget
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl Health for FileServer {
    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            if self.stopping.load(Ordering::Relaxed) {
                return Err("stopping".to_owned());
            }
            self.files
                .store()
                .database()
                .ping()
                .await
                .map_err(|error| format!("database: {error}"))?;
            self.files
                .blobs()
                .ping()
                .await
                .map_err(|error| format!("files: {error}"))
        })
    }
}
