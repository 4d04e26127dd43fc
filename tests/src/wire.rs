//! A client that holds the socket itself: it sends at its own pace, and reads the answer whatever happened to what it
//! sent.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::soon;

const PIECE: usize = 64 * 1024;
/// Between two pieces; 10 MB take about three seconds, which is longer than servers like to go on reading after a
/// refusal.
const PACE: Duration = Duration::from_millis(20);
const HEAD_END: &[u8] = b"\r\n\r\n";

/// An answer as it came over the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl WireAnswer {
    /// The header with this name, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(other, value)| (other == name).then_some(value.as_str()))
    }
}

/// A request whose head is out and whose body is not.
#[derive(Debug)]
pub struct Upload {
    socket: TcpStream,
    received: BytesMut,
}

impl Upload {
    /// Connects and sends the head: `POST` and the target, `Host`, and these lines.
    ///
    /// # Panics
    /// If it cannot connect or send.
    pub async fn begin(address: SocketAddr, target: &str, lines: &[&str]) -> Self {
        let mut head = format!("POST {target} HTTP/1.1\r\nHost: {address}\r\n");
        for line in lines {
            head += line;
            head += "\r\n";
        }
        head += "\r\n";
        let mut upload = Self::raw(address).await;
        upload.socket.write_all(head.as_bytes()).await.unwrap();
        upload
    }

    /// Connects and sends nothing yet.
    ///
    /// # Panics
    /// If it cannot connect.
    pub async fn raw(address: SocketAddr) -> Self {
        let socket = soon("connecting", TcpStream::connect(address)).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            received: BytesMut::new(),
        }
    }

    /// Begins a request that asks to be told when the server wants the body, and waits for that.
    ///
    /// # Panics
    /// If the server does not want it.
    pub async fn accepted(address: SocketAddr, target: &str, length: usize) -> Self {
        let length = format!("Content-Length: {length}");
        let mut upload = Self::begin(address, target, &[&length, "Expect: 100-continue"]).await;
        let answer = upload.answer().await;
        assert!(answer.as_ref().is_some_and(|answer| answer.status == 100), "{answer:?}");
        upload
    }

    /// Sends bytes at once.
    ///
    /// # Errors
    /// When the other side does not take them.
    pub async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        soon("sending", self.socket.write_all(bytes)).await
    }

    /// Sends a body piece by piece, as from a slow line.
    ///
    /// # Errors
    /// When the other side stops taking it.
    pub async fn send_slowly(&mut self, body: &[u8]) -> std::io::Result<()> {
        let mut pace = tokio::time::interval(PACE);
        for piece in body.chunks(PIECE) {
            pace.tick().await;
            self.send(piece).await?;
        }
        Ok(())
    }

    /// The same, in chunks, for a body whose length was not told.
    ///
    /// # Errors
    /// When the other side stops taking it.
    pub async fn send_chunked(&mut self, body: &[u8]) -> std::io::Result<()> {
        let mut pace = tokio::time::interval(PACE);
        for piece in body.chunks(PIECE) {
            pace.tick().await;
            self.send(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            self.send(piece).await?;
            self.send(b"\r\n").await?;
        }
        self.send(b"0\r\n\r\n").await
    }

    /// Reads the answer; `None` if the connection ends without one.
    pub async fn answer(&mut self) -> Option<WireAnswer> {
        soon("waiting for an answer", self.read_answer()).await
    }

    /// Takes nothing out of what was received before all of it is there, so that waiting can be given up and resumed.
    async fn read_answer(&mut self) -> Option<WireAnswer> {
        let end = self.end_of_head().await?;
        let head = String::from_utf8_lossy(&self.received[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = WireAnswer {
            status,
            headers,
            body: Bytes::new(),
        };
        let length: usize = answer.header("content-length").map_or(0, |text| text.parse().unwrap());
        let body = end + HEAD_END.len();
        while self.received.len() < body + length {
            if self.read().await == 0 {
                return None;
            }
        }
        answer.body = self.received.split_to(body + length).split_off(body).freeze();
        Some(answer)
    }

    /// Whether the other side closes the connection without a further byte.
    pub async fn is_closed(&mut self) -> bool {
        soon("waiting for the end", self.read()).await == 0 && self.received.is_empty()
    }

    async fn end_of_head(&mut self) -> Option<usize> {
        loop {
            let mut places = self.received.windows(HEAD_END.len());
            if let Some(end) = places.position(|place| place == HEAD_END) {
                return Some(end);
            }
            if self.read().await == 0 {
                return None;
            }
        }
    }

    /// A connection that was reset has ended too.
    async fn read(&mut self) -> usize {
        self.socket.read_buf(&mut self.received).await.unwrap_or(0)
    }
}
