//! The two forms of requests and replies inside the envelope, from the client's side.

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};

use super::message::{Answer, Request};
use crate::onion::bencode;

/// The opened reply has not the form it should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed reply inside the envelope")]
pub struct MalformedReply;

/// The older form carries bodies as JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not UTF-8 text, which v3 requests need")]
pub struct BodyNotText;

#[derive(Serialize)]
struct Metadata<'a> {
    method: &'a str,
    endpoint: &'a str,
    headers: Headers<'a>,
}

#[derive(Serialize)]
struct V3Request<'a> {
    method: &'a str,
    endpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    headers: Headers<'a>,
}

struct Headers<'a>(&'a [(String, String)]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The plaintext of a request in the newer form.
#[must_use]
pub fn v4_request(request: &Request) -> Vec<u8> {
    let Request {
        method,
        target,
        headers,
        body,
    } = request;
    let metadata = Metadata {
        method,
        endpoint: target,
        headers: Headers(headers),
    };
    // Texts always make JSON.
    let metadata = serde_json::to_vec(&metadata).unwrap_or_default();
    let mut plaintext = Vec::with_capacity(metadata.len() + body.len() + 32);
    plaintext.push(b'l');
    bencode::encode(&metadata, &mut plaintext);
    if !body.is_empty() {
        bencode::encode(body, &mut plaintext);
    }
    plaintext.push(b'e');
    plaintext
}

/// The plaintext of a request in the older form.
///
/// # Errors
///
/// When the body is not text.
pub fn v3_request(request: &Request) -> Result<Vec<u8>, BodyNotText> {
    let Request {
        method,
        target,
        headers,
        body,
    } = request;
    let body = std::str::from_utf8(body).map_err(|_| BodyNotText)?;
    let body = (!body.is_empty()).then_some(body);
    let request = V3Request {
        method,
        endpoint: target,
        body,
        headers: Headers(headers),
    };
    Ok(serde_json::to_vec(&request).unwrap_or_default())
}

#[derive(Deserialize)]
struct ReplyMetadata {
    code: u16,
    #[serde(default)]
    headers: serde_json::Map<String, serde_json::Value>,
}

/// Reads an opened reply in the newer form; the body is a slice of it.
///
/// # Errors
///
/// When it is not a list of metadata and body.
#[expect(clippy::needless_pass_by_value, reason = "the body keeps the plaintext alive")]
pub fn v4_reply(plaintext: Bytes) -> Result<Answer, MalformedReply> {
    let parts = || {
        let (metadata, rest) = bencode::consume(plaintext.strip_prefix(b"l")?)?;
        match bencode::consume(rest)? {
            (body, b"e") => Some((metadata, body)),
            _ => None,
        }
    };
    let (metadata, body) = parts().ok_or(MalformedReply)?;
    let ReplyMetadata { code, headers } = serde_json::from_slice(metadata).map_err(|_| MalformedReply)?;
    let headers = headers.into_iter().map(|(name, value)| match value {
        serde_json::Value::String(value) => Ok((name, value)),
        _ => Err(MalformedReply),
    });
    Ok(Answer {
        status: code,
        headers: headers.collect::<Result<_, _>>()?,
        body: plaintext.slice_ref(body),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusOnly {
    status_code: u16,
}

/// Reads an opened reply in the older form, which tells of failures only by an object with the status and nothing
/// else; every other reply is a success.
#[must_use]
pub fn v3_reply(plaintext: Bytes) -> Answer {
    let status = serde_json::from_slice(&plaintext).map_or(200, |StatusOnly { status_code }| status_code);
    Answer {
        status,
        headers: Vec::new(),
        body: plaintext,
    }
}
