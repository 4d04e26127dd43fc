//! `fileserver backup` and `fileserver restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use shared::archive::{Source, Target};
use shared::blob::BlobStore;
use shared::cli::archive::{Backup, Restore};
use shared::clock::Clock;

use super::open_files;
use crate::archive::Archive;
use crate::files::Files;
use crate::settings::Settings;
use crate::store::Store;

pub(super) async fn backup(command: &Backup, settings: &Settings, configuration: Option<PathBuf>) -> Result<ExitCode> {
    let files = open_files(settings).await?;
    let companions: Vec<_> = configuration
        .map(|path| ("fileserver.toml".to_owned(), path))
        .into_iter()
        .collect();
    let source = Source {
        database: files.store().database(),
        blobs: files.blobs(),
        data: &settings.data(),
        companions: &companions,
        clock: &Clock::system(),
    };
    let code = command.run(&Archive, source).await?;
    files.store().database().close().await;
    Ok(code)
}

pub(super) async fn restore(command: &Restore, settings: &Settings) -> Result<ExitCode> {
    let data = settings.data();
    let opened = command.open::<Archive>(&data)?;
    let store = Store::open(&settings.database())
        .await
        .context("the database cannot be used")?;
    let blobs = BlobStore::open(&settings.blobs()).context("the place for the files cannot be used")?;
    let clock = Clock::system();
    let files = Files::new(store, blobs, clock.clone(), 0, settings.fixed_bits());
    // What has expired must not count, nor be deleted later.
    files.sweep().await.context("the backup was not restored")?;
    let target = Target {
        database: files.store().database(),
        blobs: files.blobs(),
        data: &data,
        leave_out_damaged: command.leaves_out_damaged(),
        clock: &clock,
    };
    let code = command.run(&Archive, &opened, target).await?;
    files.store().database().close().await;
    Ok(code)
}
