//! Why a backup cannot be made or restored. The texts say what to do.

use std::io;
use std::path::{Path, PathBuf};

use shared::blob::BlobError;
use shared::db::DbError;
use shared::filing::InstallationError;
use shared::key_file::KeyFileError;

use crate::files::FilesError;
use crate::keys::KeysError;

/// Why a backup cannot be made or restored.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file or folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder holds something else.
    #[error("{} is not empty and holds no backup; name a new folder, or an older backup to bring up to date", .0.display())]
    NotABackup(PathBuf),
    /// The folder holds the backup of another server.
    #[error("{} is a backup of another server, with the key {key}; name a new folder", path.display())]
    OtherServer {
        /// The folder.
        path: PathBuf,
        /// That server's public key.
        key: String,
    },
    /// Another backup into the same folder is being made.
    #[error("another backup into {} is being made", .0.display())]
    Busy(PathBuf),
    /// There is no backup in the folder.
    #[error("there is no backup in {}: it has no manifest.json", .0.display())]
    NoBackup(PathBuf),
    /// The first backup into the folder was broken off.
    #[error("the backup in {} was never finished, so it cannot be restored", .0.display())]
    Unfinished(PathBuf),
    /// The manifest makes no sense.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A newer program has made the backup.
    #[error("the backup was made by a newer version of this program ({0}); restore it with that one")]
    Newer(String),
    /// The database to restore into has files.
    #[error(
        "the database has {files} files already, and a restore never writes over any. {hint}, or name another place with \
         --data, --database-url and --blob-url"
    )]
    NotEmpty {
        /// How many.
        files: u64,
        /// What to do.
        hint: String,
    },
    /// The data folder has another key.
    #[error(
        "{} is another key than that of the backup. Move it away if the server is to be the one that was backed up",
        .0.display()
    )]
    OtherKey(PathBuf),
    /// Bytes of files that are gone are still to be deleted from the target, maybe under names that the backup has.
    #[error("bytes of {0} deleted files cannot be removed from the place for the files; see to that first")]
    Doomed(u64),
    /// A server is running on the database.
    #[error("a server is running on this database; stop it first")]
    Running,
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] DbError),
    /// The blob store failed.
    #[error("files: {0}")]
    Blobs(#[from] BlobError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// Database and files are not each other's.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// The files failed.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl ArchiveError {
    pub(super) fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { path, source }
    }
}
