//! Rows and bytes together: a file is there when both are, and the two come and go as one.
//!
//! Bytes are written under a key that is never used again, then the row is committed, then the answer is sent. A row is
//! taken away first, with a note that its bytes are doomed, then the bytes, then the note. So a crash at any moment
//! leaves at worst bytes without a row, which [`Files::remove_strays`] finds.

use bytes::Bytes;
use shared::blob::{Blob, BlobError, BlobKey, BlobStore};
use shared::clock::{Clock, Timestamp};
use shared::db::DbError;
use shared::filing::{self, InstallationError};

use crate::model::{FileId, FixedBits, Quota};
use crate::store::{FileRow, NewFile, Store};

/// How often a number is drawn before giving up on finding a free one.
const DRAWS: usize = 25;

/// Files of this size and more are hashed off the threads that serve requests.
const HEAVY: usize = 32 * 1024;

/// How many rows a sweep takes away at a time, so that uploads get their turn in between.
const SWEEP_BATCH: u32 = 500;

/// What can go wrong while files are stored and fetched.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// These bytes are blocked.
    #[error("the operator has blocked these bytes")]
    Blocked,
    /// All files together have reached the quota.
    #[error("the quota for all files is reached")]
    QuotaReached,
    /// No free number was found.
    #[error("no free numeric id was found")]
    NoFreeId,
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] DbError),
    /// The blob store failed.
    #[error("files: {0}")]
    Blobs(#[from] BlobError),
}

impl FilesError {
    /// Whether the disk, or what else the bytes are kept on, is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Blobs(BlobError::Full(_)) | Self::Database(DbError::Full(_)))
    }

    /// Whether the same request may well succeed in a moment.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Database(error) => error.is_unavailable(),
            Self::Blobs(error) => error.is_unavailable(),
            Self::Blocked | Self::QuotaReached | Self::NoFreeId => false,
        }
    }
}

/// All files.
pub struct Files {
    store: Store,
    blobs: BlobStore,
    clock: Clock,
    quota: Quota,
    fixed_bits: FixedBits,
}

impl Files {
    /// The files in these rows and this blob store. A quota of zero is none.
    #[must_use]
    pub fn new(store: Store, blobs: BlobStore, clock: Clock, quota: u64, fixed_bits: FixedBits) -> Self {
        Self {
            store,
            blobs,
            clock,
            quota: Quota::new(quota),
            fixed_bits,
        }
    }

    /// Whether rows and bytes are both on this machine.
    #[must_use]
    pub fn are_local(&self) -> bool {
        filing::are_here(self.store.database(), &self.blobs)
    }

    /// The rows.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The bytes.
    #[must_use]
    pub fn blobs(&self) -> &BlobStore {
        &self.blobs
    }

    /// Stores bytes under the id of their content, or lets them live longer if they are there already. What it promises
    /// is on disk when it returns.
    ///
    /// # Errors
    ///
    /// [`FilesError`]; nothing is stored then.
    pub async fn store_by_content(
        &self,
        bytes: Bytes,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<FileRow, FilesError> {
        let id = content_id(bytes.clone()).await;
        if self.store.is_blocked(&id).await? {
            return Err(FilesError::Blocked);
        }
        if let Some(there) = self.store.find(&id, now).await? {
            if !self.is_whole(&there).await? {
                tracing::error!("a file has lost its bytes; the upload in hand restores it");
                tracing::debug!(id = there.id, "lost its bytes");
            } else if let Some(extended) = self.store.extend(&id, now, expires).await? {
                return Ok(extended);
            }
        }
        let size = bytes.len() as u64;
        let room = self.quota.reserve(size).ok_or(FilesError::QuotaReached)?;
        let blob = self.write(bytes).await?;
        let file = NewFile {
            id: &id,
            content: &id,
            blob: blob.as_str(),
            size,
            expires,
        };
        let row = self.store.insert_content(file, now).await;
        let row = self.or_remove(&blob, row).await?;
        room.keep();
        Ok(row)
    }

    /// Stores bytes under a random number.
    ///
    /// # Errors
    ///
    /// [`FilesError`]; nothing is stored then.
    pub async fn store_by_number(
        &self,
        bytes: Bytes,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(u64, FileRow), FilesError> {
        let content = content_id(bytes.clone()).await;
        if self.store.is_blocked(&content).await? {
            return Err(FilesError::Blocked);
        }
        let size = bytes.len() as u64;
        let room = self.quota.reserve(size).ok_or(FilesError::QuotaReached)?;
        let blob = self.write(bytes).await?;
        let row = self
            .or_remove(&blob, self.draw(&content, &blob, size, now, expires).await)
            .await?;
        room.keep();
        Ok(row)
    }

    async fn draw(
        &self,
        content: &FileId,
        blob: &BlobKey,
        size: u64,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(u64, FileRow), FilesError> {
        for _ in 0..DRAWS {
            let id = FileId::random(self.fixed_bits);
            let file = NewFile {
                id: &id,
                content,
                blob: blob.as_str(),
                size,
                expires,
            };
            let row = self.store.insert_numeric(file, now).await?;
            if let (Some(row), Some(number)) = (row, id.number()) {
                return Ok((number, row));
            }
        }
        Err(FilesError::NoFreeId)
    }

    async fn write(&self, bytes: Bytes) -> Result<BlobKey, FilesError> {
        let key = BlobKey::random();
        self.blobs.put(&key, bytes).await?;
        Ok(key)
    }

    /// Removes bytes whose row could not be committed. If the commit may have happened all the same, they stay: the
    /// stray hunt will find out.
    async fn or_remove<T, E: Into<FilesError>>(&self, blob: &BlobKey, row: Result<T, E>) -> Result<T, FilesError> {
        match row.map_err(Into::into) {
            Err(error) if !error.is_unavailable() => {
                if let Err(error) = self.blobs.delete(blob).await {
                    tracing::warn!(%error, "the bytes of a failed upload could not be removed yet");
                }
                Err(error)
            }
            outcome => outcome,
        }
    }

    /// Whether the bytes of a row are there with the right size.
    async fn is_whole(&self, row: &FileRow) -> Result<bool, FilesError> {
        let Ok(key) = row.blob.parse() else { return Ok(false) };
        Ok(self.blobs.size(&key).await? == Some(row.size))
    }

    /// The file with this id, unless it has expired, is blocked or has lost its bytes. While the blob store cannot be asked
    /// nothing counts as lost: the database alone can answer then.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn find(&self, id: &FileId) -> Result<Option<FileRow>, FilesError> {
        let mut tried = None;
        while let Some(row) = self.row(id, &mut tried).await? {
            match self.is_whole(&row).await {
                Ok(false) => {}
                Ok(true) | Err(FilesError::Blobs(_)) => return Ok(Some(row)),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The file with this id and its bytes, unless it has expired, is blocked or has lost its bytes.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the database or the blob store fails.
    pub async fn open(&self, id: &FileId) -> Result<Option<(FileRow, Blob)>, FilesError> {
        let mut tried = None;
        while let Some(row) = self.row(id, &mut tried).await? {
            let Ok(key) = row.blob.parse() else { return Ok(None) };
            match self.blobs.get(&key).await {
                Ok(blob) if blob.size() == row.size => return Ok(Some((row, blob))),
                Ok(_) | Err(BlobError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Where to look for the bytes of a file, unless they were not there the last time. An upload of the same bytes may
    /// have moved them meanwhile, so the row is looked at once more before they count as lost.
    async fn row(&self, id: &FileId, tried: &mut Option<String>) -> Result<Option<FileRow>, FilesError> {
        let Some(row) = self.store.find(id, self.clock.now()).await? else {
            return Ok(None);
        };
        if tried.as_ref() == Some(&row.blob) {
            tracing::error!("a file has lost its bytes; `fileserver check` lists such files");
            tracing::debug!(id = row.id, "lost its bytes");
            return Ok(None);
        }
        *tried = Some(row.blob.clone());
        Ok(Some(row))
    }

    /// Lets a file live longer, never shorter. `None` for what [`Files::find`] does not find.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the database or the blob store fails.
    pub async fn extend(&self, id: &FileId, now: Timestamp, expires: Timestamp) -> Result<Option<FileRow>, FilesError> {
        if self.find(id).await?.is_none() {
            return Ok(None);
        }
        Ok(self.store.extend(id, now, expires).await?)
    }

    /// Takes away expired files and then deletes doomed bytes, in small steps. The answer is how many files expired.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the database fails; what was not done is done by the next sweep.
    pub async fn sweep(&self) -> Result<usize, FilesError> {
        let mut expired = 0;
        loop {
            let taken = self.store.delete_expired(self.clock.now(), SWEEP_BATCH).await?;
            if taken == 0 {
                break;
            }
            // Counted as soon as they are gone: what comes after may fail.
            metrics::counter!("files_expired_total").increment(taken as u64);
            expired += taken;
            tokio::task::yield_now().await;
        }
        self.delete_doomed().await?;
        Ok(expired)
    }

    /// Deletes the bytes whose row is gone, as far as they can be deleted: the others are tried again the next time. The
    /// answer is how many were deleted.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the database fails.
    pub(crate) async fn delete_doomed(&self) -> Result<usize, FilesError> {
        Ok(filing::delete_doomed(self.store.database(), &self.blobs).await?)
    }

    /// Takes away one file at once. The answer says whether there was one. Bytes that cannot be deleted now are deleted
    /// by a later sweep.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the database or the blob store fails.
    pub async fn delete(&self, id: &FileId) -> Result<bool, FilesError> {
        let deleted = self.store.delete(id).await?;
        self.delete_doomed().await?;
        Ok(deleted)
    }

    /// Deletes bytes that no row has and that are too old to belong to an upload in flight. The answer is their number.
    ///
    /// # Errors
    ///
    /// [`InstallationError`] when the bytes are not known to be those of this database, or one of the two fails.
    pub async fn remove_strays(&self) -> Result<usize, InstallationError> {
        filing::remove_strays(self.store.database(), &self.blobs, self.clock.now()).await
    }

    /// Counts the bytes of all files anew, if there is a quota.
    ///
    /// # Errors
    ///
    /// [`FilesError`] when the database fails.
    pub async fn recount(&self) -> Result<(), FilesError> {
        Ok(self.quota.recount(self.store.total_bytes()).await?)
    }
}

/// The id of a content, hashed where it disturbs nobody.
pub(crate) async fn content_id(bytes: Bytes) -> FileId {
    if bytes.len() < HEAVY {
        return FileId::of_content(&bytes);
    }
    let kept = bytes.clone();
    match tokio::task::spawn_blocking(move || FileId::of_content(&bytes)).await {
        Ok(id) => id,
        Err(_cancelled) => FileId::of_content(&kept),
    }
}

/// Whether these bytes have this id.
pub(crate) async fn is_content(id: &str, bytes: &Bytes) -> bool {
    content_id(bytes.clone()).await.as_str() == id
}
