//! What a check has to know about a file server.

use bytes::Bytes;
use shared::blob::BlobStore;
use shared::checkup::Subject;
use shared::clock::Timestamp;
use shared::db::{Database, DbError};
use shared::filing::{Filed, Shelf};

use crate::archive::Archive;
use crate::files::{Files, is_content};

/// The files of a server that are looked over.
#[derive(Clone, Copy)]
pub struct Checked<'a>(pub &'a Files);

impl Shelf for Checked<'_> {
    const PAGE: &'static str = Archive::PAGE;
    const ONE: &'static str = Archive::ONE;
}

impl Subject for Checked<'_> {
    const NAME: &'static str = "fileserver";
    const GIVE_UP: &'static str = "remove them with `fileserver delete`";

    fn database(&self) -> &Database {
        self.0.store().database()
    }

    fn blobs(&self) -> &BlobStore {
        self.0.blobs()
    }

    async fn is_whole(&self, file: &Filed, bytes: &Bytes) -> bool {
        is_content(&file.content, bytes).await
    }

    async fn remove(&self, file: &Filed, _now: Timestamp) -> Result<bool, DbError> {
        self.0.store().remove_row(&file.id, &file.blob).await
    }
}
