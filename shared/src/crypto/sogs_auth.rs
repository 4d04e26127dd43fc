//! Signed requests to a community server (`X-SOGS-*` headers).

use crate::clock::Timestamp;

use super::ed25519::Signature;
use super::hash;
pub use super::header_text::TOLERANCE;
use super::header_text::{AgeError, decode_hex_or_base64, parse_recent};
use super::ids::{BlindedId, UnblindedId, UserId};
use super::points::PointCache;
use super::x25519::X25519Public;

/// Header names, in lower case.
pub const PUBKEY: &str = "x-sogs-pubkey";
/// See [`PUBKEY`].
pub const NONCE: &str = "x-sogs-nonce";
/// See [`PUBKEY`].
pub const TIMESTAMP: &str = "x-sogs-timestamp";
/// See [`PUBKEY`].
pub const SIGNATURE: &str = "x-sogs-signature";

/// Why a request is refused; the text is the body of the answer, as `text/plain; charset=utf-8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Some of the four headers, but not all, are absent or empty.
    #[error("Invalid authentication headers: missing {0}/4 required X-SOGS-* headers")]
    Missing(usize),
    /// Not 33 bytes.
    #[error("Invalid authentication: X-SOGS-Pubkey is not a valid 66-hex digit id")]
    Pubkey,
    /// An id of another kind.
    #[error("Invalid authentication: X-SOGS-Pubkey must be 00- or 15- prefixed")]
    Prefix,
    /// The key is no good point.
    #[error("Invalid authentication: given X-SOGS-Pubkey is not a valid Ed25519 pubkey")]
    Point,
    /// A `00` id where only blinded ids are let in. Clients know this text.
    #[error("Invalid authentication: this server requires the use of blinded ids")]
    BlindingRequired,
    /// Not 16 bytes.
    #[error("Invalid authentication: X-SOGS-Nonce must be 16 bytes (encoded as base64 or hex)")]
    Nonce,
    /// Not 64 bytes.
    #[error("Invalid authentication: X-SOGS-Signature is not base64[88]")]
    Signature,
    /// Not a number of seconds.
    #[error("Invalid authentication: X-SOGS-Timestamp is not a valid timestamp")]
    Timestamp,
    /// More than a day from our time.
    #[error("Invalid authentication: X-SOGS-Timestamp is too far from current time")]
    Clock,
    /// The signature is wrong.
    #[error("Invalid authentication: X-SOGS-Signature verification failed")]
    Verification,
    /// This user has used this nonce before. The caller's to find out.
    #[error("Invalid authentication: X-SOGS-Nonce cannot be reused")]
    NonceReused,
    /// The user is banned from the whole server. The caller's to find out.
    #[error("Banned")]
    Banned,
    /// The endpoint needs a user and the request has none. The caller's to find out.
    #[error("X-SOGS-* request authentication required")]
    Required,
}

impl AuthError {
    /// The HTTP status. 425 makes clients report a wrong clock.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Verification | Self::Required => 401,
            Self::Banned => 403,
            Self::Clock | Self::NonceReused => 425,
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

/// The four headers as received; an empty one counts as absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// 33 bytes: prefix and Ed25519 key.
    pub pubkey: Option<&'a str>,
    /// 16 bytes.
    pub nonce: Option<&'a str>,
    /// Seconds since the epoch.
    pub timestamp: Option<&'a str>,
    /// 64 bytes.
    pub signature: Option<&'a str>,
}

impl<'a> Headers<'a> {
    /// Picks the four out of a header map, by lower-case names.
    pub fn pick(mut header: impl FnMut(&'static str) -> Option<&'a str>) -> Self {
        Self {
            pubkey: header(PUBKEY),
            nonce: header(NONCE),
            timestamp: header(TIMESTAMP),
            signature: header(SIGNATURE),
        }
    }

    /// All four, or `None` when there is none of them.
    fn complete(self) -> Result<Option<[&'a str; 4]>, AuthError> {
        let all = [self.pubkey, self.nonce, self.timestamp, self.signature].map(Option::unwrap_or_default);
        match all.iter().filter(|text| text.is_empty()).count() {
            0 => Ok(Some(all)),
            4 => Ok(None),
            missing => Err(AuthError::Missing(missing)),
        }
    }
}

/// The parts of a request that its signature covers.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// In upper case.
    pub method: &'a str,
    /// Percent-decoded, without the query.
    pub path: &'a str,
    /// As it was sent; an empty query counts as none.
    pub query: Option<&'a str>,
    /// The body, for onion requests the inner one.
    pub body: &'a [u8],
}

impl SignedRequest<'_> {
    /// The bytes that are signed for a server.
    #[must_use]
    pub fn message(&self, server: &X25519Public, nonce: &[u8; 16], timestamp: &str) -> Vec<u8> {
        let query = self.query.filter(|query| !query.is_empty());
        let fixed = [
            &server.as_bytes()[..],
            nonce,
            timestamp.as_bytes(),
            self.method.as_bytes(),
            self.path.as_bytes(),
        ];
        let mut message = fixed.concat();
        if let Some(query) = query {
            message.push(b'?');
            message.extend_from_slice(query.as_bytes());
        }
        if !self.body.is_empty() {
            message.extend_from_slice(&hash::blake2b::<64>(self.body));
        }
        message
    }
}

/// Who signed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The blinded id as shown, or the account behind a `00` id.
    pub id: UserId,
    /// May be used once by this id.
    pub nonce: [u8; 16],
    /// When the client signed.
    pub timestamp: Timestamp,
}

impl Verified {
    /// Until when the same request would be accepted again, so until when the nonce must be remembered.
    #[must_use]
    pub fn nonce_expires(&self) -> Timestamp {
        self.timestamp.plus(TOLERANCE)
    }
}

/// Checks signed requests for one server.
#[derive(Clone, Debug)]
pub struct Verifier {
    server: X25519Public,
    points: PointCache,
}

impl Verifier {
    /// For the server with this key.
    #[must_use]
    pub fn new(server: X25519Public, points: PointCache) -> Self {
        Self { server, points }
    }

    /// Who signed the request; `None` when no one did.
    ///
    /// The caller still has to refuse used nonces and banned users, in this order.
    ///
    /// # Errors
    ///
    /// The first of the reasons to refuse the request, in the order of [`AuthError`].
    pub fn verify(
        &self,
        headers: Headers<'_>,
        request: &SignedRequest<'_>,
        now: Timestamp,
        blinding_required: bool,
    ) -> Result<Option<Verified>, AuthError> {
        let Some([pubkey, nonce, timestamp, signature]) = headers.complete()? else {
            return Ok(None);
        };
        let [prefix, key @ ..] = decode_hex_or_base64::<33>(pubkey).ok_or(AuthError::Pubkey)?;
        if prefix != UnblindedId::PREFIX && prefix != BlindedId::PREFIX {
            return Err(AuthError::Prefix);
        }
        let key = self.points.check(key).map_err(|_| AuthError::Point)?;
        if prefix == UnblindedId::PREFIX && blinding_required {
            return Err(AuthError::BlindingRequired);
        }
        let nonce = decode_hex_or_base64(nonce).ok_or(AuthError::Nonce)?;
        let signature: Signature = decode_hex_or_base64(signature).ok_or(AuthError::Signature)?;
        let time = parse_recent(timestamp, now)?;
        if !key.verifies(&request.message(&self.server, &nonce, timestamp), &signature) {
            return Err(AuthError::Verification);
        }
        let id = if prefix == BlindedId::PREFIX {
            UserId::Blinded(BlindedId::from_key(*key.as_bytes()))
        } else {
            UserId::Session(key.session_id())
        };
        Ok(Some(Verified {
            id,
            nonce,
            timestamp: time,
        }))
    }
}
