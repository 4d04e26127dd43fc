//! What a check has to know about a community server.

use std::time::Duration;

use bytes::Bytes;
use shared::blob::BlobStore;
use shared::checkup::{Finding, Subject};
use shared::clock::Timestamp;
use shared::db::{Database, DbError};
use shared::filing::{Filed, Shelf};

use crate::archive::Archive;
use crate::store::Store;

/// The community that is looked over.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The rows.
    pub store: Store,
    /// The bytes.
    pub blobs: BlobStore,
    /// For how long people count as active.
    pub active: Duration,
}

impl Shelf for Checked {
    const PAGE: &'static str = Archive::PAGE;
    const ONE: &'static str = Archive::ONE;
}

impl Subject for Checked {
    const NAME: &'static str = "sogs";
    const GIVE_UP: &'static str = "remove them with `sogs file delete`, or restore a backup";

    fn database(&self) -> &Database {
        self.store.database()
    }

    fn blobs(&self) -> &BlobStore {
        &self.blobs
    }

    /// Rows say nothing about the content.
    async fn is_whole(&self, _file: &Filed, _bytes: &Bytes) -> bool {
        true
    }

    async fn remove(&self, file: &Filed, now: Timestamp) -> Result<bool, DbError> {
        let mut write = self.store.write(now).await?;
        let removed = write.delete_lost_file(&file.blob).await?;
        write.commit().await?;
        Ok(removed)
    }

    async fn contradictions(&self, repair: bool, now: Timestamp) -> Result<Vec<Finding>, DbError> {
        let mut findings = self.store.contradictions(repair, now).await?;
        findings.extend(self.store.miscounted_rooms(repair, now, self.active).await?);
        Ok(findings)
    }
}
