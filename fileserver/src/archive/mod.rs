//! Backups: a folder that holds all of a server, whatever database and store it runs on, and from which it can be
//! restored onto any other.
//!
//! | In the folder | What it is |
//! |---|---|
//! | `manifest.json` | what made the backup, when, of what |
//! | `fileserver.db` | the rows, as a SQLite database |
//! | `blobs/` | the bytes of the files, under the names that the rows give |
//! | `key_ed25519`, `key_x25519` | the keys |
//! | `fileserver.toml` | the configuration file, if there was one |
//!
//! Bytes never change under their name and no name is used twice, so a backup is of one moment without holding anybody
//! up: the rows are copied first, from one snapshot, and then the bytes they name. What is deleted in between is taken
//! out of the copy.

mod backup;
mod error;
mod folder;
mod manifest;
mod restore;

pub use backup::{Backup, Made, backup};
pub use error::ArchiveError;
pub use manifest::Manifest;
pub use restore::{Restored, Target, restore};

/// The rows.
const DATABASE: &str = "fileserver.db";

/// The bytes.
const BLOBS: &str = "blobs";

/// The configuration.
const CONFIGURATION: &str = "fileserver.toml";

/// Rows that are looked at a time.
const PAGE: u32 = 200;

/// Files that are copied at the same time.
const AT_ONCE: usize = 4;

/// Is told how far a backup or a restore has come.
pub trait Progress {
    /// So many files, with so many bytes, are to be copied.
    fn expect(&mut self, files: u64, bytes: u64);
    /// One file of so many bytes is done.
    fn done(&mut self, bytes: u64);
}
