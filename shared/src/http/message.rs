//! The transport-neutral request and response.

use std::net::IpAddr;

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use mime::Mime;
use serde::Serialize;

use super::{Body, Params, Permit};

/// How a request came in. A handler has no reason to ask, except to add headers that only a browser needs and to slow
/// down one direct client without touching the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// Plain HTTP from this address; `None` if the address says nothing about the client, as behind a proxy.
    Direct(Option<IpAddr>),
    /// The inside of an onion request. The address would be the last relay's.
    Onion,
    /// One element of a batch.
    Batch,
}

/// Everything of a request but its body.
#[derive(Debug)]
pub struct Head {
    /// As it was sent; one of GET, POST, PUT, DELETE and HEAD once it has been routed.
    pub method: Method,
    /// Percent-decoded once; this is what is routed and what is signed.
    pub path: String,
    /// What follows the first `?`, not decoded. `None` when there is nothing.
    pub query: Option<String>,
    /// Names in lower case. Nothing of an outer request is ever in the headers of an inner one.
    pub headers: HeaderMap,
    /// How the request came in.
    pub entrance: Entrance,
    /// What the pattern of the route caught; filled by the router.
    pub params: Params,
    /// Room for what a server attaches on the way in, such as the authenticated identity.
    pub extensions: Extensions,
}

impl Head {
    /// A head without headers.
    #[must_use]
    pub fn new(method: Method, path: String, query: Option<String>, entrance: Entrance) -> Self {
        Self {
            method,
            path,
            query: query.filter(|text| !text.is_empty()),
            headers: HeaderMap::new(),
            entrance,
            params: Params::default(),
            extensions: Extensions::new(),
        }
    }

    /// The header's value if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// The header's value as a credential: one that is no text is not absent, but nothing that could be valid.
    #[must_use]
    pub fn credential(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| std::str::from_utf8(value.as_bytes()).unwrap_or("?"))
    }

    /// The first value of a query parameter, decoded. Undecodable bytes become U+FFFD.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        let query = self.query.as_deref()?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// A request as handlers see it.
pub struct Request {
    /// Everything but the body.
    pub head: Head,
    /// The whole body; empty if there is none.
    pub body: Bytes,
    /// The part of the byte budget that the body takes up. It is given back when the request is dropped.
    #[expect(dead_code, reason = "it is there to be dropped with the request")]
    pub(super) held: Option<Permit>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What people send is not for logs.
        write!(formatter, "Request({}, {} bytes)", self.head.method, self.body.len())
    }
}

impl Request {
    /// A request whose body counts against no budget of its own, such as an element of a batch.
    #[must_use]
    pub fn new(head: Head, body: Bytes) -> Self {
        Self { head, body, held: None }
    }

    /// What the pattern of the route caught under this name; empty if the pattern has no such name.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.head.params.value(name)
    }
}

/// What a handler answers.
#[derive(Debug)]
pub struct Response {
    /// The status, which inside an onion request is the inner one.
    pub status: StatusCode,
    /// The headers; no `content-length`, which follows from the body.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// See [`Response::or_else`].
    pub(super) undelivered: Option<Undelivered>,
}

/// What is to be done if an answer is dropped before it was on its way.
pub(super) struct Undelivered(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Drop for Undelivered {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}

impl std::fmt::Debug for Undelivered {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Undelivered")
    }
}

impl Response {
    /// The same answer, with what is to be done if the client gets a 5xx in its place: because there is no room for it,
    /// or its body breaks off or takes too long before anything was sent. An answer that has such work takes no second.
    #[must_use]
    pub fn or_else(mut self, work: impl FnOnce() + Send + Sync + 'static) -> Self {
        self.undelivered = Some(Undelivered(Some(Box::new(work))));
        self
    }

    /// Nothing will take the place of this answer any more, so that what [`Response::or_else`] says is not done.
    pub(super) fn is_delivered(&mut self) {
        if let Some(undelivered) = &mut self.undelivered {
            undelivered.0 = None;
        }
    }

    /// An answer without body and headers.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Body::empty(),
            undelivered: None,
        }
    }

    /// An answer with a body and its content type.
    #[must_use]
    pub fn new(status: StatusCode, content_type: &Mime, body: impl Into<Body>) -> Self {
        let mut response = Self {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            undelivered: None,
        };
        if let Ok(content_type) = HeaderValue::from_str(content_type.as_ref()) {
            response.headers.insert(header::CONTENT_TYPE, content_type);
        }
        response
    }

    /// JSON, with the content type that clients compare literally: `application/json` without charset.
    ///
    /// A value that cannot be written as JSON, which is a fault of ours, becomes an empty 500.
    #[must_use]
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) => Self::new(status, &mime::APPLICATION_JSON, Bytes::from(text)),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// Plain text, with the content type that clients compare literally: `text/plain; charset=utf-8`.
    #[must_use]
    pub fn text(status: StatusCode, text: impl Into<String>) -> Self {
        Self::new(status, &mime::TEXT_PLAIN_UTF_8, Bytes::from(text.into()))
    }

    /// Raw bytes: `application/octet-stream`.
    #[must_use]
    pub fn bytes(body: impl Into<Body>) -> Self {
        Self::new(StatusCode::OK, &mime::APPLICATION_OCTET_STREAM, body)
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same answer, telling the client to come back after so many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }
}
