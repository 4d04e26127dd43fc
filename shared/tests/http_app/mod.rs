//! A small server on the HTTP layer, and a client for what a well-behaved one would not send.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "this is a test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use shared::crypto::{self, ServerKeys, X25519Pair};
use shared::http::{
    App, Body, Budget, ByteStream, Entrance, Front, Head, Limits, Method, MissLimiter, OnionKeys, Request, Response,
    Route, Router, RunningFront, Source, StatusCode, dispatch, listen,
};
use shared::onion::v3::Slashless;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

pub(crate) struct Small {
    router: Router<Small>,
    onion: OnionKeys,
    budget: Budget,
    limits: Limits,
    /// Requests that reached a handler.
    pub(crate) handled: AtomicUsize,
    /// Answers in whose place the client got another.
    pub(crate) undelivered: Arc<AtomicUsize>,
    /// Lets handlers of `/wait` go on.
    pub(crate) gate: Semaphore,
}

#[derive(Debug)]
pub(crate) struct Teapot;

impl From<Teapot> for Response {
    fn from(_: Teapot) -> Self {
        Response::text(StatusCode::IM_A_TEAPOT, "short and stout")
    }
}

type Answer = Result<Response, Teapot>;

async fn echo(app: Arc<Small>, request: Request) -> Answer {
    app.handled.fetch_add(1, Ordering::SeqCst);
    let name = request.param("name").to_owned();
    let entrance = match request.head.entrance {
        Entrance::Direct(_) => "direct",
        Entrance::Onion => "onion",
        Entrance::Batch => "batch",
    };
    let seen = request.head.header("x-seen").unwrap_or("none").to_owned();
    let text = format!(
        "{} {} {} {name} {entrance} {seen} {}",
        request.head.method,
        request.head.path,
        request.head.query.as_deref().unwrap_or("-"),
        request.body.len()
    );
    Ok(Response::text(StatusCode::OK, text))
}

async fn panics(_: Arc<Small>, _: Request) -> Answer {
    panic!("a fault")
}

async fn refuses(_: Arc<Small>, _: Request) -> Answer {
    Err(Teapot)
}

async fn waits(app: Arc<Small>, _: Request) -> Answer {
    app.handled.fetch_add(1, Ordering::SeqCst);
    let permit = app.gate.acquire().await;
    drop(permit);
    Ok(Response::text(StatusCode::OK, "waited"))
}

pub(crate) const STREAMED: usize = 3_000_001;

/// What `/stream` sends.
pub(crate) fn streamed() -> Bytes {
    (0..STREAMED).map(|index| (index % 251) as u8).collect()
}

struct Pieces;

impl Source for Pieces {
    fn length(&self) -> u64 {
        STREAMED as u64
    }

    fn stream(self: Box<Self>) -> ByteStream {
        let pieces: Vec<Bytes> = streamed().chunks(70_000).map(Bytes::copy_from_slice).collect();
        futures_util::stream::iter(pieces).map(Ok).boxed()
    }
}

async fn streams(_: Arc<Small>, _: Request) -> Answer {
    Ok(Response::bytes(Body::source(Pieces)))
}

/// A body in a file, of which more may be promised than there is.
struct Filed {
    bytes: Bytes,
    length: usize,
}

impl Source for Filed {
    fn length(&self) -> u64 {
        self.length as u64
    }

    fn stream(self: Box<Self>) -> ByteStream {
        futures_util::stream::iter([Ok(self.bytes)]).boxed()
    }

    fn reader(&self) -> Option<Box<dyn std::io::Read + Send>> {
        Some(Box::new(std::io::Cursor::new(self.bytes.clone())))
    }
}

async fn reads_a_file(_: Arc<Small>, _: Request) -> Answer {
    let bytes = streamed();
    let length = bytes.len();
    Ok(Response::bytes(Body::source(Filed { bytes, length })))
}

async fn reads_a_damaged_file(_: Arc<Small>, _: Request) -> Answer {
    let (bytes, length) = (streamed(), STREAMED + 1);
    Ok(Response::bytes(Body::source(Filed { bytes, length })))
}

struct Broken;

impl Source for Broken {
    fn length(&self) -> u64 {
        1_000_000
    }

    fn stream(self: Box<Self>) -> ByteStream {
        let fault = shared::http::BodyError("lost".into());
        futures_util::stream::iter([Ok(Bytes::from_static(&[0; 1000])), Err(fault)]).boxed()
    }
}

async fn breaks(_: Arc<Small>, _: Request) -> Answer {
    Ok(Response::bytes(Body::source(Broken)))
}

/// So many zeros.
struct Zeros(u64);

impl Source for Zeros {
    fn length(&self) -> u64 {
        self.0
    }

    fn stream(self: Box<Self>) -> ByteStream {
        let piece = |left: u64| {
            (left > 0).then(|| {
                (
                    Ok(vec![0; left.min(65_536) as usize].into()),
                    left.saturating_sub(65_536),
                )
            })
        };
        futures_util::stream::unfold(self.0, move |left| std::future::ready(piece(left))).boxed()
    }
}

async fn zeros(app: Arc<Small>, request: Request) -> Answer {
    let held = app.budget.take(1_000_000).await.ok();
    let length = request.param("length").parse().unwrap();
    Ok(Response::bytes(Body::source(Zeros(length)).holding(held)))
}

/// A body of which nothing ever comes.
struct Never;

impl Source for Never {
    fn length(&self) -> u64 {
        1000
    }

    fn stream(self: Box<Self>) -> ByteStream {
        futures_util::stream::pending().boxed()
    }
}

async fn never_comes(_: Arc<Small>, _: Request) -> Answer {
    Ok(Response::bytes(Body::source(Never)))
}

/// A body that panics when it is read.
struct Fault;

impl Source for Fault {
    fn length(&self) -> u64 {
        1000
    }

    fn stream(self: Box<Self>) -> ByteStream {
        panic!("a fault")
    }
}

async fn panics_late(_: Arc<Small>, _: Request) -> Answer {
    Ok(Response::bytes(Body::source(Fault)))
}

fn guard(_: &Small, head: &mut Head, _: Option<u64>) -> Result<(), Response> {
    match head.header("x-refuse") {
        Some(_) => Err(Response::text(StatusCode::FORBIDDEN, "refused early")),
        None => Ok(()),
    }
}

pub(crate) const LIMIT: u64 = 5_000_000;

pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) budget: u64,
    pub(crate) misses: Option<MissLimiter>,
    pub(crate) keys: ServerKeys,
    pub(crate) handlers_at_sockets: bool,
    /// How much the system takes of an answer that is not read.
    pub(crate) send_buffer: Option<usize>,
}

impl Default for Setup {
    fn default() -> Self {
        crypto::init().unwrap();
        let limits = Limits {
            workers: 2,
            ..Limits::default()
        };
        Self {
            limits,
            budget: 64 * 1024 * 1024,
            misses: None,
            keys: X25519Pair::generate().into(),
            handlers_at_sockets: true,
            send_buffer: None,
        }
    }
}

impl Setup {
    /// With handlers in either place where they can be.
    pub(crate) fn both() -> [Self; 2] {
        [true, false].map(|handlers_at_sockets| Self {
            handlers_at_sockets,
            ..Self::default()
        })
    }

    pub(crate) fn start(self) -> (Arc<Small>, RunningFront) {
        let router = Router::default()
            .path(
                "/echo/{name}",
                [
                    Route::new(Method::GET, echo),
                    Route::new(Method::PUT, echo).body_limit(LIMIT),
                ],
            )
            .path("/panic", [Route::new(Method::GET, panics)])
            .path("/refuse", [Route::new(Method::GET, refuses)])
            .path("/wait", [Route::new(Method::GET, waits)])
            .path("/stream", [Route::new(Method::GET, streams)])
            .path("/file", [Route::new(Method::GET, reads_a_file)])
            .path("/damaged", [Route::new(Method::GET, reads_a_damaged_file)])
            .path("/break", [Route::new(Method::GET, breaks)])
            .path("/panic-late", [Route::new(Method::GET, panics_late)])
            .path("/zeros/{length}", [Route::new(Method::GET, zeros)])
            .path("/never", [Route::new(Method::GET, never_comes)])
            .path(
                "/upload",
                [Route::new(Method::POST, echo).body_limit(LIMIT).guard(guard)],
            );
        let app = Arc::new(Small {
            router,
            onion: OnionKeys {
                keys: self.keys,
                slashless: Slashless::Root,
            },
            budget: Budget::new(self.budget, self.limits.budget_wait),
            limits: self.limits,
            handled: AtomicUsize::new(0),
            undelivered: Arc::default(),
            gate: Semaphore::new(0),
        });
        let front = Front::new(Arc::clone(&app))
            .limit_misses(self.misses)
            .handlers_at_sockets(self.handlers_at_sockets);
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        if let Some(bytes) = self.send_buffer {
            socket2::SockRef::from(&listener).set_send_buffer_size(bytes).unwrap();
        }
        let front = front.start(listener).unwrap();
        (app, front)
    }
}

impl App for Small {
    fn router(&self) -> &Router<Self> {
        &self.router
    }

    fn refusal(&self, status: StatusCode) -> Response {
        Response::text(status, format!("refused: {}", status.as_u16()))
    }

    fn onion_keys(&self) -> &OnionKeys {
        &self.onion
    }

    fn budget(&self) -> &Budget {
        &self.budget
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn enter(self: Arc<Self>, request: Request) -> BoxFuture<'static, Response> {
        Box::pin(async move {
            let undelivered = Arc::clone(&self.undelivered);
            dispatch(&self, request).await.or_else(move || {
                undelivered.fetch_add(1, Ordering::SeqCst);
            })
        })
    }
}

/// The longest that any test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until a condition holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it never came true");
}

/// A connection that sends what it is told, byte for byte.
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) async fn connect(front: &RunningFront) -> Self {
        Self(TcpStream::connect(front.address()).await.unwrap())
    }

    /// Sends bytes; a peer that has gone is noticed when its answer is read.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Everything that comes back until the connection is closed.
    pub(crate) async fn answer(mut self) -> String {
        let mut answer = Vec::new();
        let read = self.0.read_to_end(&mut answer);
        let _ = tokio::time::timeout(PATIENCE, read)
            .await
            .expect("the connection stays open");
        String::from_utf8_lossy(&answer).into_owned()
    }
}
