//! A socket from which nothing is read while its request waits for a turn.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The most bytes that are read before the request they belong to is looked at.
const PORTION: usize = 32 * 1024;

/// Whether a connection is read from.
///
/// Actix reads ahead, up to some 256 KiB, whether or not anybody wants the bytes yet. A thousand uploads that wait for
/// room in the byte budget would hold as much as the budget once more. A connection is served by one thread, and so is
/// its gate.
#[derive(Clone, Default)]
pub(super) struct Gate(Rc<State>);

#[derive(Default)]
struct State {
    closed: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

/// Keeps a gate closed until it is dropped.
pub(super) struct Closed(Gate);

impl Gate {
    /// Lets nothing through until the answer is dropped.
    pub(super) fn close(&self) -> Closed {
        self.0.closed.set(true);
        Closed(self.clone())
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.0.closed.set(false);
        if let Some(waiting) = self.0.0.waiting.take() {
            waiting.wake();
        }
    }
}

/// The socket of one connection.
pub(super) struct Socket {
    stream: TcpStream,
    gate: Gate,
    /// What was read since the last pause.
    read: usize,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            gate: Gate::default(),
            read: 0,
        }
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.gate.0.closed.get() {
            self.gate.0.waiting.replace(Some(context.waker().clone()));
            return Poll::Pending;
        }
        if self.read >= PORTION {
            // Actix would go on until its buffer is full; this gives the request the chance to close the gate.
            self.read = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.read += buffer.filled().len() - before;
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

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
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
        let sent: Vec<u8> = (0..=u8::MAX).cycle().take(PORTION * 5 + 1).collect();
        let all = sent.clone();
        tokio::spawn(async move { peer.write_all(&all).await });
        let mut received = Vec::new();
        socket.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, sent);
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
