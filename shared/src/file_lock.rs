//! Locks on files, by which processes keep out of each other's way.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A lock on a file until it is dropped. The file stays there: removing it would let two processes lock two different
/// files.
#[derive(Debug)]
pub(crate) struct FileLock(File);

impl FileLock {
    /// Locks a file, which is made if it is not there, for nobody else to have. `None` if somebody has it.
    pub(crate) fn alone(path: &Path) -> io::Result<Option<Self>> {
        Self::take(path, File::try_lock)
    }

    /// The same, with others who share it.
    pub(crate) fn with_others(path: &Path) -> io::Result<Option<Self>> {
        Self::take(path, File::try_lock_shared)
    }

    fn take(path: &Path, lock: impl FnOnce(&File) -> Result<(), TryLockError>) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        match lock(&file) {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for FileLock {
    /// Closing the file would not do: a process that is being started has it too until it runs its program. Should this
    /// fail, closing it must do.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "this is a test")]

    use super::*;

    #[test]
    fn a_lock_is_free_at_once_though_a_process_that_starts_has_the_file_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = FileLock::alone(&path).unwrap().unwrap();
        // What a fork has until it runs its program.
        let inherited = held.0.try_clone().unwrap();
        assert!(FileLock::alone(&path).unwrap().is_none());
        drop(held);
        assert!(FileLock::alone(&path).unwrap().is_some());
        drop(inherited);
    }

    #[test]
    fn a_lock_is_shared_by_many_or_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let shares = [(); 2].map(|()| FileLock::with_others(&path).unwrap().unwrap());
        assert!(FileLock::alone(&path).unwrap().is_none());
        drop(shares);
        let _alone = FileLock::alone(&path).unwrap().unwrap();
        assert!(FileLock::with_others(&path).unwrap().is_none());
    }
}
