//! The older form of inner requests, plain JSON, which some clients still use.

use bytes::Bytes;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::inner::{BadPlaintext, CONTENT_TYPE, Headers, InnerRequest};
use super::json;

/// What an endpoint without a leading slash means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slashless {
    /// A path from the root: on file servers.
    Root,
    /// A path under `/legacy/`, where an `auth_code` counts: on community servers.
    Legacy,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    endpoint: String,
    body: Option<String>,
    #[serde(default)]
    headers: Headers,
    auth_code: Option<String>,
}

/// Reads the request out of a decrypted plaintext.
///
/// # Errors
///
/// When the plaintext is not such a JSON object, for a body with any other method than POST and PUT, and for the
/// reasons of [`v4::parse`](super::v4::parse) apart from the slash.
#[expect(clippy::needless_pass_by_value, reason = "the plaintext has no further use")]
pub fn parse(plaintext: Bytes, slashless: Slashless) -> Result<InnerRequest, BadPlaintext> {
    if plaintext.first() != Some(&b'{') {
        return Err(BadPlaintext);
    }
    let Request {
        method,
        endpoint,
        body,
        mut headers,
        auth_code,
    } = json::object(&plaintext).ok_or(BadPlaintext)?;
    let body = match (method.as_str(), body) {
        ("POST" | "PUT", body) => body.unwrap_or_default(),
        // Android writes the word when there is no body.
        (_, None) => String::new(),
        (_, Some(text)) if text.is_empty() || text == "null" => String::new(),
        _ => return Err(BadPlaintext),
    };
    headers.remove(CONTENT_TYPE);
    let endpoint = match slashless {
        _ if endpoint.starts_with('/') => endpoint,
        Slashless::Root => format!("/{endpoint}"),
        Slashless::Legacy => {
            if let Some(code) = auth_code.filter(|code| !code.contains(['\r', '\n', '\0'])) {
                headers.set("authorization", code);
            }
            format!("/legacy/{endpoint}")
        }
    };
    // It is no slice of the plaintext, as what stands in JSON may be escaped, so it has to be erased by itself.
    let body = Bytes::from_owner(Zeroizing::new(body.into_bytes()));
    InnerRequest::new(method, &endpoint, headers, "application/json", body)
}

/// What stands in place of the body of a reply whose status is not 2xx: this form has no room for more.
#[must_use]
pub fn status_body(code: u16) -> String {
    format!("{{\"status_code\": {code}}}")
}
