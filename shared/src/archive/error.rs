//! Why a backup cannot be made or restored. The texts say what to do.

use std::io;
use std::path::{Path, PathBuf};

use indicatif::HumanBytes;

use super::server::Fault;
use crate::blob::BlobError;
use crate::db::DbError;
use crate::filing::{InstallationError, KeepError};
use crate::key_file::KeyFileError;

/// How many damaged files an error names.
const NAMED: usize = 10;

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
    /// The backup is of another kind of server.
    #[error("{} is a backup of the program `{program}`", path.display())]
    OtherProgram {
        /// The folder.
        path: PathBuf,
        /// The program.
        program: String,
    },
    /// There is not enough room.
    #[error("{} has {} free, and {} are needed; nothing was copied", path.display(), HumanBytes(*free), HumanBytes(*needed))]
    NoRoom {
        /// Where.
        path: PathBuf,
        /// Free bytes.
        free: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// Files of the backup are not what they were.
    #[error(
        "{} files of the backup are damaged or missing: {}. Nothing was restored; if there is no other backup, \
         --leave-out-damaged restores the rest, provided that only uploaded files (blobs/) are damaged", .0.len(), first(.0)
    )]
    DamagedFiles(Vec<String>),
    /// The stream is no backup.
    #[error("this is no backup, or only a part of one: {0}")]
    Stream(String),
    /// Another process may have deleted bytes while they were copied.
    #[error("the connection to the database was lost, and with it what kept files from being deleted; start again")]
    NotKept,
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
    /// There is something in the database to restore into.
    #[error(
        "the database has {what} already, and a restore never writes over anything. {hint}, or name another place with \
         --data, --database-url and --blob-url"
    )]
    NotEmpty {
        /// What there is.
        what: String,
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
    #[error("a server, or another restore, is running on this database; stop it first")]
    Running,
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] DbError),
    /// The blob store failed.
    #[error("files: {0}")]
    Blobs(#[from] BlobError),
    /// The server cannot do its part.
    #[error("{0}")]
    Server(#[source] Fault),
    /// A key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// Database and files are not each other's.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// Files cannot be kept from being deleted.
    #[error(transparent)]
    Keep(#[from] KeepError),
}

/// The first few of many names.
fn first(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(NAMED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > NAMED {
        text.push_str(", …");
    }
    text
}

impl ArchiveError {
    pub(super) fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { path, source }
    }
}
