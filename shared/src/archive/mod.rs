//! Backups: a folder that holds all of a server, whatever database and store it runs on, and from which it can be
//! restored onto any other. The same can be written to a stream, as a tar archive.
//!
//! | In the folder | What it is |
//! |---|---|
//! | `manifest.json` | what made the backup, when, of what; names the state that counts |
//! | `state-…/NAME.db` | the rows, as a SQLite database |
//! | `state-…/key_…` | the keys |
//! | `state-…/NAME.toml` | the configuration file, if there was one, and what it names |
//! | `state-…/sums` | the SHA-256 of all other files, as `sha256sum --check` takes it |
//! | `blobs/` | the bytes of the files, under the names that the rows give |
//!
//! Bytes never change under their name and no name is used twice, so a backup is of one moment without holding anybody
//! up: the rows are copied first, from one snapshot, and then the bytes they name, which nobody deletes meanwhile
//! ([`keep_bytes`](crate::filing::keep_bytes)). Bringing a backup up to date adds bytes and a state; then the manifest is
//! replaced, in one step; then what is not needed any more is removed.

mod backup;
mod error;
mod folder;
mod keep;
mod manifest;
mod restore;
mod room;
mod server;
mod stream;
mod sums;
mod verify;

pub use backup::{Made, Source, backup, backup_to};
pub use error::ArchiveError;
pub use folder::make as make_folder;
pub use manifest::Manifest;
pub use restore::{RESTORED, Restored, Target, restore};
pub use server::{Fault, Server, State};
pub use stream::Spool;

/// The bytes.
const BLOBS: &str = "blobs";

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
