//! Onion requests: opens the envelope, sends what is inside through the same door as every other request, and wraps the
//! answer.

use std::future::ready;
use std::io::{self, Read};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::body::{BodyError, ByteStream, Source, base64_length, base64_text, pieces};
use super::{App, Body, Entrance, Head, Permit, Request, Response};
use crate::onion::{self, BadPlaintext, Flow, InnerRequest, LayerKey, Opened, Reply, v3, v4};

/// The most bytes of a reply that fit through the relays.
const REPLY_LIMIT: u64 = 10_400_000;

/// Bodies from this size on are worked on off the threads that serve sockets.
const HEAVY: usize = 32 * 1024;

/// Files from this size on are encrypted while they are sent. So much of them is in memory at most.
const FLOWING: u64 = 2 * FileFlow::PIECE as u64;

/// How much longer than a handler a whole answer may take.
const READING_TIME: Duration = Duration::from_secs(2);

/// Replies up to this size are made even if the budget is spent: what a change has done must be told.
const SMALL: u64 = 64 * 1024;

/// Room that a reply needs besides its body: nonce, tag, the status and its headers.
const REPLY_OVERHEAD: u64 = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V3,
    V4,
}

/// Answers the body of an onion request that arrived at one of the onion endpoints.
///
/// Whatever can be said inside the envelope is said there, with 200 outside: relays take any other status for a fault
/// of the path.
pub(super) async fn answer<A: App>(app: Arc<A>, path: &str, body: BytesMut, held: Option<Permit>) -> Response {
    let version = if path.starts_with("/oxen/v4/") {
        Version::V4
    } else {
        Version::V3
    };
    let opened = if body.len() < HEAVY {
        open(&*app, version, body)
    } else {
        let keeper = Arc::clone(&app);
        match tokio::task::spawn_blocking(move || open(&*keeper, version, body)).await {
            Ok(opened) => opened,
            Err(_panic) => return app.refusal(StatusCode::INTERNAL_SERVER_ERROR),
        }
    };
    let (inner, reply) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tracing::debug!(%error, "an onion request could not be opened");
            metrics::counter!("onion_refused_total").increment(1);
            return app.refusal(StatusCode::BAD_REQUEST);
        }
    };
    let answering = async {
        let inner = match inner {
            Ok(inner) => inner_answer(&app, inner, held).await,
            Err(BadPlaintext) => Response::text(StatusCode::BAD_REQUEST, v4::BAD_REQUEST),
        };
        wrap(&app, version, reply.clone(), inner).await
    };
    // The relays give up on a body that is slow to be read as they do on a slow handler, which has its own limit and is
    // to reach that first.
    let limit = app.limits().handler_timeout + READING_TIME;
    let status = match timeout(limit, AssertUnwindSafe(answering).catch_unwind()).await {
        Ok(Ok(Ok(answer))) => return answer,
        Ok(Ok(Err(status))) => status,
        Ok(Err(_panic)) => {
            tracing::error!("an onion request panicked outside its handler");
            metrics::counter!("http_panics_total").increment(1);
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Err(_elapsed) => StatusCode::GATEWAY_TIMEOUT,
    };
    let answer = wrap(&app, version, reply, app.refusal(status)).await;
    answer.unwrap_or_else(|status| app.refusal(status))
}

/// What is inside, if it can be read, and the key for the answer.
type Inside = (Result<InnerRequest, BadPlaintext>, LayerKey);

fn open<A: App>(app: &A, version: Version, body: BytesMut) -> Result<Inside, onion::OpenError> {
    let keys = app.onion_keys();
    let Opened { plaintext, reply } = onion::open(body, &keys.keys)?;
    let inner = match version {
        Version::V4 => v4::parse(plaintext),
        Version::V3 => v3::parse(plaintext, keys.slashless),
    };
    Ok((inner, reply))
}

/// Sends what was inside through the door that all requests take. Its headers are those from inside, no others.
async fn inner_answer<A: App>(app: &Arc<A>, inner: InnerRequest, held: Option<Permit>) -> Response {
    let InnerRequest {
        method,
        path,
        query,
        headers,
        body,
    } = inner;
    // Lower case is another method, which no route has.
    let Ok(method) = Method::from_bytes(method.as_bytes()) else {
        return app.refusal(StatusCode::METHOD_NOT_ALLOWED);
    };
    let mut head = Head::new(method, path, query, Entrance::Onion);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        let (Ok(name), Ok(value)) = (name, value) else {
            return app.refusal(StatusCode::BAD_REQUEST);
        };
        head.headers.insert(name, value);
    }
    Arc::clone(app).enter(Request { head, body, held }).await
}

/// Encrypts the answer: while it is sent, if that can be, otherwise into one buffer that has room for all of it from the
/// start.
async fn wrap<A: App>(
    app: &Arc<A>,
    version: Version,
    key: LayerKey,
    mut inner: Response,
) -> Result<Response, StatusCode> {
    if version == Version::V4 && inner.body.length() >= FLOWING {
        inner = match flow(app, &key, inner).await {
            Ok(outer) => return Ok(outer),
            Err(inner) => inner,
        };
    }
    let mut taken = None;
    if inner.body.length() > 0 && !inner.body.is_omitted() {
        taken = app.budget().buffer(inner.body.length() + REPLY_OVERHEAD).await.ok();
        if taken.is_none() && inner.body.length() > SMALL {
            inner = no_room(app);
        }
    }
    let (buffer, permit) = taken.unzip();
    let buffer = buffer.unwrap_or_default();
    let sealed = match version {
        Version::V4 => seal_v4(app, buffer, key, inner).await?,
        Version::V3 => seal_v3(buffer, key, inner).await?,
    };
    let sealed = match permit {
        Some(permit) => app.budget().lend(sealed, permit),
        None => sealed.into(),
    };
    let outer = match version {
        Version::V4 => Response::bytes(sealed),
        Version::V3 => Response::new(StatusCode::OK, &mime::TEXT_PLAIN_UTF_8, Body::source(Base64(sealed))),
    };
    if outer.body.length() > REPLY_LIMIT {
        tracing::warn!(
            bytes = outer.body.length(),
            "a reply is too large to get through the relays"
        );
    }
    Ok(outer)
}

/// Clients insist on a content type, even for an empty body.
fn name_content_type(inner: &mut Response) {
    if inner.status != StatusCode::NOT_MODIFIED {
        let unnamed = HeaderValue::from_static("text/plain; charset=utf-8");
        inner.headers.entry(header::CONTENT_TYPE).or_insert(unnamed);
    }
}

/// What is answered in place of something that the budget has no room for.
fn no_room<A: App>(app: &Arc<A>) -> Response {
    app.refusal(StatusCode::SERVICE_UNAVAILABLE).retry_after(5)
}

/// An answer whose body lies in a file of this machine, encrypted piece by piece while it is sent. It is handed back if it
/// is not of that kind, or does not begin well: then there may still be another answer.
async fn flow<A: App>(app: &Arc<A>, key: &LayerKey, mut inner: Response) -> Result<Response, Response> {
    let Some(reader) = inner.body.reader() else {
        return Err(inner);
    };
    name_content_type(&mut inner);
    let length = room(inner.body.length());
    let Some(flow) = Flow::v4(key, inner.status.as_u16(), header_texts(&inner.headers), reader, length) else {
        return Err(inner);
    };
    let Ok(permit) = app.budget().take(FLOWING).await else {
        return Err(no_room(app));
    };
    let flow = Left {
        flow,
        runtime: Handle::current(),
    };
    match flow.next_piece().await {
        Ok(Some((first, left))) => {
            inner.is_delivered();
            let body = Body::source(Flowing { first, left });
            Ok(Response::bytes(body.holding(Some(permit))))
        }
        Ok(None) => Err(inner),
        Err(error) => {
            tracing::warn!(%error, "a body could not be read piece by piece");
            Err(inner)
        }
    }
}

type FileFlow = Flow<Box<dyn Read + Send>>;

/// An answer whose first piece has been made.
struct Flowing {
    first: Bytes,
    left: Left,
}

/// What is left of an answer, and where it is worked on: the threads that serve sockets have runtimes of their own.
struct Left {
    flow: FileFlow,
    runtime: Handle,
}

impl Left {
    /// The next piece, and what is left then.
    async fn next_piece(mut self) -> Result<Option<(Bytes, Self)>, BodyError> {
        let runtime = self.runtime.clone();
        let made = runtime.spawn_blocking(move || {
            let piece = self.flow.next_piece()?;
            Ok::<_, io::Error>(piece.map(|piece| (piece.into(), self)))
        });
        match made.await {
            Ok(made) => made.map_err(|error| BodyError(error.into())),
            Err(panic) => Err(BodyError(panic.into())),
        }
    }
}

impl Source for Flowing {
    fn length(&self) -> u64 {
        self.left.flow.length()
    }

    fn stream(self: Box<Self>) -> ByteStream {
        let Self { first, left } = *self;
        stream::once(ready(Ok(first)))
            .chain(stream::try_unfold(left, Left::next_piece))
            .boxed()
    }
}

async fn seal_v4<A: App>(
    app: &Arc<A>,
    buffer: Vec<u8>,
    key: LayerKey,
    mut inner: Response,
) -> Result<Vec<u8>, StatusCode> {
    if inner.body.is_omitted() {
        inner.body = Body::empty();
    }
    name_content_type(&mut inner);
    let length = inner.body.length();
    let reply = Reply::v4_in(
        buffer,
        key.clone(),
        inner.status.as_u16(),
        header_texts(&inner.headers),
        room(length),
    );
    match fill(reply, std::mem::replace(&mut inner.body, Body::empty())).await {
        // Nothing has been sent yet, so a body that breaks off can still become a proper answer.
        Err(StatusCode::SERVICE_UNAVAILABLE) => {
            let refusal = app.refusal(StatusCode::SERVICE_UNAVAILABLE);
            let reply = Reply::v4(
                key,
                refusal.status.as_u16(),
                header_texts(&refusal.headers),
                room(refusal.body.length()),
            );
            fill(reply, refusal.body).await
        }
        sealed => {
            if sealed.is_ok() {
                inner.is_delivered();
            }
            sealed
        }
    }
}

async fn seal_v3(buffer: Vec<u8>, key: LayerKey, mut inner: Response) -> Result<Vec<u8>, StatusCode> {
    let body = if inner.status.is_success() {
        std::mem::replace(&mut inner.body, Body::empty())
    } else {
        status_only(inner.status)
    };
    let body = if body.is_omitted() { Body::empty() } else { body };
    let reply = Reply::v3_in(buffer, key.clone(), room(body.length()));
    match fill(reply, body).await {
        Err(StatusCode::SERVICE_UNAVAILABLE) => {
            let body = status_only(StatusCode::SERVICE_UNAVAILABLE);
            fill(Reply::v3(key, room(body.length())), body).await
        }
        sealed => {
            if sealed.is_ok() {
                inner.is_delivered();
            }
            sealed
        }
    }
}

/// All that an answer of version 3 tells of a failure.
fn status_only(status: StatusCode) -> Body {
    Bytes::from(v3::status_body(status.as_u16())).into()
}

fn room(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Headers that are text; there are no others of ours.
fn header_texts(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?)))
}

/// Reads a body into a reply and encrypts it there.
async fn fill(mut reply: Reply, body: Body) -> Result<Vec<u8>, StatusCode> {
    let buffer = std::mem::take(reply.buffer());
    let buffer = body.read_into(buffer).await.map_err(|error| {
        tracing::error!(%error, "a body broke off while it was put into an envelope");
        StatusCode::SERVICE_UNAVAILABLE
    })?;
    let heavy = buffer.len() >= HEAVY;
    *reply.buffer() = buffer;
    let sealed = if heavy {
        tokio::task::spawn_blocking(move || reply.seal())
            .await
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
    } else {
        reply.seal()
    };
    sealed.map_err(|error| {
        tracing::error!(%error, "a body is not as long as it said");
        StatusCode::SERVICE_UNAVAILABLE
    })
}

/// Bytes that become base64 text while they are sent, so that the text is never in memory whole.
struct Base64(Bytes);

impl Source for Base64 {
    fn length(&self) -> u64 {
        base64_length(self.0.len() as u64)
    }

    fn stream(self: Box<Self>) -> ByteStream {
        base64_text(pieces(self.0))
    }
}
