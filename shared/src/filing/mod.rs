//! Rows and bytes that come and go as one, as far as both servers do it alike.
//!
//! Bytes are written under a key that is never used again, then the row is committed. A row is taken away with a note
//! that its bytes are doomed ([`doom`]), then the bytes go, then the note ([`delete_doomed`]). So a crash at any moment
//! leaves at worst bytes without a row, which [`remove_strays`] finds. It goes by the name that database and bytes have
//! in common since they first met ([`meet`]).
//!
//! The database of a server has a table `files` whose column `blob` says where the bytes are, if there are any, and the
//! tables `doomed` and `installation`.

mod deletion;
mod doomed;
mod installation;
mod shelf;
mod space;
mod strays;

pub use doomed::{KeepError, count_doomed, delete_doomed, doom, doomed, keep_bytes};
pub use installation::{InstallationError, installation, meet, name_installation, verify};
pub use shelf::{Filed, Found, Shelf, filed, filed_at, filed_in_all, read};
pub use space::FreeSpace;
pub use strays::{LEFTOVER_AGE, STRAY_AGE, remove_strays, without_row};

use crate::blob::BlobStore;
use crate::db::Database;

/// Whether rows and bytes are both on this machine, and not reached through a network.
#[must_use]
pub fn are_here(database: &Database, blobs: &BlobStore) -> bool {
    database.path().is_some() && blobs.local_path().is_some()
}
