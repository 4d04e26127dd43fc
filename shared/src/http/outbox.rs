//! Large bodies on their way to the socket, past actix.
//!
//! Actix copies each piece of a body into its write buffer, and offers the socket no more than that at once. A body in
//! the outbox is written by the socket itself, straight from where it is, as soon as actix has written the head.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::{BodyError, ByteStream};
use super::rate::earned;

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
    patience: Patience,
}

/// How long a client may let an answer wait for it. What is slow on this side does not count.
struct Patience {
    /// The time that it has in any case.
    least: Duration,
    /// What it has taken so far.
    taken: u64,
    /// How long it has been waited for, up to the wait that goes on.
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Patience {
    const fn new(least: Duration) -> Self {
        Self {
            least,
            taken: 0,
            waited: Duration::ZERO,
            waiting: None,
        }
    }

    /// The client takes nothing at the moment; ready when it has been waited for too long.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = (self.least + earned(self.taken)).saturating_sub(self.waited);
        let (_, end) = self.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + left)))
        });
        end.as_mut().poll(context)
    }

    /// The client has taken so many bytes.
    fn took(&mut self, bytes: usize) {
        self.taken += bytes as u64;
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
    }
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
            match socket.as_mut().poll_write(context, &sending.piece)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => {
                    sending.piece.advance(written);
                    sending.patience.took(written);
                }
                Poll::Pending => {
                    ready!(sending.patience.poll_end(context));
                    tracing::debug!("a client takes its answer too slowly");
                    // What it held on to is free at once, whatever becomes of the connection.
                    *state = State::Broken(BodyError("it is taken too slowly".into()));
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
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
    /// A client that takes it slowly has this time, and what the bytes that it has taken have earned it.
    pub(super) fn new(outbox: Outbox, pieces: ByteStream, length: u64, least_time: Duration) -> Self {
        let waiting = Sending {
            pieces,
            piece: Bytes::new(),
            left: length,
            patience: Patience::new(least_time),
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
    use tokio::io::{AsyncReadExt, DuplexStream};
    use tokio::time::sleep;

    use super::*;

    /// The time that a slow client has in any case.
    const START: Duration = Duration::from_secs(1);

    fn pieces(sizes: &[usize]) -> ByteStream {
        let pieces: Vec<_> = sizes.iter().map(|size| Ok(Bytes::from(vec![7; *size]))).collect();
        stream::iter(pieces).boxed()
    }

    /// What comes out of the socket, and what actix is told at last.
    async fn send(sizes: &[usize], length: u64) -> (usize, Option<Result<Bytes, BodyError>>) {
        let outbox = Outbox::default();
        let mut body = Box::pin(Posted::new(outbox.clone(), pieces(sizes), length, START));
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

    /// Sends a body of a megabyte to somebody who takes it in their own way.
    async fn take<T>(pieces: ByteStream, taking: impl AsyncFnOnce(&mut DuplexStream) -> T) -> (io::Result<()>, T) {
        let outbox = Outbox::default();
        let mut body = Box::pin(Posted::new(outbox.clone(), pieces, MEGABYTE, START));
        assert!(futures_util::poll!(poll_fn(|context| body.as_mut().poll_next(context))).is_pending());
        let (mut socket, mut peer) = tokio::io::duplex(1000);
        let sending = async move {
            let sent = poll_fn(|context| outbox.poll_send(Pin::new(&mut socket), context)).await;
            assert!(
                !matches!(*outbox.0.borrow(), State::Sending(_)),
                "it holds on to what cannot be sent"
            );
            sent
        };
        tokio::join!(sending, taking(&mut peer))
    }

    const MEGABYTE: u64 = 1_000_000;

    fn megabyte() -> ByteStream {
        pieces(&[400_000, 600_000])
    }

    /// Takes so much after each hundredth of a second, and says how much it was.
    async fn steadily(peer: &mut DuplexStream, portion: usize) -> u64 {
        let mut buffer = vec![0; portion];
        let mut taken = 0;
        while taken < MEGABYTE && peer.read_exact(&mut buffer).await.is_ok() {
            taken += buffer.len() as u64;
            sleep(Duration::from_millis(10)).await;
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_64_kilobytes_a_second_gets_everything() {
        let (sent, taken) = take(megabyte(), async |peer| steadily(peer, 640).await).await;
        sent.unwrap();
        assert!(taken >= MEGABYTE - 640);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_less_is_cut_off_after_a_while() {
        let (sent, taken) = take(megabyte(), async |peer| steadily(peer, 600).await).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
        // In the second at the start and as long as it was no more than that behind.
        assert!((60_000..MEGABYTE).contains(&taken), "{taken}");
        let (sent, ()) = take(megabyte(), async |_| sleep(START * 10).await).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_us_is_not_cut_off() {
        let late = async {
            sleep(START * 100).await;
            Ok(Bytes::from(vec![7; 500_000]))
        };
        let again = async {
            sleep(START * 100).await;
            Ok(Bytes::from(vec![7; 500_000]))
        };
        let pieces = stream::once(late).chain(stream::once(again)).boxed();
        let (sent, taken) = take(pieces, async |peer| steadily(peer, 1000).await).await;
        sent.unwrap();
        assert_eq!(taken, MEGABYTE);
    }
}
