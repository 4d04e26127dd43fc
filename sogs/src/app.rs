//! What the handlers and the timed work share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::StatusCode;
use shared::blob::BlobStore;
use shared::clock::Clock;
use shared::config::HttpSettings;
use shared::crypto::sogs_auth::Verifier;
use shared::crypto::{PointCache, X25519Pair};
use shared::http::{App, Budget, Health, Limits, OnionKeys, Request, Response, Router};
use shared::onion::v3::Slashless;

use crate::activity::Activity;
use crate::api;
use crate::caller;
use crate::directory::Directory;
use crate::files::Files;
use crate::filter::{BadFilters, Filters};
use crate::model::Allowance;
use crate::nonces::Nonces;
use crate::settings::Settings;
use crate::store::Store;
use crate::web::{BadTemplates, Web};

/// The most bytes of a body that are read of a request that no route takes, to check its signature.
const UNROUTED_BODY: u64 = 64 * 1024;

/// How often within a minute somebody whose messages are filtered is replied to.
const REPLIES: u32 = 10;

/// The span in which reactions and replies are counted.
pub(crate) const RATE_SPAN: Duration = Duration::from_secs(60);

/// What of the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The filters.
    #[error(transparent)]
    Filters(#[from] BadFilters),
    /// The templates of pages.
    #[error("web.templates")]
    Templates(#[from] BadTemplates),
}

/// The community server.
pub struct Community {
    /// The configuration.
    pub settings: Settings,
    /// The rows.
    pub store: Store,
    /// The bytes of files.
    pub blobs: BlobStore,
    /// The files: rows and bytes together.
    pub files: Files,
    /// What time it is.
    pub clock: Clock,
    /// Rooms and people in memory.
    pub directory: Directory,
    /// Messages as they were rendered last.
    pub renderings: api::Renderings,
    /// Who was seen when.
    pub activity: Activity,
    /// Nonces that were used.
    pub nonces: Nonces,
    /// What is not to be shown.
    pub filters: Arc<Filters>,
    /// How many reactions people may add.
    pub reaction_limit: Allowance,
    /// How often those whose messages are filtered are replied to.
    pub reply_limit: Allowance,
    /// Checks signatures.
    pub verifier: Verifier,
    /// The key of the server.
    pub key: X25519Pair,
    /// Set when the server has been asked to stop.
    pub stopping: AtomicBool,
    pub(crate) web: Web,
    router: Router<Self>,
    onion_keys: OnionKeys,
    budget: Budget,
    limits: Limits,
}

impl Community {
    /// A community server on these rows and bytes.
    ///
    /// # Errors
    ///
    /// When the filters or the templates of the settings cannot be used.
    pub fn new(
        settings: Settings,
        store: Store,
        blobs: BlobStore,
        key: X25519Pair,
        clock: Clock,
    ) -> Result<Arc<Self>, Unfit> {
        let filters = Filters::new(&settings.filters, key.secret())?;
        let HttpSettings {
            body_budget,
            budget_wait,
            ..
        } = settings.common.http;
        Ok(Arc::new(Self {
            directory: Directory::new(store.clone()),
            files: Files::new(&settings, store.clone(), blobs.clone(), clock.clone()),
            renderings: api::Renderings::default(),
            activity: Activity::default(),
            nonces: Nonces::new(clock.clone()),
            filters: Arc::new(filters),
            reaction_limit: Allowance::new(settings.limits.reactions_per_minute, RATE_SPAN, clock.clone()),
            reply_limit: Allowance::new(REPLIES, RATE_SPAN, clock.clone()),
            web: Web::new(&settings, clock.clone())?,
            verifier: Verifier::new(*key.public(), PointCache::default()),
            stopping: AtomicBool::new(false),
            router: api::router(&settings),
            onion_keys: OnionKeys {
                keys: key.clone().into(),
                slashless: Slashless::Legacy,
            },
            budget: Budget::new(body_budget.0, budget_wait.0),
            limits: settings.common.http.limits(),
            store,
            blobs,
            key,
            clock,
            settings,
        }))
    }

    /// The link by which a room is joined.
    #[must_use]
    pub fn join_link(&self, token: &str) -> String {
        crate::links::join_link(&self.settings.base_url(), token, self.key.public())
    }
}

impl App for Community {
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

    fn enter(self: Arc<Self>, request: Request) -> BoxFuture<'static, Response> {
        Box::pin(caller::enter(self, request))
    }

    fn unrouted_body_limit(&self) -> Option<u64> {
        Some(UNROUTED_BODY)
    }
}

impl Health for Community {
    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            if self.stopping.load(Ordering::Relaxed) {
                return Err("stopping".to_owned());
            }
            self.store
                .database()
                .ping()
                .await
                .map_err(|error| format!("database: {error}"))?;
            self.blobs.ping().await.map_err(|error| format!("files: {error}"))
        })
    }
}
