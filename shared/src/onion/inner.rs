//! The request inside an onion request.

use std::fmt;

use bytes::Bytes;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::endpoint::{is_onion_endpoint, split_endpoint};

const MAX_HEADERS: usize = 100;

pub(super) const CONTENT_TYPE: &str = "content-type";

/// The plaintext is not a request. It was encrypted by the client, so the answer goes inside the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed request inside an onion request")]
pub struct BadPlaintext;

/// A request as a client wrote it. Nothing of the HTTP request that carried it is in here. Debugging shows only how long
/// its parts are.
#[derive(Clone, PartialEq, Eq)]
pub struct InnerRequest {
    /// As written; a method that is not known, or not in upper case, is the dispatcher's to refuse.
    pub method: String,
    /// Percent-decoded, begins with a slash.
    pub path: String,
    /// As written, after the first question mark.
    pub query: Option<String>,
    /// Names in lower case, each once, `content-type` always among them and `content-length` never.
    pub headers: Vec<(String, String)>,
    /// A part of the plaintext where the form allows that.
    pub body: Bytes,
}

impl InnerRequest {
    /// Applies the rules that both forms share.
    pub(super) fn new(
        method: String,
        endpoint: &str,
        headers: Headers,
        content_type: &str,
        body: Bytes,
    ) -> Result<Self, BadPlaintext> {
        if !endpoint.starts_with('/') {
            return Err(BadPlaintext);
        }
        let (path, query) = split_endpoint(endpoint).map_err(|_| BadPlaintext)?;
        if is_onion_endpoint(&path) {
            return Err(BadPlaintext);
        }
        let mut headers = headers.0;
        if !headers.iter().any(|(name, _)| name == CONTENT_TYPE) {
            headers.push((CONTENT_TYPE.to_owned(), content_type.to_owned()));
        }
        Ok(Self {
            method,
            path,
            query,
            headers,
            body,
        })
    }
}

impl fmt::Debug for InnerRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InnerRequest")
            .field("path_length", &self.path.len())
            .field("query_length", &self.query.as_deref().map(str::len))
            .field("headers", &self.headers.len())
            .field("body_length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Headers under the rules of [`InnerRequest::headers`], but for the content type that may still be missing.
#[derive(Default)]
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    /// The last of several headers with one name counts.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.remove(name);
        self.0.push((name.to_owned(), value));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| other != name);
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of header values")
    }

    fn visit_unit<E>(self) -> Result<Headers, E> {
        Ok(Headers::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::default();
        let mut count = 0;
        while let Some((mut name, HeaderValue(value))) = map.next_entry::<String, HeaderValue>()? {
            count += 1;
            if count > MAX_HEADERS || !is_token(&name) || value.contains(['\r', '\n', '\0']) {
                return Err(de::Error::custom("not a header"));
            }
            name.make_ascii_lowercase();
            if name != "content-length" {
                headers.set(&name, value);
            }
        }
        Ok(headers)
    }
}

struct HeaderValue(String);

impl<'de> Deserialize<'de> for HeaderValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeaderValueVisitor)
    }
}

struct HeaderValueVisitor;

impl Visitor<'_> for HeaderValueVisitor {
    type Value = HeaderValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a whole number")
    }

    fn visit_str<E>(self, value: &str) -> Result<HeaderValue, E> {
        Ok(HeaderValue(value.to_owned()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<HeaderValue, E> {
        Ok(HeaderValue(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<HeaderValue, E> {
        Ok(HeaderValue(value.to_string()))
    }
}

/// Whether a text may be the name of a header (a token in the words of RFC 9110).
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
