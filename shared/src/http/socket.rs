//! A socket from which no more is read than its request is worth: nothing while it waits for a turn.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::outbox::Outbox;

/// The most bytes that are read before whoever wants them is asked again.
const PORTION: usize = 8 * 1024;

/// The same for a body that has its part of the budget.
const WIDE_PORTION: usize = 32 * 1024;

/// Whether, and how much at a time, a connection is read from.
///
/// Actix reads ahead, up to some 256 KiB, whether or not anybody wants the bytes yet. A thousand uploads that wait for
/// room in the byte budget, or have been refused and do not stop, would hold as much as the budget once more. A
/// connection is served by one thread, and so is its gate.
#[derive(Clone, Default)]
pub(super) struct Gate(Rc<State>);

#[derive(Default)]
struct State {
    closed: Cell<bool>,
    wide: Cell<bool>,
    ended: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

/// Keeps a gate closed until it is dropped.
pub(super) struct Closed(Gate);

/// Keeps a gate wide open until it is dropped.
pub(super) struct Wide(Gate);

impl Gate {
    /// Lets nothing through until the answer is dropped.
    pub(super) fn close(&self) -> Closed {
        self.0.closed.set(true);
        Closed(self.clone())
    }

    /// Lets more through at a time until the answer is dropped.
    pub(super) fn widen(&self) -> Wide {
        self.0.wide.set(true);
        Wide(self.clone())
    }

    /// Lets nothing through ever again, as if the client had sent its last byte.
    pub(super) fn end(&self) {
        self.0.ended.set(true);
        self.0.wake();
    }
}

impl State {
    fn wake(&self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    fn portion(&self) -> usize {
        if self.wide.get() { WIDE_PORTION } else { PORTION }
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.0.closed.set(false);
        self.0.0.wake();
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        self.0.0.wide.set(false);
    }
}

/// The socket of one connection.
pub(super) struct Socket {
    stream: TcpStream,
    gate: Gate,
    outbox: Outbox,
    /// What was read since the last pause.
    read: usize,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            gate: Gate::default(),
            outbox: Outbox::default(),
            read: 0,
        }
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.gate.0.ended.get() {
            return Poll::Ready(Ok(()));
        }
        if self.gate.0.closed.get() {
            self.gate.0.waiting.replace(Some(context.waker().clone()));
            return Poll::Pending;
        }
        if self.read >= self.gate.0.portion() {
            // Actix would go on until its buffer is full; this gives the request the chance to close the gate.
            self.read = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let left = self.gate.0.portion() - self.read;
        let read = if self.gate.0.wide.get() || buffer.remaining() <= left {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            buffer.filled().len() - before
        } else {
            // Actix makes its buffer larger each time it is full.
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(left));
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
            let read = part.filled().len();
            buffer.advance(read);
            read
        };
        self.read += read;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Actix flushes when it has written all of its own, so that what is in the outbox follows the head it belongs to.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, outbox, .. } = &mut *self;
        ready!(outbox.poll_send(Pin::new(stream), context))?;
        Pin::new(stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, Socket) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (peer, Socket::new(listener.accept().await.unwrap().0))
    }

    #[tokio::test]
    async fn everything_arrives_although_reading_pauses() {
        let (mut peer, mut socket) = pair().await;
        let sent: Vec<u8> = (0..=u8::MAX).cycle().take(WIDE_PORTION * 5 + 1).collect();
        let all = sent.clone();
        tokio::spawn(async move { peer.write_all(&all).await });
        let mut received = Vec::new();
        socket.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, sent);
    }

    #[tokio::test]
    async fn no_more_than_a_portion_is_read_at_a_time_unless_the_gate_is_wide() {
        let (mut peer, mut socket) = pair().await;
        let sent = vec![7; WIDE_PORTION];
        let sending = tokio::spawn(async move { peer.write_all(&sent).await.map(|()| peer) });
        let mut buffer = vec![0; WIDE_PORTION];
        let mut peeked = 0;
        while peeked < WIDE_PORTION {
            peeked = socket.stream.peek(&mut buffer).await.unwrap();
        }
        assert_eq!(socket.read(&mut buffer).await.unwrap(), PORTION);
        let wide = socket.gate().widen();
        assert_eq!(socket.read(&mut buffer).await.unwrap(), WIDE_PORTION - PORTION);
        drop((wide, sending));
    }

    #[tokio::test]
    async fn nothing_is_read_once_the_gate_has_ended() {
        let (mut peer, mut socket) = pair().await;
        peer.write_all(b"bytes").await.unwrap();
        socket.stream.readable().await.unwrap();
        socket.gate().end();
        assert_eq!(socket.read(&mut [0; 5]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn nothing_is_read_until_the_gate_opens() {
        let (mut peer, mut socket) = pair().await;
        peer.write_all(b"bytes").await.unwrap();
        let mut buffer = [0; 5];
        socket.stream.readable().await.unwrap();
        let closed = socket.gate().close();
        assert!(socket.read_exact(&mut buffer).now_or_never().is_none());
        let read = socket.read_exact(&mut buffer);
        let (read, ()) = tokio::join!(read, async { drop(closed) });
        read.unwrap();
        assert_eq!(&buffer, b"bytes");
    }
}
