//! The server that the settings describe. It may be running at the same time.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use shared::clock::Clock;
use shared::crypto::{BlindingFactor, X25519Pair};
use shared::db::DbError;

use super::config;
use super::why::Why;
use crate::keys;
use crate::links::join_link;
use crate::model::Actor;
use crate::settings::Settings;
use crate::store::{Store, Write};

/// Its rows, and what its links consist of.
pub(super) struct Server<'a> {
    pub(super) settings: &'a Settings,
    pub(super) store: Store,
    pub(super) clock: Clock,
    key: X25519Pair,
}

impl<'a> Server<'a> {
    /// Opens what a server has made before.
    pub(super) async fn open(settings: &'a Settings) -> Result<Self> {
        let key = keys::read(&settings.data())?;
        let blinding = settings
            .users
            .require_blind_keys
            .then(|| BlindingFactor::for_server(key.public()));
        let opened = Store::open_existing(&settings.database(), blinding).await;
        let store = opened.map_err(|error| unusable(error, settings))?;
        if let Some(import) = store.unfinished_import().await? {
            bail!(import.complaint());
        }
        let server = Self {
            settings,
            store,
            clock: Clock::system(),
            key,
        };
        server.check_key().await?;
        Ok(server)
    }

    /// By another key than the server's, accounts would be taken for strangers.
    async fn check_key(&self) -> Result<()> {
        let system = self.store.system_user().await.context("the database cannot be used")?;
        let Some(id) = system else {
            bail!(
                "no server has used this database yet. Is --data or --config the same as the server's? If there is no \
                 server yet, `sogs init` prepares it, and so does the first start"
            );
        };
        if id != format!("ff{}", self.key.public()) {
            bail!(
                "the database was last served with another key than that in {}. Is --data or --config the same as the \
                 server's? If this is to be the key from now on, `sogs init` or a start of the server makes it so",
                self.settings.data().display()
            );
        }
        Ok(())
    }

    /// Begins a change.
    pub(super) async fn change(&self) -> Result<Write> {
        let mut write = self.store.write(self.clock.now()).await?;
        write.set_actor(Actor::Operator);
        Ok(write)
    }

    /// Begins a change, and says why it is made.
    pub(super) async fn change_because(&self, why: &Why) -> Result<Write> {
        let mut write = self.change().await?;
        write.set_reason(why.reason.as_deref());
        Ok(write)
    }

    /// Makes a change last, and then tells of it, a line each.
    pub(super) async fn commit(&self, write: Write, lines: &[String]) -> Result<ExitCode> {
        write.commit().await.map_err(not_committed)?;
        for line in lines {
            println!("{line}");
        }
        self.store.database().close().await;
        Ok(ExitCode::SUCCESS)
    }

    /// Says why clients will not get anywhere with the links of this server, if so: where it is in no program's way.
    pub(super) fn warn_of_links(&self) {
        if let Some(problem) = config::unreachable(self.settings) {
            eprintln!("warning: {problem}");
        }
    }

    /// The link by which a room is joined.
    pub(super) fn link(&self, token: &str) -> String {
        join_link(&self.settings.base_url(), token, self.key.public())
    }
}

/// What has become of a change whose commit failed, and what to do.
fn not_committed(error: DbError) -> anyhow::Error {
    let outcome = match &error {
        error if error.is_unavailable() => {
            "the database broke off, so it is not known whether this was changed. Run the command again: what is done \
             already stays as it is"
        }
        DbError::Full(_) => "nothing was changed; make room on the disk of the database and run the command again",
        _ => "nothing was changed; `sogs doctor` looks for the reason",
    };
    anyhow::Error::from(error).context(outcome)
}

fn unusable(error: DbError, settings: &Settings) -> anyhow::Error {
    let is_missing = matches!(error, DbError::Missing(_));
    let error = anyhow::Error::from(error);
    if is_missing {
        let data = settings.data();
        error.context(format!(
            "there is nothing to work on. Is --data or --config the same as the server's? The data folder is {}. If there \
             is no server yet, `sogs init` makes the database, and so does the first start",
            data.display()
        ))
    } else {
        error.context("the database cannot be used")
    }
}
