//! `sogs backup`, `sogs restore` and `sogs check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use shared::archive::{Source, Target};
use shared::blob::BlobStore;
use shared::cli::archive::{Backup, Restore};
use shared::cli::check::Check;
use shared::clock::Clock;
use shared::filing::meet;

use super::beside::Server;
use crate::archive::Archive;
use crate::checkup::Checked;
use crate::settings::Settings;
use crate::store::Store;

const NO_FILES: &str = "the place for the files cannot be used";

/// What a server has made before: its rows and its bytes.
async fn open(settings: &Settings) -> Result<(Server<'_>, BlobStore)> {
    let server = Server::open(settings).await?;
    let blobs = BlobStore::open(&settings.blobs()).context(NO_FILES)?;
    meet(server.store.database(), &blobs).await?;
    Ok((server, blobs))
}

pub(super) async fn check(command: &Check, settings: &Settings) -> Result<ExitCode> {
    let (server, blobs) = open(settings).await?;
    let checked = Checked {
        store: server.store,
        blobs,
        active: settings.rooms.active_threshold.0,
    };
    let code = command.run(&checked).await?;
    checked.store.database().close().await;
    Ok(code)
}

pub(super) async fn backup(command: &Backup, settings: &Settings, configuration: Option<PathBuf>) -> Result<ExitCode> {
    let (server, blobs) = open(settings).await?;
    let words = settings.filters.profanity_custom.clone();
    let companions: Vec<_> = configuration
        .map(|path| ("sogs.toml".to_owned(), path))
        .into_iter()
        .chain(words.map(|path| (name_of(&path), path)))
        .collect();
    let source = Source {
        database: server.store.database(),
        blobs: &blobs,
        data: &settings.data(),
        companions: &companions,
        clock: &server.clock,
    };
    let code = command.run(&Archive, source).await?;
    server.store.database().close().await;
    Ok(code)
}

/// What a list of words is called in a backup, where nothing else may be called so.
fn name_of(words: &Path) -> String {
    let name = words.file_name().unwrap_or_default().to_string_lossy();
    format!("words-{name}")
}

pub(super) async fn restore(command: &Restore, settings: &Settings) -> Result<ExitCode> {
    let data = settings.data();
    let opened = command.open::<Archive>(&data)?;
    let store = Store::open(&settings.database(), None)
        .await
        .context("the database cannot be used")?;
    let target = Target {
        database: store.database(),
        blobs: &BlobStore::open(&settings.blobs()).context(NO_FILES)?,
        data: &data,
        leave_out_damaged: command.leaves_out_damaged(),
        clock: &Clock::system(),
    };
    let code = command.run(&Archive, &opened, target).await?;
    store.database().close().await;
    Ok(code)
}
