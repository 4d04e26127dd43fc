//! `sogs templates`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::web;

/// Write the built-in web pages into a folder, to be changed
///
/// With `web.templates` set to that folder the server shows these instead of its own. Delete what you do not change, so
/// that it keeps up with new versions.
#[derive(Args)]
pub(super) struct Templates {
    /// The folder; files that are there are left alone
    folder: PathBuf,
}

impl Templates {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let folder = self.folder.display();
        let names = web::write_built_in(&self.folder).with_context(|| format!("nothing was written into {folder}"))?;
        for name in names {
            println!("{}", self.folder.join(name).display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
