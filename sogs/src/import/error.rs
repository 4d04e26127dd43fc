//! Why a community cannot be moved here. The texts say what to do.

use std::io;
use std::path::{Path, PathBuf};

use shared::blob::BlobError;
use shared::db::DbError;
use shared::filing::InstallationError;
use shared::key_file::KeyFileError;

/// Why a community cannot be moved here.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or folder cannot be used.
    #[error("cannot use {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or folder is not for this user.
    #[error(
        "{} may not be read by the user that the command runs as. What root commands is done as the owner of the data \
         folder, so give that user a copy of the old server's folder",
        .0.display()
    )]
    Denied(PathBuf),
    /// There is no PySOGS database where it should be.
    #[error(
        "there is no PySOGS database {}; name the folder that the old server runs in, and with --ini its sogs.ini if that is \
         elsewhere",
        .0.display()
    )]
    NoDatabase(PathBuf),
    /// The database is something else.
    #[error("{0} is no database of PySOGS: it has no table `{1}`")]
    NotPysogs(String, &'static str),
    /// The database is that of an older version.
    #[error(
        "this is a database of PySOGS {0}, which cannot be read directly. Install the last PySOGS (0.3), start it once in \
         that folder so that it brings its database up to date (or run `sogs --upgrade`), stop it, and import then"
    )]
    TooOld(&'static str),
    /// The configuration file makes no sense.
    #[error("{} cannot be read: {reason}", path.display())]
    Ini {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The database's address makes no sense.
    #[error("`{0}` is no address of a PySOGS database: it must begin with sqlite:/// or postgresql://")]
    BadUrl(String),
    /// The key file makes no sense.
    #[error(
        "{} holds {found} bytes and not the 32 of a key. (A key from before 2022 ends in .pem; PySOGS comes with a tool that \
         converts it.)",
        path.display()
    )]
    BadKey {
        /// The file.
        path: PathBuf,
        /// How many bytes it holds.
        found: usize,
    },
    /// The old server is running.
    #[error("the old server is still running on {0}; stop it first, or what is posted meanwhile is lost")]
    SourceRuns(String),
    /// The database was changed while it was read.
    #[error("{} was changed while it was read; stop the old server and run the import again", .0.display())]
    Changed(PathBuf),
    /// Source and target are one.
    #[error("the new server would use the same {0} as the old one; choose another with {1}")]
    SamePlace(&'static str, &'static str),
    /// Tokens of rooms cannot be taken over.
    #[error(
        "the rooms cannot be taken over: {0}. Give the room another token, in the copy of the old server's folder: sqlite3 \
         sogs.db \"UPDATE rooms SET token = 'NEW' WHERE id = NUMBER\"; its number is in: sqlite3 sogs.db \"SELECT id, token \
         FROM rooms\""
    )]
    Tokens(String),
    /// Files are outside of the folder.
    #[error(
        "{count} files lie outside of {}, the first is {first}. If that is right, add --allow-outside",
        folder.display()
    )]
    Outside {
        /// How many.
        count: u64,
        /// The path of the first one.
        first: String,
        /// The folder.
        folder: PathBuf,
    },
    /// The disk is too small.
    #[error("the files take {needed} and {free} are free where they would go ({})", folder.display())]
    NoSpace {
        /// How much is needed.
        needed: String,
        /// How much is there.
        free: String,
        /// Where.
        folder: PathBuf,
    },
    /// The target is in use.
    #[error(
        "this server has rooms or people already, and an import never adds to a community; name an empty place with --data \
         (and --database-url and --blob-url)"
    )]
    TargetUsed,
    /// The target has another key.
    #[error(
        "{} is another key than that of the old server, by which its rooms are known. If nobody uses this server yet, move \
         the key and the database out of its data folder; otherwise name another place with --data",
        .0.display()
    )]
    OtherKey(PathBuf),
    /// Another community is being moved here.
    #[error(
        "another community, with the key {key}, is being moved here from {source_folder} and that is not finished; name \
         another place with --data"
    )]
    OtherImport {
        /// Its public key.
        key: String,
        /// Where it is moved from.
        source_folder: String,
    },
    /// A server is running on the target.
    #[error("a server, or another import, is running on this database; stop it first")]
    TargetRuns,
    /// The bytes of a file did not arrive.
    #[error("file {0} was written and is not there in full")]
    NotWritten(i64),
    /// The old or the new database failed.
    #[error("a database cannot be used")]
    Database(#[from] DbError),
    /// The blob store failed.
    #[error("the place for the files cannot be used")]
    Blobs(#[from] BlobError),
    /// The new key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// Database and files are not each other's.
    #[error(transparent)]
    Installation(#[from] InstallationError),
}

impl ImportError {
    pub(super) fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied(path),
            _ => Self::Io { path, source },
        }
    }
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
