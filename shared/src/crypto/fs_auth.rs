//! Signed requests to a file server (`X-FS-*` headers), which only its version check knows.

use crate::clock::Timestamp;

use super::ed25519::Signature;
use super::hash;
use super::header_text::{AgeError, decode_hex_or_base64, parse_recent};
use super::ids::VersionId;
use super::points::PointCache;
use super::sogs_auth::SignedRequest;

/// Header names, in lower case.
pub const PUBKEY: &str = "x-fs-pubkey";
/// See [`PUBKEY`].
pub const TIMESTAMP: &str = "x-fs-timestamp";
/// See [`PUBKEY`].
pub const SIGNATURE: &str = "x-fs-signature";

/// Why a request is refused; the text is the body of the answer, as `text/plain; charset=utf-8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Some of the three headers, but not all, are absent or empty.
    #[error("Invalid authentication: one or more X-FS-* auth headers is missing")]
    Missing,
    /// Not 33 bytes.
    #[error("Invalid authentication: X-FS-Pubkey is not a valid 66-hex digit id")]
    Pubkey,
    /// An id of another kind.
    #[error("Invalid authentication: X-FS-Pubkey must be 07- prefixed")]
    Prefix,
    /// The key is no good point.
    #[error("Invalid authentication: given X-FS-Pubkey is not a valid Ed25519 pubkey")]
    Point,
    /// Not 64 bytes.
    #[error("Invalid authentication: X-FS-Signature is not base64[86]")]
    Signature,
    /// Not a number of seconds.
    #[error("Invalid authentication: X-FS-Timestamp is not a valid timestamp")]
    Timestamp,
    /// More than a day from our time.
    #[error("Invalid authentication: X-FS-Timestamp is too far from current time")]
    Clock,
    /// The signature is wrong.
    #[error("Invalid authentication: X-FS-Signature verification failed")]
    Verification,
}

impl AuthError {
    /// The HTTP status. 425 makes clients report a wrong clock.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Verification => 401,
            Self::Clock => 425,
            _ => 400,
        }
    }
}

impl From<AgeError> for AuthError {
    fn from(error: AgeError) -> Self {
        match error {
            AgeError::Malformed => Self::Timestamp,
            AgeError::TooFar => Self::Clock,
        }
    }
}

/// The three headers as received; an empty one counts as absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// 33 bytes: prefix and Ed25519 key.
    pub pubkey: Option<&'a str>,
    /// Seconds since the epoch.
    pub timestamp: Option<&'a str>,
    /// 64 bytes.
    pub signature: Option<&'a str>,
}

impl<'a> Headers<'a> {
    /// Picks the three out of a header map, by lower-case names.
    pub fn pick(mut header: impl FnMut(&'static str) -> Option<&'a str>) -> Self {
        Self {
            pubkey: header(PUBKEY),
            timestamp: header(TIMESTAMP),
            signature: header(SIGNATURE),
        }
    }
}

/// The bytes that are signed. Other than for communities, neither a nonce nor the server is part of them.
#[must_use]
pub fn message(request: &SignedRequest<'_>, timestamp: &str) -> Vec<u8> {
    let mut message = [timestamp, request.method, request.path].concat().into_bytes();
    if let Some(query) = request.query.filter(|query| !query.is_empty()) {
        message.push(b'?');
        message.extend_from_slice(query.as_bytes());
    }
    if !request.body.is_empty() {
        message.extend_from_slice(&hash::blake2b::<64>(request.body));
    }
    message
}

/// Who signed the request; `None` when no one did.
///
/// # Errors
///
/// The first of the reasons to refuse the request, in the order of [`AuthError`].
pub fn verify(
    headers: Headers<'_>,
    request: &SignedRequest<'_>,
    points: &PointCache,
    now: Timestamp,
) -> Result<Option<VersionId>, AuthError> {
    let all = [headers.pubkey, headers.timestamp, headers.signature].map(Option::unwrap_or_default);
    let [pubkey, timestamp, signature] = all;
    if all.iter().all(|text| text.is_empty()) {
        return Ok(None);
    }
    if all.iter().any(|text| text.is_empty()) {
        return Err(AuthError::Missing);
    }
    let [prefix, key @ ..] = decode_hex_or_base64::<33>(pubkey).ok_or(AuthError::Pubkey)?;
    if prefix != VersionId::PREFIX {
        return Err(AuthError::Prefix);
    }
    let key = points.check(key).map_err(|_| AuthError::Point)?;
    let signature: Signature = decode_hex_or_base64(signature).ok_or(AuthError::Signature)?;
    parse_recent(timestamp, now)?;
    if !key.verifies(&message(request, timestamp), &signature) {
        return Err(AuthError::Verification);
    }
    Ok(Some(VersionId::from_key(*key.as_bytes())))
}
