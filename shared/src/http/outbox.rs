//! Large bodies on their way to the socket, past actix.
//!
//! Actix copies each piece of a body into its write buffer, and offers the socket no more than that at once. A body in
//! the outbox is written by the socket itself, straight from where it is, as soon as actix has written the head.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::body::{BodyError, ByteStream};

/// What a connection sends by itself. A connection is served by one thread, and so is its outbox.
#[derive(Clone, Default)]
pub(super) struct Outbox(Rc<RefCell<State>>);

#[derive(Default)]
enum State {
    #[default]
    Empty,
    Sending(Box<Sending>),
    Broken(BodyError),
}

struct Sending {
    pieces: ByteStream,
    piece: Bytes,
    /// Bytes that are still to come, besides those of the piece.
    left: u64,
}

impl Outbox {
    /// Sends what is in the outbox; ready when nothing is left in it.
    pub(super) fn poll_send(
        &self,
        mut socket: Pin<&mut impl AsyncWrite>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.0.borrow_mut();
        let State::Sending(sending) = &mut *state else {
            return Poll::Ready(Ok(()));
        };
        let outcome = loop {
            if sending.piece.is_empty() {
                match ready!(sending.poll_piece(context)) {
                    Ok(true) => continue,
                    Ok(false) => break State::Empty,
                    Err(error) => break State::Broken(error),
                }
            }
            match ready!(socket.as_mut().poll_write(context, &sending.piece))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => sending.piece.advance(written),
            }
        };
        *state = outcome;
        // For the body to learn of it.
        context.waker().wake_by_ref();
        Poll::Ready(Ok(()))
    }
}

impl Sending {
    /// Fetches the next piece, if there is one.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, BodyError>> {
        match ready!(self.pieces.as_mut().poll_next(context)) {
            None if self.left == 0 => Poll::Ready(Ok(false)),
            None => Poll::Ready(Err(BodyError("it is shorter than it said".into()))),
            Some(Err(error)) => Poll::Ready(Err(error)),
            Some(Ok(piece)) => match self.left.checked_sub(piece.len() as u64) {
                Some(left) => {
                    (self.piece, self.left) = (piece, left);
                    Poll::Ready(Ok(true))
                }
                None => Poll::Ready(Err(BodyError("it is longer than it said".into()))),
            },
        }
    }
}

/// A body that goes through the outbox of its connection. Its length must be told by a header of the answer.
pub(super) struct Posted {
    outbox: Outbox,
    waiting: Option<Box<Sending>>,
}

impl Posted {
    pub(super) fn new(outbox: Outbox, pieces: ByteStream, length: u64) -> Self {
        let waiting = Sending {
            pieces,
            piece: Bytes::new(),
            left: length,
        };
        Self {
            outbox,
            waiting: Some(Box::new(waiting)),
        }
    }
}

impl MessageBody for Posted {
    type Error = BodyError;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    /// Actix asks for the first time when the head is in its buffer, and flushes after that. It gets no bytes from here.
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut state = self.outbox.0.borrow_mut();
        match std::mem::take(&mut *state) {
            sending @ State::Sending(_) => {
                *state = sending;
                Poll::Pending
            }
            State::Broken(error) => Poll::Ready(Some(Err(error))),
            State::Empty => {
                drop(state);
                match self.waiting.take() {
                    Some(waiting) => {
                        *self.outbox.0.borrow_mut() = State::Sending(waiting);
                        Poll::Pending
                    }
                    None => Poll::Ready(None),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::{StreamExt, stream};
    use tokio::io::AsyncReadExt;

    use super::*;

    fn pieces(sizes: &[usize]) -> ByteStream {
        let pieces: Vec<_> = sizes.iter().map(|size| Ok(Bytes::from(vec![7; *size]))).collect();
        stream::iter(pieces).boxed()
    }

    /// What comes out of the socket, and what actix is told at last.
    async fn send(sizes: &[usize], length: u64) -> (usize, Option<Result<Bytes, BodyError>>) {
        let outbox = Outbox::default();
        let mut body = Box::pin(Posted::new(outbox.clone(), pieces(sizes), length));
        let (mut socket, mut peer) = tokio::io::duplex(1000);
        let sending = async move {
            let first = poll_fn(|context| Poll::Ready(body.as_mut().poll_next(context))).await;
            assert!(first.is_pending(), "the head is not out yet");
            poll_fn(|context| outbox.poll_send(Pin::new(&mut socket), context))
                .await
                .unwrap();
            poll_fn(|context| body.as_mut().poll_next(context)).await
        };
        let mut received = Vec::new();
        let (told, read) = tokio::join!(sending, peer.read_to_end(&mut received));
        read.unwrap();
        assert!(received.iter().all(|byte| *byte == 7));
        (received.len(), told)
    }

    #[tokio::test]
    async fn all_pieces_are_sent_and_the_body_ends() {
        let (received, told) = send(&[1, 0, 5000, 700], 5701).await;
        assert_eq!(received, 5701);
        assert!(told.is_none());
        assert!(send(&[], 0).await.1.is_none());
    }

    #[tokio::test]
    async fn a_body_that_is_not_as_long_as_it_said_fails() {
        let (received, told) = send(&[300], 301).await;
        assert_eq!(received, 300);
        assert!(told.unwrap().is_err());
        let (received, told) = send(&[300, 2], 301).await;
        assert_eq!(received, 300, "what is too much would be taken for the next answer");
        assert!(told.unwrap().is_err());
    }
}
