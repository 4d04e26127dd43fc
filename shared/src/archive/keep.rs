//! Where the bytes of a backup go: into its folder, or into a stream.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use tar::{Builder, EntryType, Header};

use super::{ArchiveError, BLOBS};
use crate::blob::{BlobError, BlobOptions, BlobStore};
use crate::clock::Timestamp;

/// A tar archive that is being written.
pub(super) struct Stream<'a> {
    archive: Builder<&'a mut (dyn Write + Send)>,
    now: Timestamp,
}

impl<'a> Stream<'a> {
    pub(super) fn new(into: &'a mut (dyn Write + Send), now: Timestamp) -> Self {
        Self {
            archive: Builder::new(into),
            now,
        }
    }

    pub(super) fn add(&mut self, path: &str, content: &[u8]) -> Result<(), ArchiveError> {
        let mut header = self.header(content.len() as u64);
        // Whoever takes it may be slow.
        tokio::task::block_in_place(|| self.archive.append_data(&mut header, path, content)).map_err(interrupted)
    }

    pub(super) fn add_file(&mut self, path: &str, from: &Path) -> Result<(), ArchiveError> {
        let file = File::open(from).map_err(ArchiveError::io(from))?;
        let size = file.metadata().map_err(ArchiveError::io(from))?.len();
        let mut header = self.header(size);
        tokio::task::block_in_place(|| self.archive.append_data(&mut header, path, file)).map_err(interrupted)
    }

    pub(super) fn finish(mut self) -> Result<(), ArchiveError> {
        let ended = self.archive.finish();
        let ended = ended.and_then(|()| self.archive.get_mut().flush());
        ended.map_err(interrupted)
    }

    fn header(&self, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(size);
        header.set_mtime(self.now.as_nanos().unsigned_abs() / 1_000_000_000);
        header
    }
}

fn interrupted(error: std::io::Error) -> ArchiveError {
    ArchiveError::io("the stream")(error)
}

/// The bytes in a folder with a backup.
pub(super) fn blobs_in(folder: &Path) -> Result<BlobStore, BlobError> {
    BlobStore::open(&BlobOptions::at(format!("file:{}", folder.join(BLOBS).display())))
}

/// Puts bytes into a store, unless they are there. An earlier attempt may have left them; the same name has the same
/// bytes, unless they are damaged.
pub(super) async fn put(blobs: &BlobStore, key: &crate::blob::BlobKey, bytes: Bytes) -> Result<(), BlobError> {
    match blobs.put(key, bytes.clone()).await {
        Err(BlobError::Exists(_)) => {}
        put => return put,
    }
    if blobs.read_into(key, Vec::new()).await? != bytes {
        blobs.delete(key).await?;
        blobs.put(key, bytes).await?;
    }
    Ok(())
}
