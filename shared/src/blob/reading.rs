//! A blob that is about to be read: piece by piece, or whole into one buffer.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Range;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::{GetResult, GetResultPayload};

use super::{BlobError, BlobKey, local};
use crate::http::{BodyError, ByteStream, Source};

/// A blob, or a part of one, about to be read. It can be read even if it is deleted meanwhile.
pub struct Blob {
    size: u64,
    content: Content,
}

enum Content {
    Local {
        key: BlobKey,
        file: File,
        range: Range<u64>,
    },
    Remote(BoxStream<'static, Result<Bytes, BlobError>>),
}

impl Blob {
    pub(super) fn new(key: BlobKey, found: GetResult) -> Self {
        let size = found.range.end - found.range.start;
        let content = match found.payload {
            GetResultPayload::File(file, _) => Content::Local {
                key,
                file,
                range: found.range,
            },
            GetResultPayload::Stream(stream) => {
                Content::Remote(stream.map_err(move |error| BlobError::about(&key, error)).boxed())
            }
        };
        Self { size, content }
    }

    pub(super) fn empty() -> Self {
        Self {
            size: 0,
            content: Content::Remote(stream::empty().boxed()),
        }
    }

    /// The number of bytes to come.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes, piece by piece. It ends with an error if there are fewer than [`Blob::size`].
    #[must_use]
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes, BlobError>> {
        match self.content {
            Content::Local { key, file, range } => local::stream(key, file, range),
            Content::Remote(stream) => stream,
        }
    }

    /// Appends the bytes to a buffer, which may hold something already. From a local directory they are read straight
    /// into it; reserve what is to come after them beforehand to spare a copy later.
    ///
    /// # Errors
    ///
    /// When the bytes cannot be read to their end. The buffer is lost.
    pub async fn read_into(self, mut buffer: Vec<u8>) -> Result<Vec<u8>, BlobError> {
        match self.content {
            Content::Local { key, file, range } => local::read_into(key, file, range, buffer).await,
            Content::Remote(mut stream) => {
                while let Some(piece) = stream.try_next().await? {
                    buffer.extend_from_slice(&piece);
                }
                Ok(buffer)
            }
        }
    }
}

impl Source for Blob {
    fn length(&self) -> u64 {
        self.size
    }

    fn stream(self: Box<Self>) -> ByteStream {
        self.into_stream().map_err(broken).boxed()
    }

    fn read_into(self: Box<Self>, buffer: Vec<u8>) -> BoxFuture<'static, Result<Vec<u8>, BodyError>> {
        Box::pin(async move { Self::read_into(*self, buffer).await.map_err(broken) })
    }

    fn reader(&self) -> Option<Box<dyn Read + Send>> {
        match &self.content {
            Content::Local { file, range, .. } => local::reader(file, range),
            Content::Remote(_) => None,
        }
    }
}

fn broken(error: BlobError) -> BodyError {
    BodyError(error.into())
}

impl fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Blob({} bytes)", self.size)
    }
}
