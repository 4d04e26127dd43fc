//! A backup that comes as a tar archive, laid down in a folder from which it is restored.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use tar::Archive;

use super::ArchiveError;
use super::folder::{make, remove_folder};

/// The folder that a stream was laid down in; it goes with this value.
#[derive(Debug)]
pub struct Spool(PathBuf);

impl Spool {
    /// Reads a stream to its end into a folder that is only used for that.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Stream`] if it is no backup, and when it cannot be written down.
    pub fn read(stream: impl Read, folder: PathBuf) -> Result<Self, ArchiveError> {
        remove_folder(&folder)?;
        make(&folder)?;
        let spool = Self(folder);
        let mut archive = Archive::new(stream);
        for entry in archive.entries().map_err(|error| no_backup(&error))? {
            let mut entry = entry.map_err(|error| no_backup(&error))?;
            let path = entry.path().map_err(|error| no_backup(&error))?.into_owned();
            if !entry.header().entry_type().is_file() || !is_inside(&path) {
                return Err(ArchiveError::Stream(format!(
                    "{} has no place in a backup",
                    path.display()
                )));
            }
            let path = spool.0.join(path);
            path.parent().map_or(Ok(()), make)?;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .map_err(ArchiveError::io(&path))?;
            io::copy(&mut entry, &mut file).map_err(|error| match error.kind() {
                io::ErrorKind::StorageFull => ArchiveError::io(&path)(error),
                _ => no_backup(&error),
            })?;
        }
        Ok(spool)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = remove_folder(&self.0) {
            tracing::warn!(%error, "the copy of the stream could not be removed");
        }
    }
}

fn no_backup(error: &io::Error) -> ArchiveError {
    ArchiveError::Stream(error.to_string())
}

/// Whether a path stays inside the folder that it is relative to.
fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_))) && path.components().next().is_some()
}
