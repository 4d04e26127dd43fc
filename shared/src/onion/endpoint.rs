//! The target of a request: path and query.

use percent_encoding::percent_decode_str;

/// The decoded path is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the decoded path is not UTF-8")]
pub struct NotUtf8;

/// Splits a target at the first `?` into the path, percent-decoded once, and the query, untouched.
///
/// Malformed percent sequences stay as they are, and a plus sign is a plus sign.
///
/// # Errors
///
/// When the decoded path is not UTF-8.
pub fn split_endpoint(endpoint: &str) -> Result<(String, Option<String>), NotUtf8> {
    let (path, query) = match endpoint.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (endpoint, None),
    };
    let path = percent_decode_str(path).decode_utf8().map_err(|_| NotUtf8)?;
    Ok((path.into_owned(), query))
}

/// Whether a decoded path is where onion requests arrive. Inside one, or as part of a batch, it is refused: nesting
/// would let one request cost many.
#[must_use]
pub fn is_onion_endpoint(path: &str) -> bool {
    matches!(path, "/oxen/v4/lsrpc" | "/oxen/v3/lsrpc" | "/loki/v3/lsrpc")
}
