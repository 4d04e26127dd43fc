//! The form of inner requests and replies that clients use today: a list of two byte strings, JSON and body.

use bytes::Bytes;
use serde::Deserialize;

use super::inner::{BadPlaintext, Headers, InnerRequest};
use super::{bencode, json};

/// Text of the answer (status 400, `text/plain; charset=utf-8`, inside the envelope) to a malformed plaintext.
pub const BAD_REQUEST: &str = "Invalid v4 onion request";

const MAX_METADATA: usize = 64 * 1024;

#[derive(Deserialize)]
struct Metadata {
    method: String,
    endpoint: String,
    #[serde(default)]
    headers: Headers,
}

/// Reads the request out of a decrypted plaintext; the body is a slice of it.
///
/// # Errors
///
/// When the plaintext is malformed, when the endpoint has no leading slash, does not decode to UTF-8 or is an onion
/// endpoint itself, or when a header could not stand in HTTP.
#[expect(clippy::needless_pass_by_value, reason = "the body keeps the plaintext alive")]
pub fn parse(plaintext: Bytes) -> Result<InnerRequest, BadPlaintext> {
    let (metadata, body) = bencode::one_or_two(&plaintext).ok_or(BadPlaintext)?;
    if metadata.len() > MAX_METADATA {
        return Err(BadPlaintext);
    }
    let Metadata {
        method,
        endpoint,
        headers,
    } = json::object(metadata).ok_or(BadPlaintext)?;
    InnerRequest::new(
        method,
        &endpoint,
        headers,
        "application/octet-stream",
        plaintext.slice_ref(body),
    )
}
