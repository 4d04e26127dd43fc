//! Files of a backup: for their owner only, replaced in one step, on disk before anything relies on them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::manifest::{MANIFEST, Manifest};
use super::{ArchiveError, Server};
use crate::file_lock::FileLock;

/// The file whose lock keeps two backups into one folder apart.
const LOCK: &str = "lock";

/// A folder that a backup is being made into, locked.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// What is there from before.
    pub(super) earlier: Option<Manifest>,
    _lock: FileLock,
}

impl Folder {
    /// Makes the folder, or opens one that is empty or holds a backup.
    pub(super) fn open<S: Server>(path: &Path) -> Result<Self, ArchiveError> {
        make(path)?;
        let path = path.canonicalize().map_err(ArchiveError::io(path))?;
        let earlier = Manifest::read::<S>(&path)?;
        if earlier.is_none() && !is_fresh(&path)? {
            return Err(ArchiveError::NotABackup(path));
        }
        let lock = FileLock::alone(&path.join(LOCK)).map_err(ArchiveError::io(&path))?;
        match lock {
            Some(lock) => Ok(Self {
                path,
                earlier,
                _lock: lock,
            }),
            None => Err(ArchiveError::Busy(path)),
        }
    }
}

/// Makes a folder for its owner only, unless it is there.
///
/// # Errors
///
/// When it cannot be made.
pub fn make(path: &Path) -> Result<(), ArchiveError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(ArchiveError::io(path))
}

/// Removes a folder with all that is in it, or does nothing if there is none.
pub(super) fn remove_folder(path: &Path) -> Result<(), ArchiveError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ArchiveError::io(path)(error)),
        _ => Ok(()),
    }
}

/// Makes sure that the names in a folder survive a power cut.
pub(super) fn flush(path: &Path) -> Result<(), ArchiveError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(ArchiveError::io(path))
}

/// Whether there is nothing in the folder but what a backup broken off at its very beginning leaves.
fn is_fresh(path: &Path) -> Result<bool, ArchiveError> {
    let draft = draft_of(Path::new(MANIFEST));
    for entry in fs::read_dir(path).map_err(ArchiveError::io(path))? {
        let name = entry.map_err(ArchiveError::io(path))?.file_name();
        if name != LOCK && name != draft.as_os_str() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes a file in one step: whoever looks sees the old content or the new. It is on disk when this returns.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), ArchiveError> {
    let draft = draft_of(path);
    let write = || {
        remove(&draft)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(ArchiveError::io(&draft))?;
    fs::rename(&draft, path).map_err(ArchiveError::io(path))?;
    path.parent().map_or(Ok(()), flush)
}

/// Removes a file, or does nothing if there is none.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a SQLite database and what belongs to it.
pub(super) fn remove_database(path: &Path) -> Result<(), ArchiveError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = with_suffix(path, suffix);
        remove(&path).map_err(ArchiveError::io(&path))?;
    }
    Ok(())
}

fn draft_of(path: &Path) -> PathBuf {
    with_suffix(path, ".new")
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
