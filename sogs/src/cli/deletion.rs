//! What deleting many things at once has in common: they are shown first, and somebody is asked.

use anyhow::Result;
use clap::Args;

use super::confirm::confirm;
use super::why::Why;

/// How to delete.
#[derive(Args)]
pub(super) struct Deletion {
    /// Only show what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    pub(super) why: Why,
}

impl Deletion {
    /// Shows what is to be deleted, if somebody wants to see it, and asks. False if it was only to be shown.
    pub(super) fn begins(&self, what: &str, show: impl FnOnce() -> Result<()>) -> Result<bool> {
        if self.dry_run || !self.yes {
            show()?;
        }
        if self.dry_run {
            println!("\nNothing was deleted; without --dry-run {what} would be.");
            return Ok(false);
        }
        confirm(self.yes, &format!("Delete {what}?"))?;
        Ok(true)
    }
}
