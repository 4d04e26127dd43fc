//! The body of a response: bytes, or a source that is read while it is sent.

use std::fmt;
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use super::Permit;

/// How much of a body is worked on at a time where it does not stay as it is.
const PIECE: usize = 256 * 1024;

/// A body could not be read to its end. The connection is cut, since the status is already out.
#[derive(Debug, thiserror::Error)]
#[error("the body could not be read: {0}")]
pub struct BodyError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Pieces of a body.
pub type ByteStream = BoxStream<'static, Result<Bytes, BodyError>>;

/// A body that is read when it is wanted: piece by piece for a socket, or whole into one buffer for an envelope.
pub trait Source: Send + 'static {
    /// The exact number of bytes.
    fn length(&self) -> u64;

    /// The bytes, piece by piece.
    fn stream(self: Box<Self>) -> ByteStream;

    /// Appends all bytes to `buffer`, which has room for them.
    fn read_into(self: Box<Self>, buffer: Vec<u8>) -> BoxFuture<'static, Result<Vec<u8>, BodyError>> {
        Box::pin(append(self.stream(), buffer))
    }

    /// A reader of the same bytes, if they are in a file of this machine: reading it keeps a thread only for a moment and
    /// hardly ever fails half-way. It is used in place of the source, not beside it.
    fn reader(&self) -> Option<Box<dyn Read + Send>> {
        None
    }
}

async fn append(mut stream: ByteStream, mut buffer: Vec<u8>) -> Result<Vec<u8>, BodyError> {
    while let Some(piece) = stream.next().await {
        buffer.extend_from_slice(&piece?);
    }
    Ok(buffer)
}

/// The body of a response.
pub struct Body {
    kind: Kind,
    held: Option<Permit>,
}

enum Kind {
    Bytes(Bytes),
    Source(Box<dyn Source>),
    /// The body of an answer to HEAD: nothing is sent, but the length is told.
    Omitted(u64),
}

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Bytes::new().into()
    }

    /// A body that is read while it is sent.
    #[must_use]
    pub fn source(source: impl Source) -> Self {
        Self {
            kind: Kind::Source(Box::new(source)),
            held: None,
        }
    }

    /// The same body, holding on to a part of the byte budget until it has been sent or dropped.
    #[must_use]
    pub fn holding(mut self, permit: Option<Permit>) -> Self {
        self.held = permit;
        self
    }

    /// The same length, but nothing to send: the answer to HEAD.
    #[must_use]
    pub(super) fn omitted(self) -> Self {
        Self {
            kind: Kind::Omitted(self.length()),
            held: None,
        }
    }

    /// The number of bytes that are sent, or would be for GET.
    #[must_use]
    pub fn length(&self) -> u64 {
        match &self.kind {
            Kind::Bytes(bytes) => bytes.len() as u64,
            Kind::Source(source) => source.length(),
            Kind::Omitted(length) => *length,
        }
    }

    /// Whether nothing is sent although there is a length.
    #[must_use]
    pub fn is_omitted(&self) -> bool {
        matches!(self.kind, Kind::Omitted(_))
    }

    /// See [`Source::reader`].
    pub(super) fn reader(&self) -> Option<Box<dyn Read + Send>> {
        match &self.kind {
            Kind::Source(source) => source.reader(),
            Kind::Bytes(_) | Kind::Omitted(_) => None,
        }
    }

    /// Appends the whole body to `buffer`.
    ///
    /// # Errors
    ///
    /// [`BodyError`] if the source could not be read to its end.
    pub async fn read_into(self, mut buffer: Vec<u8>) -> Result<Vec<u8>, BodyError> {
        match self.kind {
            Kind::Bytes(bytes) => {
                buffer.extend_from_slice(&bytes);
                Ok(buffer)
            }
            Kind::Source(source) => source.read_into(buffer).await,
            Kind::Omitted(_) => Ok(buffer),
        }
    }

    /// The whole body in memory. Bytes are handed on without a copy.
    ///
    /// # Errors
    ///
    /// [`BodyError`] if the source could not be read to its end.
    pub async fn collect(self) -> Result<Bytes, BodyError> {
        match self.kind {
            Kind::Bytes(bytes) => Ok(bytes),
            kind => {
                let whole = Self { kind, held: self.held };
                let room = usize::try_from(whole.length()).unwrap_or(0);
                Ok(whole.read_into(Vec::with_capacity(room)).await?.into())
            }
        }
    }

    /// The body as it is sent. The held part of the budget is given back at the end.
    #[must_use]
    pub fn into_stream(self) -> ByteStream {
        let pieces: ByteStream = match self.kind {
            Kind::Bytes(bytes) => stream::once(async { Ok(bytes) }).boxed(),
            Kind::Source(source) => source.stream(),
            Kind::Omitted(_) => stream::empty().boxed(),
        };
        match self.held {
            Some(permit) => Held {
                pieces,
                _permit: permit,
            }
            .boxed(),
            None => pieces,
        }
    }
}

/// Bytes in pieces.
pub(super) fn pieces(bytes: Bytes) -> ByteStream {
    stream::unfold(bytes, |mut rest| async move {
        (!rest.is_empty()).then(|| {
            let piece = rest.split_to(rest.len().min(PIECE));
            (Ok(piece), rest)
        })
    })
    .boxed()
}

/// The number of characters that so many bytes have as padded base64.
#[must_use]
pub fn base64_length(bytes: u64) -> u64 {
    bytes.div_ceil(3) * 4
}

/// Bytes as padded base64 in the standard alphabet, encoded while they are sent.
#[must_use]
pub fn base64_text(bytes: ByteStream) -> ByteStream {
    stream::unfold(Some((bytes, Vec::new())), |state| async {
        let (mut bytes, mut rest) = state?;
        Some(match bytes.next().await {
            Some(Ok(piece)) => {
                rest.extend_from_slice(&piece);
                // Three bytes are four characters; what does not come out even waits for the next piece.
                let odd = rest.split_off(rest.len() / 3 * 3);
                (Ok(STANDARD.encode(rest).into()), Some((bytes, odd)))
            }
            Some(Err(error)) => (Err(error), None),
            None => (Ok(STANDARD.encode(rest).into()), None),
        })
    })
    .boxed()
}

/// A stream that holds on to a part of the budget.
struct Held {
    pieces: ByteStream,
    _permit: Permit,
}

impl Stream for Held {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.as_mut().poll_next(context)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self {
            kind: Kind::Bytes(bytes),
            held: None,
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Body({} bytes)", self.length())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn base64_does_not_depend_on_how_the_bytes_come_in_pieces(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            size in 1..70_usize,
        ) {
            let pieces: Vec<_> = bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let text = base64_text(stream::iter(pieces).boxed()).try_concat_now();
            prop_assert_eq!(text.len() as u64, base64_length(bytes.len() as u64));
            prop_assert_eq!(STANDARD.decode(text).unwrap(), bytes);
        }
    }

    trait ConcatNow {
        fn try_concat_now(self) -> Vec<u8>;
    }

    impl ConcatNow for ByteStream {
        fn try_concat_now(self) -> Vec<u8> {
            let all: Vec<Bytes> = futures_util::FutureExt::now_or_never(self.try_collect())
                .unwrap()
                .unwrap();
            all.concat()
        }
    }
}
