//! What backups have to know about a server.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::db::{Database, DbError, Migrations};
use crate::filing::{Filed, Shelf};

/// Why a server cannot do its part, in words for the operator.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// How many of what there is besides files.
pub type State = BTreeMap<String, u64>;

/// What sets the backups of one server apart from those of the other.
pub trait Server: Shelf + Sync {
    /// The name of the program, which its database and its configuration have too.
    const NAME: &'static str;
    /// The files in the data folder that may hold keys.
    const KEYS: &'static [&'static str];
    /// The schema.
    const MIGRATIONS: Migrations;

    /// The public key that belongs to the keys in a folder, in hex.
    ///
    /// # Errors
    ///
    /// When there are none, or they cannot be used.
    fn public_key(&self, folder: &Path) -> Result<String, Fault>;

    /// Copies the rows of one snapshot into an empty database, as one change. The answer counts what is worth telling.
    ///
    /// # Errors
    ///
    /// When either database fails; the second is as before then.
    fn save(
        &self,
        from: &Database,
        into: &Database,
        now: Timestamp,
    ) -> impl Future<Output = Result<State, DbError>> + Send;

    /// Copies the rows of a backup of the moment `made` into a database in which nothing is, as one change.
    ///
    /// # Errors
    ///
    /// When either database fails; the second is as before then.
    fn bring_back(
        &self,
        from: &Database,
        into: &Database,
        made: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<State, DbError>> + Send;

    /// Takes a file out of a copy of the rows.
    ///
    /// # Errors
    ///
    /// When the database fails.
    fn leave_out(&self, rows: &Database, file: &Filed) -> impl Future<Output = Result<(), DbError>> + Send;

    /// What there is in a database that a restore would write over, in words; `None` if there is nothing.
    ///
    /// # Errors
    ///
    /// When the database fails.
    fn in_the_way(&self, database: &Database) -> impl Future<Output = Result<Option<String>, DbError>> + Send;

    /// Whether bytes of the right number are those that the row is about, as far as the row tells.
    fn is_whole(&self, file: &Filed, bytes: &Bytes) -> impl Future<Output = bool> + Send;
}
