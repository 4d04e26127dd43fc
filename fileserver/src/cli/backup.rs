//! `fileserver backup`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use shared::clock::Clock;

use super::progress::CopyBar;
use super::{open_files, output};
use crate::archive::{Backup as Source, backup};
use crate::settings::Settings;

/// Back everything up into a folder, while the server runs
///
/// The folder gets the key, the database, the files and the configuration, of one moment, for their owner only. It can be
/// restored onto SQLite or PostgreSQL and onto a directory or S3, whichever it was made from. Run it again with the same
/// folder to bring the backup up to date: only new files are copied then.
///
/// Files whose bytes are missing or damaged are left out and named; the exit code is 0 all the same.
#[derive(Args)]
pub(super) struct Backup {
    /// The folder: a new one, an empty one or one with an older backup
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) async fn run(&self, settings: &Settings, configuration: Option<PathBuf>) -> Result<ExitCode> {
        super::keep_private();
        let files = open_files(settings).await?;
        let source = Source {
            files: &files,
            data: &settings.data(),
            configuration: configuration.as_deref(),
            clock: &Clock::system(),
        };
        let mut bar = CopyBar::new();
        let made = backup(source, &self.folder, &mut bar).await;
        bar.finish();
        let made = made.context("no backup was made")?;
        files.store().database().close().await;
        for id in &made.damaged {
            eprintln!("fileserver: left out {id}: its bytes are missing or damaged");
        }
        if self.json {
            output::json(&made)?;
        } else {
            println!(
                "backed up {} files ({}), {} of them new, and {} blocked ids into {}",
                made.files,
                output::size(made.bytes),
                made.copied,
                made.blocked,
                self.folder.display()
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
