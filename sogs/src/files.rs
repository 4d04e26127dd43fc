//! Rows and bytes together: a file is there when both are, and the two come and go as one.
//!
//! Bytes are written under a key that is never used again, then the row is committed, then the answer is sent. What is
//! taken away goes the other way round; `shared::filing` does that. A crash at any moment leaves at worst bytes without
//! a row, which [`Files::remove_strays`] finds.

use std::time::Duration;

use bytes::Bytes;
use shared::blob::{Blob, BlobError, BlobKey, BlobStore};
use shared::clock::Clock;
use shared::db::DbError;
use shared::filing::{self, FreeSpace, InstallationError};
use shared::http::Head;

use crate::api::ApiError;
use crate::app::Community;
use crate::directory::Directory;
use crate::model::{Allowance, RoomNo, UserNo};
use crate::settings::Settings;
use crate::store::{FileRow, NewFile, Store};

/// How long an upload is kept that no message and no room takes.
pub const UNATTACHED: Duration = Duration::from_secs(60 * 60);

/// How many rows a sweep takes away at a time, so that uploads get their turn in between.
const SWEEP_BATCH: u32 = 500;

/// The span in which uploads are counted.
pub const UPLOAD_SPAN: Duration = Duration::from_secs(60 * 60);

/// All files.
pub struct Files {
    store: Store,
    blobs: BlobStore,
    clock: Clock,
    /// Free space on the disks.
    pub space: FreeSpace,
    /// What one person may upload.
    pub allowance: Allowance,
}

/// A file that is about to be stored.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The room.
    pub room: RoomNo,
    /// Who uploads it.
    pub uploader: UserNo,
    /// What they call it.
    pub filename: Option<String>,
    /// What is in it, which may be nothing.
    pub bytes: Bytes,
    /// How long it is kept; `None` for ever.
    pub lifetime: Option<Duration>,
}

impl Files {
    /// The files in these rows and this blob store.
    #[must_use]
    pub fn new(settings: &Settings, store: Store, blobs: BlobStore, clock: Clock) -> Self {
        let of_database = store.database().path().and_then(std::path::Path::parent);
        let disks = of_database.into_iter().chain(blobs.local_path());
        let disks = disks.map(std::path::Path::to_owned).collect();
        Self {
            space: FreeSpace::new(disks, settings.files.free_space_floor.0, clock.clone()),
            allowance: Allowance::new(settings.limits.uploads_per_hour, UPLOAD_SPAN, clock.clone()),
            store,
            blobs,
            clock,
        }
    }

    /// Whether rows and bytes are both on this machine.
    #[must_use]
    pub fn are_local(&self) -> bool {
        filing::are_here(self.store.database(), &self.blobs)
    }

    /// A file of this room and its bytes (`None` if it is empty), unless it has expired or has lost its bytes.
    ///
    /// # Errors
    ///
    /// When the database or the blob store fails.
    pub async fn open(&self, room: RoomNo, id: i64) -> Result<Option<(FileRow, Option<Blob>)>, ApiError> {
        let Some(row) = self.store.file(room, id, self.clock.now()).await? else {
            return Ok(None);
        };
        let Some(key) = &row.blob else {
            return Ok(Some((row, None)));
        };
        let found = match key.parse() {
            Ok(key) => self.blobs.get(&key).await,
            Err(error) => Err(BlobError::Failed(Box::new(error))),
        };
        match found {
            Ok(blob) if blob.size() == row.size => return Ok(Some((row, Some(blob)))),
            Ok(_) | Err(BlobError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        // A sweep may have come between the two steps.
        if self.store.file(room, id, self.clock.now()).await?.is_some() {
            tracing::error!("a file has lost its bytes");
            tracing::debug!(id, "lost its bytes");
        }
        Ok(None)
    }

    /// Writes bytes for a row that is to come; empty ones are kept nowhere.
    pub(crate) async fn write(&self, bytes: Bytes) -> Result<Option<BlobKey>, BlobError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let key = BlobKey::random();
        self.blobs.put(&key, bytes).await?;
        Ok(Some(key))
    }

    /// Removes bytes whose row could not be committed. What cannot be removed now, the stray hunt finds.
    pub(crate) async fn discard(&self, key: &BlobKey) {
        if let Err(error) = self.blobs.delete(key).await {
            tracing::warn!(%error, "the bytes of a failed upload could not be removed yet");
        }
    }

    /// Takes away expired files and then deletes doomed bytes, in small steps. The answer is how many files expired.
    ///
    /// # Errors
    ///
    /// When the database fails; what was not done is done by the next sweep.
    pub async fn sweep(&self, directory: &Directory) -> Result<usize, DbError> {
        let mut expired = 0;
        loop {
            let mut write = self.store.write(self.clock.now()).await?;
            let taken = write.delete_expired_files(SWEEP_BATCH).await?;
            if taken == 0 {
                break;
            }
            directory.apply(&write.commit().await?);
            expired += taken;
            tokio::task::yield_now().await;
        }
        filing::delete_doomed(self.store.database(), &self.blobs).await?;
        Ok(expired)
    }

    /// Deletes bytes that no row has and that are too old to belong to an upload in flight. The answer is their number.
    ///
    /// # Errors
    ///
    /// [`InstallationError`] when the bytes are not known to be those of this database, or one of the two fails.
    pub async fn remove_strays(&self) -> Result<usize, InstallationError> {
        filing::remove_strays(self.store.database(), &self.blobs, self.clock.now()).await
    }
}

impl Community {
    /// Stores a file on behalf of the caller and answers its id. What it promises is on disk when it returns.
    ///
    /// # Errors
    ///
    /// 404 if the room is gone, 425 if the nonce was used for a change already, and when the database or the blob store
    /// fails. Nothing is stored then.
    pub async fn store_file(&self, head: &Head, upload: Upload) -> Result<i64, ApiError> {
        let size = upload.bytes.len() as u64;
        let blob = self.files.write(upload.bytes).await?;
        let file = NewFile {
            room: upload.room,
            uploader: upload.uploader,
            size,
            lifetime: upload.lifetime,
            filename: upload.filename.as_deref(),
            blob: blob.as_ref().map(BlobKey::as_str),
        };
        let stored = self.store_row(head, file).await;
        // If the row may be there all the same, the bytes stay: the stray hunt will find out.
        if let (Err(error), Some(key)) = (&stored, &blob)
            && !error.is_unavailable()
        {
            self.files.discard(key).await;
        }
        stored
    }

    async fn store_row(&self, head: &Head, file: NewFile<'_>) -> Result<i64, ApiError> {
        let mut write = self.write(head).await?;
        let id = write.add_file(file).await?.ok_or(ApiError::NotFound("room"))?;
        self.commit(head, write).await?;
        Ok(id)
    }
}
