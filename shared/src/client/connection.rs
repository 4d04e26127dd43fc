//! Sending requests to one server, directly or through an onion envelope.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use reqwest::header::CONTENT_LENGTH;
use url::Url;

use super::account::{Account, Identity};
use super::form::{self, BodyNotText, MalformedReply};
use super::hop::{NextStop, PeelError, SimulatedPath};
use super::http::http;
use super::message::{Answer, OnionAnswer, Request};
use super::wrap::{Destination, Wrapped, wrap};
use crate::clock::Clock;
use crate::crypto::sogs_auth::SignedRequest;
use crate::crypto::{InvalidPoint, NotContributory, X25519Public};
use crate::onion::{Cipher, LayerKey, NotOpened, NotUtf8, split_endpoint};

const CHUNK: usize = 64 * 1024;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not an `http` or `https` URL with a host.
    #[error("{0} is not an http or https URL")]
    Url(String),
    /// Not a word that HTTP takes for a method.
    #[error("{0:?} is not an HTTP method")]
    Method(String),
    /// The server was not reached or broke off.
    #[error("no answer from the server")]
    Http(#[from] reqwest::Error),
    /// The server's key, or that of a hop, is no key.
    #[error("the server's public key is not valid")]
    ServerKey(#[from] NotContributory),
    /// The request cannot be signed.
    #[error("the request cannot be signed for this server")]
    Sign(#[from] InvalidPoint),
    /// The target does not decode to text.
    #[error("the target of the request is malformed")]
    Target(#[from] NotUtf8),
    /// A body that a v3 request cannot carry.
    #[error(transparent)]
    Body(#[from] BodyNotText),
    /// The answer was 200 but is not encrypted for us: probably not by the server with this key.
    #[error("the server's reply does not open; is its public key right?")]
    NotOpened(#[from] NotOpened),
    /// The answer opens but is malformed inside.
    #[error(transparent)]
    Malformed(#[from] MalformedReply),
    /// A simulated hop could not pass the request on.
    #[error("a hop failed: {0}")]
    Hop(#[from] PeelError),
}

/// How far a transfer has come; counts the bytes of encrypted bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many more bytes were handed to the network.
    Sent(usize),
    /// So many more bytes arrived.
    Received(usize),
}

type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    server: X25519Public,
    cipher: Cipher,
    path: Option<SimulatedPath>,
    signer: Option<(Account, Identity, Clock)>,
    progress: OnProgress,
}

impl Client {
    /// A client of the server at this URL and with this key.
    ///
    /// # Errors
    ///
    /// When the URL is not for HTTP, or [`http()`] fails.
    pub fn new(base_url: &str, server: X25519Public) -> Result<Self, ClientError> {
        let bad = || ClientError::Url(base_url.to_owned());
        let base = Url::parse(base_url).map_err(|_| bad())?;
        if !base.has_host() || !matches!(base.scheme(), "http" | "https") {
            return Err(bad());
        }
        let (path, signer, progress): (_, _, OnProgress) = (None, None, Arc::new(|_| ()));
        Ok(Self {
            http: http()?,
            base,
            server,
            cipher: Cipher::default(),
            path,
            signer,
            progress,
        })
    }

    /// Sends with this HTTP client.
    #[must_use]
    pub fn with_http(mut self, http: reqwest::Client) -> Self {
        self.http = http;
        self
    }

    /// Encrypts with this cipher.
    #[must_use]
    pub fn with_cipher(mut self, cipher: Cipher) -> Self {
        self.cipher = cipher;
        self
    }

    /// Wraps requests for these hops too, and plays them.
    #[must_use]
    pub fn with_path(mut self, path: SimulatedPath) -> Self {
        self.path = Some(path);
        self
    }

    /// Signs requests as a community wants it, with the time of this clock.
    #[must_use]
    pub fn with_account(mut self, account: Account, identity: Identity, clock: Clock) -> Self {
        self.signer = Some((account, identity, clock));
        self
    }

    /// Reports how far transfers have come.
    #[must_use]
    pub fn with_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Arc::new(report);
        self
    }

    /// Sends a request as plain HTTP.
    ///
    /// # Errors
    ///
    /// When the request cannot be signed or gets no answer.
    pub async fn direct(&self, request: Request) -> Result<Answer, ClientError> {
        let Request {
            method,
            target,
            headers,
            body,
        } = self.sign(request)?;
        let url = self.url(&target)?;
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|_| ClientError::Method(method))?;
        let mut builder = self.http.request(method, url);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        self.send(builder, body).await
    }

    /// Sends a request in the newer form.
    ///
    /// # Errors
    ///
    /// When the request cannot be signed or wrapped, gets no answer, or one that does not open.
    pub async fn onion_v4(&self, request: Request) -> Result<OnionAnswer, ClientError> {
        let plaintext = form::v4_request(&self.sign(request)?);
        let (outside, key) = self.onion("/oxen/v4/lsrpc", &plaintext).await?;
        let inside = match outside.status {
            200 => Some(form::v4_reply(key.open(BytesMut::from(&outside.body[..]))?)?),
            _ => None,
        };
        Ok(OnionAnswer { outside, inside })
    }

    /// Sends a request in the older form.
    ///
    /// # Errors
    ///
    /// As [`onion_v4`](Self::onion_v4), and when the body is not text.
    pub async fn onion_v3(&self, request: Request) -> Result<OnionAnswer, ClientError> {
        let plaintext = form::v3_request(&self.sign(request)?)?;
        let (outside, key) = self.onion("/oxen/v3/lsrpc", &plaintext).await?;
        let inside = match outside.status {
            200 => {
                let sealed = STANDARD.decode(&outside.body).map_err(|_| NotOpened)?;
                Some(form::v3_reply(key.open(BytesMut::from(&sealed[..]))?))
            }
            _ => None,
        };
        Ok(OnionAnswer { outside, inside })
    }

    async fn onion(&self, endpoint: &str, plaintext: &[u8]) -> Result<(Answer, LayerKey), ClientError> {
        let Wrapped { body, key } = self.wrap(endpoint, plaintext)?;
        let (url, body) = match &self.path {
            None => (self.url(endpoint)?, body),
            Some(path) => {
                let delivered = path.deliver(body)?;
                (post_to(&delivered.next)?, delivered.body)
            }
        };
        let post = self
            .http
            .post(url)
            .header(reqwest::header::CONTENT_TYPE, "application/octet-stream");
        Ok((self.send(post, body).await?, key))
    }

    fn wrap(&self, endpoint: &str, plaintext: &[u8]) -> Result<Wrapped, NotContributory> {
        let destination = Destination {
            protocol: self.base.scheme().to_owned(),
            host: self.base.host_str().unwrap_or_default().to_owned(),
            port: self.base.port_or_known_default().unwrap_or(443),
            target: endpoint.to_owned(),
            key: self.server,
        };
        let hops = self.path.as_ref().map(SimulatedPath::hops).unwrap_or_default();
        wrap(&destination, &hops, self.cipher, plaintext)
    }

    /// The request with the headers by which this client signs it, for sending it more than once: a server takes what
    /// was signed once only once. To be sent by a client that does not sign.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn sign(&self, mut request: Request) -> Result<Request, ClientError> {
        if let Some((account, identity, clock)) = &self.signer {
            let (path, query) = split_endpoint(&request.target)?;
            let Request { method, body, .. } = &request;
            let signed = SignedRequest {
                method,
                path: &path,
                query: query.as_deref(),
                body,
            };
            let headers = account.sign_for_community(*identity, &self.server, &signed, clock.now())?;
            request.headers.extend(headers);
        }
        Ok(request)
    }

    fn url(&self, target: &str) -> Result<Url, ClientError> {
        let text = format!("{}{target}", self.base.as_str().trim_end_matches('/'));
        Url::parse(&text).map_err(|_| ClientError::Url(text))
    }

    async fn send(&self, builder: reqwest::RequestBuilder, body: Bytes) -> Result<Answer, ClientError> {
        let builder = if body.is_empty() {
            builder
        } else {
            builder.header(CONTENT_LENGTH, body.len()).body(self.reported(body))
        };
        let mut response = builder.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().iter().map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        });
        let headers = headers.collect();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await? {
            (self.progress)(Progress::Received(chunk.len()));
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
        })
    }

    /// The body in pieces, so that it can be seen going out.
    fn reported(&self, mut body: Bytes) -> reqwest::Body {
        let report = Arc::clone(&self.progress);
        let pieces = std::iter::from_fn(move || {
            let piece = body.split_to(CHUNK.min(body.len()));
            if piece.is_empty() {
                return None;
            }
            report(Progress::Sent(piece.len()));
            Some(Ok::<_, std::io::Error>(piece))
        });
        reqwest::Body::wrap_stream(stream::iter(pieces))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

fn post_to(next: &NextStop) -> Result<Url, ClientError> {
    let NextStop::Server {
        host,
        target,
        protocol,
        port,
    } = next
    else {
        return Err(PeelError::Routing.into());
    };
    let text = format!("{protocol}://{host}:{port}{target}");
    Url::parse(&text).map_err(|_| ClientError::Url(text))
}
