//! Commands that root gives work as the owner of the data folder.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, anyhow};

/// Starts the program anew as the owner of the data folder, if it runs as root and the folder is another's.
///
/// What root would write there (a database, its log, a key) the server could not read afterwards. Groups are those of
/// the folder alone. Nothing happens while there is no such folder. To be called before other threads are started.
///
/// # Errors
///
/// When the program cannot be started as the owner.
pub fn work_as_owner_of(data: &Path) -> Result<()> {
    let Ok(folder) = fs::metadata(data) else {
        return Ok(());
    };
    if !rustix::process::geteuid().is_root() || folder.uid() == 0 {
        return Ok(());
    }
    let program = std::env::current_exe()?;
    // Without other groups being named, those of root are dropped.
    let failure = Command::new(program)
        .args(std::env::args_os().skip(1))
        .uid(folder.uid())
        .gid(folder.gid())
        .exec();
    Err(anyhow!(failure).context(format!(
        "the data folder {} belongs to the user with number {}, and the program cannot be run as that user",
        data.display(),
        folder.uid()
    )))
}
