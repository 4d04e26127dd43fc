//! What backups have to know about a file server.

use std::path::Path;

use bytes::Bytes;
use shared::archive::{Fault, Server, State};
use shared::clock::Timestamp;
use shared::db::{Database, DbError, Migrations};
use shared::filing::{Filed, Shelf};

use crate::files::is_content;
use crate::keys::{KEY_FILES, Keys};
use crate::store::{MIGRATIONS, Store};

/// Backups of file servers.
#[derive(Clone, Copy, Debug)]
pub struct Archive;

impl Shelf for Archive {
    const PAGE: &'static str = "SELECT id, blob, size AS bytes, content, expires AS ends
        FROM files
        WHERE blob > $1
        ORDER BY blob
        LIMIT $2";
    const ONE: &'static str = "SELECT id, blob, size AS bytes, content, expires AS ends
        FROM files
        WHERE blob = $1";
}

impl Server for Archive {
    const NAME: &'static str = "fileserver";
    const KEYS: &'static [&'static str] = &KEY_FILES;
    const MIGRATIONS: Migrations = MIGRATIONS;

    fn public_key(&self, folder: &Path) -> Result<String, Fault> {
        Ok(Keys::read(folder)?.onion.public().to_string())
    }

    async fn save(&self, from: &Database, into: &Database, now: Timestamp) -> Result<State, DbError> {
        let copied = Store::on(from).copy_into(&Store::on(into), now).await?;
        Ok(State::from([("blocked".to_owned(), copied.blocked)]))
    }

    async fn bring_back(
        &self,
        from: &Database,
        into: &Database,
        _made: Timestamp,
        now: Timestamp,
    ) -> Result<State, DbError> {
        self.save(from, into, now).await
    }

    async fn leave_out(&self, rows: &Database, file: &Filed) -> Result<(), DbError> {
        Store::on(rows).remove_row(&file.id, &file.blob).await.map(drop)
    }

    async fn in_the_way(&self, database: &Database) -> Result<Option<String>, DbError> {
        let files = Store::on(database).count().await?;
        Ok((files > 0).then(|| format!("{files} files")))
    }

    async fn is_whole(&self, file: &Filed, bytes: &Bytes) -> bool {
        is_content(&file.content, bytes).await
    }
}
