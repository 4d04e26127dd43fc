//! The actix front: turns sockets into requests and responses into bytes on sockets, and cuts what is too large or too
//! slow. It has one default service; routing is not its business.

use std::future::ready;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Server, ServerHandle};
use actix_web::http::{KeepAlive, StatusCode as ActixStatus, header as actix_header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::onion;
use super::outbox::{Outbox, Posted};
use super::rate::earned;
use super::socket::{Closed, Gate, Socket};
use super::{App, Body, Entrance, Exhausted, Head, MissLimiter, Permit, Request, Response};
use crate::onion::{MAX_BODY, is_onion_endpoint, split_endpoint};

/// The most bytes of a request head. Those of real clients have one or two kilobytes.
const HEAD_LIMIT: usize = 16 * 1024;

/// Bodies from this size on do not go through actix's buffer.
const LARGE: u64 = 64 * 1024;

/// A server front that is about to listen.
pub struct Front<A> {
    app: Arc<A>,
    misses: Option<MissLimiter>,
    address_header: Option<HeaderName>,
    handlers_at_sockets: bool,
}

/// A front that serves. Dropping it does not stop it.
pub struct RunningFront {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl<A: App> Front<A> {
    /// A front for this server.
    #[must_use]
    pub fn new(app: Arc<A>) -> Self {
        Self {
            app,
            misses: None,
            address_header: None,
            handlers_at_sockets: false,
        }
    }

    /// Slows down direct clients that ask for many things that do not exist.
    #[must_use]
    pub fn limit_misses(mut self, limiter: Option<MissLimiter>) -> Self {
        self.misses = limiter;
        self
    }

    /// Takes the client's address from this header, in which a proxy on this machine or in a private network names it
    /// last.
    #[must_use]
    pub fn address_header(mut self, name: Option<HeaderName>) -> Self {
        self.address_header = name;
        self
    }

    /// Lets handlers run on the threads that serve sockets, which saves two changes of threads for each request. Only for
    /// handlers that do heavy work on further threads, and where all that they use is on this machine: connections that
    /// they open elsewhere for all threads would end with the thread that opened them.
    #[must_use]
    pub fn handlers_at_sockets(mut self, allowed: bool) -> Self {
        self.handlers_at_sockets = allowed;
        self
    }

    /// Starts to serve on a socket. Handlers are tasks of their own, so that a client that hangs up cancels nothing
    /// half-way, except while the front is being stopped; unless [`Front::handlers_at_sockets`] lets them stay there, they run on the current runtime and not on
    /// the threads that serve sockets.
    ///
    /// # Errors
    ///
    /// When the socket cannot be listened on.
    pub fn start(self, listener: TcpListener) -> std::io::Result<RunningFront> {
        let address = listener.local_addr()?;
        let limits = *self.app.limits();
        let front = Arc::new((self, Handle::current()));
        let builder = Server::build();
        let stopping = builder.graceful_shutdown_signal();
        // What actix's `HttpServer` does, but with sockets of our own.
        let server = builder
            .workers(limits.workers)
            .max_concurrent_connections((limits.max_connections / limits.workers.max(1)).max(1))
            .shutdown_timeout(limits.shutdown_timeout.as_secs())
            .disable_signals()
            .listen("http", listener, move || {
                let (front, stopping) = (Arc::clone(&front), stopping.clone());
                let app = actix_web::App::new().default_service(web::to(
                    move |request: HttpRequest, payload: web::Payload| {
                        let front = Arc::clone(&front);
                        async move { front.0.serve(&front.1, request, payload).await }
                    },
                ));
                let http = HttpService::build()
                    .graceful_shutdown_signal(move || {
                        let stopping = stopping.clone();
                        async move { stopping.notified().await }
                    })
                    .client_request_timeout(limits.head_timeout)
                    .client_disconnect_timeout(limits.linger)
                    .keep_alive(KeepAlive::Timeout(limits.idle_timeout))
                    .on_connect_ext(|socket: &Socket, data| {
                        data.insert(socket.gate().clone());
                        data.insert(socket.outbox().clone());
                    })
                    .h1(map_config(app, |()| AppConfig::default()));
                fn_service(|stream: TcpStream| {
                    let peer = stream.peer_addr().ok();
                    ready(Ok((Socket::new(stream), peer)))
                })
                .and_then(http)
            })?
            .run();
        let handle = server.handle();
        Ok(RunningFront {
            address,
            handle,
            task: tokio::spawn(server),
        })
    }

    async fn serve(&self, runtime: &Handle, request: HttpRequest, payload: web::Payload) -> HttpResponse {
        // Whoever sends an onion request is a relay, and learns nothing from its answers.
        let client = if is_onion_endpoint(request.path()) {
            None
        } else {
            self.client(&request)
        };
        if let (Some(client), Some(misses)) = (client, &self.misses)
            && misses.is_spent(client)
        {
            let refusal = self.app.refusal(StatusCode::TOO_MANY_REQUESTS);
            let refusal = refusal.retry_after(misses.window_seconds());
            count_early(&refusal);
            return self.refuse(refusal, &request, payload);
        }
        let (answer, unread) = self.answer(runtime, &request, payload, client).await;
        if answer.status == StatusCode::NOT_FOUND
            && let (Some(client), Some(misses)) = (client, &self.misses)
        {
            misses.count(client);
        }
        match unread {
            Some(payload) => {
                count_early(&answer);
                self.refuse(answer, &request, payload)
            }
            None => respond(answer, &request, self.app.limits().body_timeout),
        }
    }

    /// Answers a request. The payload is handed back when it was not read to its end.
    async fn answer(
        &self,
        runtime: &Handle,
        request: &HttpRequest,
        mut payload: web::Payload,
        client: Option<IpAddr>,
    ) -> (Response, Option<web::Payload>) {
        let app = &self.app;
        let mut head = match head(request, client) {
            Ok(head) => head,
            Err(status) => return (app.refusal(status), Some(payload)),
        };
        let length = declared_length(request.headers());
        let limit = match self.admit(&mut head, length) {
            Ok(limit) => limit,
            Err(refusal) => return (refusal, Some(payload)),
        };
        let waiting = request.conn_data::<Gate>().map(Gate::close);
        let permit = self.reserve(length, limit).await;
        drop(waiting);
        let permit = match permit {
            Ok(permit) => permit,
            Err(Exhausted) => {
                let refusal = app.refusal(StatusCode::SERVICE_UNAVAILABLE).retry_after(5);
                return (refusal, Some(payload));
            }
        };
        let flowing = request.conn_data::<Gate>().map(Gate::widen);
        let body = self.read(&mut payload, length, limit).await;
        drop(flowing);
        let body = match body {
            Ok(body) => body,
            Err(status) => return (app.refusal(status), Some(payload)),
        };
        let app = Arc::clone(app);
        let work = async move {
            if is_onion_endpoint(&head.path) {
                onion::answer(app, &head.path, body, permit).await
            } else {
                let request = Request {
                    head,
                    body: body.freeze(),
                    held: permit,
                };
                let mut answer = app.enter(request).await;
                // Whatever becomes of it, it is this status that the client gets, or nothing.
                answer.is_delivered();
                answer
            }
        };
        let answer = if self.handlers_at_sockets {
            actix_web::rt::spawn(work)
        } else {
            runtime.spawn(work)
        };
        match answer.await {
            Ok(response) => (response, None),
            Err(_panic) => (self.app.refusal(StatusCode::INTERNAL_SERVER_ERROR), None),
        }
    }

    /// What can be said from the head alone: the limit for the body, or a refusal.
    fn admit(&self, head: &mut Head, length: Length) -> Result<u64, Response> {
        let refuse = |status| Err(self.app.refusal(status));
        let limit = if is_onion_endpoint(&head.path) {
            if head.method != Method::POST {
                let refusal = self.app.refusal(StatusCode::METHOD_NOT_ALLOWED);
                return Err(refusal.with(header::ALLOW, HeaderValue::from_static("POST")));
            }
            MAX_BODY as u64
        } else {
            match self.app.router().find(&head.method, &head.path) {
                Ok(found) => {
                    let known = match length {
                        Length::Known(bytes) => Some(bytes),
                        Length::Unknown => None,
                    };
                    if known.is_some_and(|bytes| bytes > found.body_limit()) {
                        return refuse(StatusCode::PAYLOAD_TOO_LARGE);
                    }
                    found.check(&self.app, head, known)?;
                    found.body_limit()
                }
                // The dispatch words the refusal; there is no reason to read a body for it.
                Err(_) if length == Length::Known(0) => 0,
                Err(missing) => match self.app.unrouted_body_limit() {
                    Some(limit) => limit,
                    None => {
                        let refusal = self.app.refusal(missing.status());
                        return Err(missing.complete(refusal));
                    }
                },
            }
        };
        match length {
            Length::Known(bytes) if bytes > limit => refuse(StatusCode::PAYLOAD_TOO_LARGE),
            _ => Ok(limit),
        }
    }

    async fn reserve(&self, length: Length, limit: u64) -> Result<Option<Permit>, Exhausted> {
        match length {
            Length::Known(0) => Ok(None),
            Length::Known(bytes) => self.app.budget().take(bytes).await.map(Some),
            Length::Unknown => self.app.budget().take(limit).await.map(Some),
        }
    }

    /// Reads a body into one buffer of its declared size.
    async fn read(&self, payload: &mut web::Payload, length: Length, limit: u64) -> Result<BytesMut, StatusCode> {
        let limits = self.app.limits();
        let room = match length {
            Length::Known(0) => return Ok(BytesMut::new()),
            Length::Known(bytes) => bytes,
            Length::Unknown => 0,
        };
        let mut body = BytesMut::with_capacity(usize::try_from(room).unwrap_or(0));
        let begun = Instant::now();
        let end = begun + limits.body_timeout;
        loop {
            // Slow senders hold on to a part of the budget, so they must be as fast as a bad telephone line at least.
            let deadline = end.min(begun + limits.body_idle_timeout + earned(body.len() as u64));
            let deadline = deadline.min(Instant::now() + limits.body_idle_timeout);
            let piece = timeout_at(deadline, payload.next())
                .await
                .map_err(|_| StatusCode::REQUEST_TIMEOUT)?;
            match piece {
                None => return Ok(body),
                Some(Err(_broken)) => return Err(StatusCode::BAD_REQUEST),
                Some(Ok(piece)) => {
                    if (body.len() + piece.len()) as u64 > limit {
                        return Err(StatusCode::PAYLOAD_TOO_LARGE);
                    }
                    body.extend_from_slice(&piece);
                }
            }
        }
    }

    /// Puts a refusal on the socket of a client that may still be sending, and throws away what comes until it has sent
    /// everything or the linger time is over: it would otherwise get a broken pipe instead of the answer.
    fn refuse(&self, refusal: Response, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
        let unread = Unread {
            payload,
            gate: request.conn_data::<Gate>().cloned(),
            closed: request.conn_data::<Gate>().map(Gate::close),
        };
        let (mut builder, body) = begin(refusal);
        let discard = stream::once(unread.discard(self.app.limits().linger)).filter_map(|()| ready(None));
        let length = body.length();
        let stream = body.into_stream().chain(discard);
        builder.body(actix_web::body::SizedStream::new(length, stream))
    }

    /// The client's address if it says something about the client: the peer's, unless that is this machine or one of a
    /// private network and so most likely a proxy; then what the proxy says, if it is known how it says it.
    fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        if !is_local(peer) {
            return Some(peer);
        }
        let name = self.address_header.as_ref()?;
        let named = request.headers().get_all(name.as_str()).last()?.to_str().ok()?;
        named.rsplit(',').next()?.trim().parse().ok()
    }
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

impl RunningFront {
    /// The address it listens on, with the port that was given where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, and waits until what is in flight is answered or the shutdown timeout is over.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!(%error, "the listener ended with an error");
        }
    }

    /// Closes the listener and every connection at once. What is in flight is not answered.
    pub async fn break_off(self) {
        self.handle.stop(false).await;
    }
}

/// Counts an answer that was given without asking a handler.
fn count_early(answer: &Response) {
    let status = answer.status.as_str().to_owned();
    metrics::counter!("http_responses_total", "route" => "refused early", "status" => status).increment(1);
}

/// How long a body says it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Known(u64),
    Unknown,
}

fn declared_length(headers: &actix_header::HeaderMap) -> Length {
    if headers.contains_key(actix_header::TRANSFER_ENCODING) {
        return Length::Unknown;
    }
    headers
        .get(actix_header::CONTENT_LENGTH)
        .map_or(Length::Known(0), |value| {
            value
                .to_str()
                .ok()
                .and_then(|text| text.parse().ok())
                .map_or(Length::Unknown, Length::Known)
        })
}

/// How many bytes a head has: the request line, the headers and the empty line, written without more spaces than needed.
fn head_size(method: &str, target: &str, headers: &actix_header::HeaderMap) -> usize {
    let line = method.len() + target.len() + "  HTTP/1.1\r\n".len();
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + headers.sum::<usize>() + "\r\n".len()
}

/// The transport-neutral head of a direct request.
fn head(request: &HttpRequest, client: Option<IpAddr>) -> Result<Head, StatusCode> {
    let method =
        Method::from_bytes(request.method().as_str().as_bytes()).map_err(|_| StatusCode::METHOD_NOT_ALLOWED)?;
    let uri = request.uri();
    let target = uri.path_and_query().map_or_else(|| uri.path(), |both| both.as_str());
    if head_size(method.as_str(), target, request.headers()) > HEAD_LIMIT {
        return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    let (path, query) = split_endpoint(target).map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut head = Head::new(method, path, query, Entrance::Direct(client));
    head.headers = HeaderMap::with_capacity(request.headers().len());
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            head.headers.append(name, value);
        }
    }
    Ok(head)
}

/// What is left of a request that is refused.
struct Unread {
    payload: web::Payload,
    gate: Option<Gate>,
    /// Until the answer is out nothing more is read.
    closed: Option<Closed>,
}

impl Unread {
    /// Reads to the end of the body, or for so long.
    async fn discard(mut self, patience: Duration) {
        drop(self.closed);
        let end = async { while let Some(Ok(_)) = self.payload.next().await {} };
        if timeout(patience, end).await.is_err()
            && let Some(gate) = self.gate
        {
            gate.end();
        }
    }
}

/// Puts an answer on the socket. Whoever takes a large one slowly has this time at least.
fn respond(response: Response, request: &HttpRequest, least_time: Duration) -> HttpResponse {
    let has_body = !matches!(response.status, StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT);
    let (mut builder, body) = begin(response);
    if !has_body {
        return builder.finish();
    }
    let length = body.length();
    let is_large = length >= LARGE && !body.is_omitted();
    match request.conn_data::<Outbox>() {
        Some(outbox) if is_large => {
            let body = Posted::new(outbox.clone(), body.into_stream(), length, least_time);
            builder.no_chunking(length).body(body)
        }
        _ => builder.body(actix_web::body::SizedStream::new(length, body.into_stream())),
    }
}

/// The head of an answer, and its body.
fn begin(response: Response) -> (HttpResponseBuilder, Body) {
    let Response {
        status, headers, body, ..
    } = response;
    let status = ActixStatus::from_u16(status.as_u16()).unwrap_or(ActixStatus::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for (name, value) in &headers {
        let name = actix_header::HeaderName::from_bytes(name.as_str().as_bytes());
        let value = actix_header::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            builder.append_header((name, value));
        }
    }
    (builder, body)
}
