//! `fileserver restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use shared::blob::BlobStore;
use shared::clock::Clock;

use super::output;
use super::progress::CopyBar;
use crate::archive::{Manifest, Restored, Target, restore};
use crate::files::Files;
use crate::serve::make_folder;
use crate::settings::Settings;
use crate::store::Store;

/// Restore a backup into an empty database, with the server stopped
///
/// Every file is verified on its way; files that have expired since are left out. Nothing is ever written over: a
/// database with files and another key are refused. A restore that was broken off can be run again. The configuration in
/// the backup is not put in place, for this server may run elsewhere and otherwise.
///
/// The exit code is 1 if files could not be restored because their bytes are damaged in the backup; the others are.
#[derive(Args)]
pub(super) struct Restore {
    /// The folder with the backup
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        super::keep_private();
        let data = settings.data();
        // Looked at first, so that a wrong folder leaves nothing behind.
        Manifest::to_restore(&self.folder).context("the backup was not restored")?;
        make_folder(&data)?;
        let store = Store::open(&settings.database())
            .await
            .context("the database cannot be used")?;
        let blobs = BlobStore::open(&settings.blobs()).context("the place for the files cannot be used")?;
        let clock = Clock::system();
        let files = Files::new(store, blobs, clock.clone(), 0, settings.fixed_bits());
        let target = Target {
            files: &files,
            data: &data,
            clock: &clock,
        };
        let mut bar = CopyBar::new();
        let restored = restore(&self.folder, target, &mut bar).await;
        bar.finish();
        files.store().database().close().await;
        let restored = restored.context("the backup was not restored")?;
        for id in &restored.damaged {
            eprintln!("fileserver: could not restore {id}: its bytes are missing or damaged in the backup");
        }
        if self.json {
            output::json(&restored)?;
        } else {
            print(&restored);
        }
        Ok(if restored.damaged.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn print(restored: &Restored) {
    let Restored {
        files,
        bytes,
        expired,
        blocked,
        public_key,
        made,
        ..
    } = restored;
    println!(
        "restored {files} files ({}) and {blocked} blocked ids",
        output::size(*bytes)
    );
    println!("of the backup made {made}; {expired} files have expired since");
    println!("Public key: {public_key}");
}
