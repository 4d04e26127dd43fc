//! What a server has stored, seen from the inside.

use std::collections::BTreeSet;

use e2e::Fileserver;
use fileserver::files::Files;
use fileserver::model::FixedBits;
use fileserver::store::{FileRow, Store};
use futures_util::TryStreamExt;
use shared::blob::{BlobOptions, BlobStore, Listed, S3Options};
use shared::clock::{Clock, Timestamp};
use shared::db::DbOptions;
use shared::filing::doomed;

/// Rows and bytes of a server.
pub(crate) struct Inventory {
    store: Store,
    blobs: BlobStore,
}

impl Inventory {
    /// That of a server, which may be running.
    pub(crate) async fn of(server: &Fileserver) -> Self {
        let variable = |name: &str| server.variable(name).map(ToOwned::to_owned);
        let database = variable("DATABASE_URL")
            .unwrap_or_else(|| format!("sqlite:{}", server.data().join("fileserver.db").display()));
        let blobs = variable("BLOB_URL").unwrap_or_else(|| server.data().join("files").display().to_string());
        let options = BlobOptions {
            url: blobs,
            s3: S3Options {
                endpoint: variable("S3_ENDPOINT"),
                region: variable("S3_REGION"),
                access_key_id: variable("S3_ACCESS_KEY_ID"),
                secret_access_key: variable("S3_SECRET_ACCESS_KEY").map(Into::into),
                ..S3Options::default()
            },
        };
        Self {
            store: Store::open_existing(&DbOptions::at(database)).await.unwrap(),
            blobs: BlobStore::open(&options).unwrap(),
        }
    }

    pub(crate) async fn rows(&self) -> Vec<FileRow> {
        let mut rows: Vec<FileRow> = Vec::new();
        loop {
            let after = rows.last().map(|row| row.id.clone()).unwrap_or_default();
            let page = self.store.page(&after, 1000).await.unwrap();
            if page.is_empty() {
                return rows;
            }
            rows.extend(page);
        }
    }

    /// The name and the size of everything that is kept; a name of `None` would be something that is not ours.
    pub(crate) async fn blobs(&self) -> BTreeSet<(String, u64)> {
        let listed = self.blobs.list().map_ok(|listed| match listed {
            Listed::Blob(blob) => (blob.key.to_string(), blob.size),
            Listed::Foreign(name) => panic!("{name} is not ours"),
        });
        listed.try_collect().await.unwrap()
    }

    pub(crate) async fn has_doomed(&self) -> bool {
        !doomed(self.store.database(), "", 1).await.unwrap().is_empty()
    }

    /// Does at once what the server does about leftovers of crashes in its own time, hours later.
    pub(crate) async fn tidy(&self) {
        let later = Clock::system().now().plus(std::time::Duration::from_secs(24 * 3600));
        self.blobs.clean_staging(later).await.unwrap();
        let files = Files::new(
            self.store.clone(),
            self.blobs.clone(),
            Clock::manual(later),
            0,
            FixedBits::default(),
        );
        files.remove_strays().await.unwrap();
        // A sweep that the end of the server broke off is finished by its next start.
        shared::filing::delete_doomed(self.store.database(), &self.blobs)
            .await
            .unwrap();
    }

    /// Every row has its bytes, all bytes have their row, and nothing waits to be deleted.
    pub(crate) async fn assert_consistent(&self) {
        assert!(!self.has_doomed().await, "bytes are still to be deleted");
        let rows = self.rows().await;
        let wanted: BTreeSet<_> = rows.iter().map(|row| (row.blob.clone(), row.size)).collect();
        assert_eq!(wanted, self.blobs().await, "rows on the left, bytes on the right");
    }

    /// Whether everything that has expired is swept, rows and bytes.
    pub(crate) async fn is_swept(&self, now: Timestamp) -> bool {
        !self.has_doomed().await && self.rows().await.iter().all(|row| row.expires > now)
    }
}
