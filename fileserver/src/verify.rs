//! Whether the bytes of a row are those that were uploaded.

use bytes::Bytes;
use shared::blob::{BlobError, BlobStore};

use crate::files::content_id;
use crate::store::FileRow;

/// What the bytes of a row turn out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are as they should be: here they are.
    Whole(Bytes),
    /// There are none.
    Missing,
    /// There are so many instead.
    WrongSize(u64),
    /// They are so many as there should be, but others.
    WrongContent,
}

/// Reads the bytes of a row and compares their number and their hash.
///
/// # Errors
///
/// When they cannot be read, which does not say what they are.
pub async fn verify(blobs: &BlobStore, row: &FileRow) -> Result<Verdict, BlobError> {
    let Ok(key) = row.blob.parse() else {
        return Ok(Verdict::Missing);
    };
    let blob = match blobs.get(&key).await {
        Ok(blob) => blob,
        Err(BlobError::NotFound(_)) => return Ok(Verdict::Missing),
        Err(error) => return Err(error),
    };
    if blob.size() != row.size {
        return Ok(Verdict::WrongSize(blob.size()));
    }
    let bytes: Bytes = match blob.read_into(Vec::new()).await {
        Ok(bytes) => bytes.into(),
        // It was cut off or taken away between the two steps.
        Err(BlobError::NotFound(_) | BlobError::TooShort(_)) => return Ok(Verdict::Missing),
        Err(error) => return Err(error),
    };
    if content_id(bytes.clone()).await.as_str() == row.content {
        Ok(Verdict::Whole(bytes))
    } else {
        Ok(Verdict::WrongContent)
    }
}
