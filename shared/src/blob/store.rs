//! The blob store as the rest of the program sees it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, future};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Location;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use tokio::task::spawn_blocking;

use super::key::OWNER;
use super::options::Target;
use super::{Blob, BlobError, BlobKey, BlobOptions, local, s3};
use crate::clock::Timestamp;

/// How long a blob of ten million bytes may take to be written.
const PUT_PATIENCE: Duration = Duration::from_secs(30);
/// How long anything else may take to be answered, retries included.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes that the name of an owner has at most.
const OWNER_LIMIT: u64 = 200;

/// An open blob store. Clones share it.
#[derive(Clone)]
pub struct BlobStore(Arc<Shared>);

struct Shared {
    store: Box<dyn ObjectStore>,
    /// What comes before every key, if anything does.
    prefix: Location,
    directory: Option<PathBuf>,
    conditional_put: bool,
    /// Whether it has been seen whose blobs these are.
    owned: AtomicBool,
}

/// What a listing says about a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobMeta {
    /// Its name.
    pub key: BlobKey,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the clock of the store.
    pub modified: Timestamp,
}

/// Something found in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// One of our blobs.
    Blob(BlobMeta),
    /// Something that is not ours, to be left alone.
    Foreign(String),
}

impl BlobStore {
    /// Opens a store. A local directory is made, for its owner only, if it is not there; a bucket must exist, which only
    /// [`BlobStore::ping`] finds out.
    ///
    /// # Errors
    /// If the settings make no sense or the directory cannot be used.
    pub fn open(options: &BlobOptions) -> Result<Self, BlobError> {
        let shared = match options.url.parse()? {
            Target::Directory(path) => {
                let directory = local::ensure_directory(&path)?;
                let store = LocalFileSystem::new_with_prefix(&directory).map_err(BlobError::from_store)?;
                // Without fsync a file that was acknowledged can be lost with the power.
                Shared::new(Box::new(store.with_fsync(true)), Location::ROOT, Some(directory))
            }
            Target::Bucket { name, prefix } => {
                let prefix = Location::parse(prefix).map_err(|error| BlobError::Settings(error.to_string()))?;
                let store = Shared::new(Box::new(s3::client(&name, &options.s3)?), prefix, None);
                Shared {
                    conditional_put: options.s3.conditional_put,
                    ..store
                }
            }
            Target::Memory => Shared::new(Box::new(InMemory::new()), Location::ROOT, None),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Stores a blob. It is on disk, or with the object store's own promise, when this returns.
    ///
    /// # Errors
    /// [`BlobError::Exists`] if there is one of this name, which is left alone. After [`BlobError::Unavailable`] the blob
    /// may be there or not.
    pub async fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), BlobError> {
        self.check_directory().await?;
        let mode = if self.0.conditional_put {
            PutMode::Create
        } else if self.size(key).await?.is_some() {
            return Err(BlobError::Exists(key.clone()));
        } else {
            PutMode::Overwrite
        };
        let location = self.location(key);
        let put = self.0.store.put_opts(&location, PutPayload::from(bytes), mode.into());
        within(PUT_PATIENCE, put)
            .await?
            .map_err(|error| BlobError::about(key, error))?;
        Ok(())
    }

    /// Begins to read a blob.
    ///
    /// # Errors
    /// [`BlobError::NotFound`] if there is none.
    pub async fn get(&self, key: &BlobKey) -> Result<Blob, BlobError> {
        self.begin_get(key, GetOptions::default()).await
    }

    /// Begins to read the part of a blob from `range.start` up to, not including, `range.end`.
    ///
    /// # Errors
    /// [`BlobError::NotFound`] if there is no blob, [`BlobError::TooShort`] if it ends before the range does.
    pub async fn get_range(&self, key: &BlobKey, range: Range<u64>) -> Result<Blob, BlobError> {
        if range.is_empty() {
            return Ok(Blob::empty());
        }
        let length = range.end - range.start;
        let part = self.begin_get(key, GetOptions::new().with_range(Some(range))).await?;
        if part.size() == length {
            Ok(part)
        } else {
            Err(BlobError::TooShort(key.clone()))
        }
    }

    async fn begin_get(&self, key: &BlobKey, options: GetOptions) -> Result<Blob, BlobError> {
        let is_part = options.range.is_some();
        let location = self.location(key);
        let found = within(PATIENCE, self.0.store.get_opts(&location, options)).await?;
        let found = found.map_err(|error| match BlobError::about(key, error) {
            // Stores have many ways to say that a range lies outside.
            BlobError::Failed(_) if is_part => BlobError::TooShort(key.clone()),
            other => other,
        });
        if matches!(found, Err(BlobError::NotFound(_))) {
            self.check_directory().await?;
        }
        Ok(Blob::new(key.clone(), found?))
    }

    /// Appends a whole blob to a buffer; see [`Blob::read_into`].
    ///
    /// # Errors
    /// [`BlobError::NotFound`] if there is none. The buffer is lost.
    pub async fn read_into(&self, key: &BlobKey, buffer: Vec<u8>) -> Result<Vec<u8>, BlobError> {
        self.get(key).await?.read_into(buffer).await
    }

    /// The size of a blob in bytes, or nothing if there is none.
    ///
    /// # Errors
    /// If the store cannot be asked.
    pub async fn size(&self, key: &BlobKey) -> Result<Option<u64>, BlobError> {
        let found = within(PATIENCE, self.0.store.head(&self.location(key))).await?;
        match found.map_err(|error| BlobError::about(key, error)) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(BlobError::NotFound(_)) => self.check_directory().await.map(|()| None),
            Err(error) => Err(error),
        }
    }

    /// Removes a blob, or does nothing if there is none.
    ///
    /// # Errors
    /// If the store does not do it.
    pub async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let deleted = within(PATIENCE, self.0.store.delete(&self.location(key))).await?;
        match deleted.map_err(|error| BlobError::about(key, error)) {
            Ok(()) => Ok(()),
            Err(BlobError::NotFound(_)) => self.check_directory().await,
            Err(error) => Err(error),
        }
    }

    /// Whether a local directory that was somebody's still is: where a disk is mounted no more, there is an empty
    /// directory, whose blobs must not be taken for lost.
    async fn check_directory(&self) -> Result<(), BlobError> {
        let Some(directory) = &self.0.directory else {
            return Ok(());
        };
        if self.0.owned.load(Ordering::Relaxed) && tokio::fs::metadata(directory.join(OWNER)).await.is_err() {
            return Err(BlobError::Unavailable(
                "the directory is not what it was: is the disk mounted?".into(),
            ));
        }
        Ok(())
    }

    /// Everything in the store, in no particular order. Blobs that come or go meanwhile may be in it or not.
    #[must_use]
    pub fn list(&self) -> BoxStream<'static, Result<Listed, BlobError>> {
        self.list_after(None)
    }

    /// What follows this key in a listing. Local directories and S3 list in the order of the bytes of the names, so that
    /// a listing that was broken off can go on where it was.
    #[must_use]
    pub fn list_after(&self, after: Option<&BlobKey>) -> BoxStream<'static, Result<Listed, BlobError>> {
        if let Some(directory) = self.0.directory.clone() {
            return local::list(directory, after.cloned());
        }
        let prefix = self.0.prefix.clone();
        let found = match after {
            None => self.0.store.list(Some(&self.0.prefix)),
            Some(key) => self.0.store.list_with_offset(Some(&self.0.prefix), &self.location(key)),
        };
        found
            .try_filter_map(move |meta| future::ready(Ok(Listed::new(&prefix, &meta))))
            .map_err(BlobError::from_store)
            .boxed()
    }

    /// Removes what interrupted uploads have left in a local directory, if it was last written before `older_than`, and
    /// says how many there were. Other stores have nothing of the kind.
    ///
    /// # Errors
    /// If the directory cannot be read or changed.
    pub async fn clean_staging(&self, older_than: Timestamp) -> Result<usize, BlobError> {
        let Some(directory) = self.0.directory.clone() else {
            return Ok(0);
        };
        let named = directory.clone();
        let cleaned = spawn_blocking(move || local::clean_staging(&directory, older_than)).await;
        cleaned
            .map_err(|error| BlobError::Failed(error.into()))?
            .map_err(BlobError::directory(named))
    }

    /// Whose blobs these are, as [`BlobStore::claim`] has been told. No listing shows where that is kept.
    ///
    /// # Errors
    /// If the store cannot be asked, or what it says is no name.
    pub async fn owner(&self) -> Result<Option<String>, BlobError> {
        let kept = match self.get(&BlobKey::owner()).await {
            Ok(kept) if kept.size() <= OWNER_LIMIT => kept.read_into(Vec::new()).await?,
            Ok(_) => return Err(BlobError::Failed("what says whose blobs these are is too long".into())),
            Err(BlobError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let name = String::from_utf8(kept).map_err(|error| BlobError::Failed(error.into()))?;
        self.0.owned.store(true, Ordering::Relaxed);
        Ok(Some(name.trim().to_owned()))
    }

    /// Makes these the blobs of this owner, unless they are somebody's already. The answer is whose they are then.
    ///
    /// # Errors
    /// If the store cannot be asked or written to.
    pub async fn claim(&self, owner: &str) -> Result<String, BlobError> {
        let key = BlobKey::owner();
        match self.put(&key, Bytes::copy_from_slice(owner.as_bytes())).await {
            Ok(()) | Err(BlobError::Exists(_)) => {}
            Err(error) => return Err(error),
        }
        self.owner().await?.ok_or(BlobError::NotFound(key))
    }

    /// Whether the store can be reached, and a local directory be written to.
    ///
    /// # Errors
    /// If not.
    pub async fn ping(&self) -> Result<(), BlobError> {
        if let Some(directory) = self.0.directory.clone() {
            let checked = spawn_blocking(move || local::check_writable(&directory)).await;
            return checked.map_err(|error| BlobError::Failed(error.into()))?;
        }
        let mut found = self.0.store.list(Some(&self.0.prefix));
        within(PATIENCE, found.try_next())
            .await?
            .map_err(BlobError::from_store)?;
        Ok(())
    }

    /// The local directory, whose file system can be asked how much room is left.
    #[must_use]
    pub fn local_path(&self) -> Option<&Path> {
        self.0.directory.as_deref()
    }

    fn location(&self, key: &BlobKey) -> Location {
        self.0
            .prefix
            .parts()
            .chain(Location::from(key.as_str()).parts())
            .collect()
    }
}

impl fmt::Debug for BlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlobStore")
            .field(&format_args!("{}", self.0.store))
            .finish()
    }
}

impl Shared {
    fn new(store: Box<dyn ObjectStore>, prefix: Location, directory: Option<PathBuf>) -> Self {
        Self {
            store,
            prefix,
            directory,
            conditional_put: true,
            owned: AtomicBool::new(false),
        }
    }
}

impl Listed {
    /// What a listing says about this, if anything.
    fn new(prefix: &Location, meta: &ObjectMeta) -> Option<Self> {
        let name: Option<Location> = meta.location.prefix_match(prefix).map(Iterator::collect);
        if name.as_ref().is_some_and(|name| name.as_ref() == OWNER) {
            return None;
        }
        let modified = Timestamp::from_nanos(meta.last_modified.timestamp_nanos_opt().unwrap_or(i64::MAX));
        Some(match name.as_ref().map(|name| name.as_ref().parse()) {
            Some(Ok(key)) => Self::Blob(BlobMeta {
                key,
                size: meta.size,
                modified,
            }),
            _ => Self::Foreign(meta.location.to_string()),
        })
    }
}

async fn within<T>(patience: Duration, answer: impl Future<Output = T>) -> Result<T, BlobError> {
    tokio::time::timeout(patience, answer)
        .await
        .map_err(|_| BlobError::timed_out())
}
