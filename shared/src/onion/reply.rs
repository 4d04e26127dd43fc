//! The answer to an onion request, built and encrypted in one allocation.

use serde::{Serialize, Serializer};

use super::bencode;
use super::layer::LayerKey;

/// The body of a reply is not as long as announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reply body of {announced} bytes was announced, {written} were written")]
pub struct WrongLength {
    announced: usize,
    written: usize,
}

/// What stands after the body of an answer in the newer form.
pub(super) const V4_END: &[u8] = b"e";

/// An answer that is being written. Add exactly as many body bytes as announced, then [`seal`](Self::seal) it.
pub struct Reply {
    key: LayerKey,
    /// Nonce, whatever stands before the body, and the body so far.
    buffer: Vec<u8>,
    body_start: usize,
    body_len: usize,
    /// What stands after the body.
    end: &'static [u8],
}

impl Reply {
    /// Begins an answer in the newer form.
    ///
    /// Header names are put in lower case, the last of several with one name counts, and headers about the HTTP
    /// connection or the length are left out. The caller sees to it that there is a `content-type`, except with 304,
    /// which has no body either.
    #[must_use]
    pub fn v4<'a>(
        key: LayerKey,
        code: u16,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body_len: usize,
    ) -> Self {
        Self::v4_in(Vec::new(), key, code, headers, body_len)
    }

    /// The same in a buffer that has been used before; what it holds is lost.
    #[must_use]
    pub fn v4_in<'a>(
        buffer: Vec<u8>,
        key: LayerKey,
        code: u16,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body_len: usize,
    ) -> Self {
        let start = v4_start(code, headers, body_len);
        Self::begin(buffer, key, &start, body_len, V4_END)
    }

    /// Begins an answer in the older form, which is nothing but a body. Its ciphertext goes out as base64 text.
    #[must_use]
    pub fn v3(key: LayerKey, body_len: usize) -> Self {
        Self::v3_in(Vec::new(), key, body_len)
    }

    /// The same in a buffer that has been used before; what it holds is lost.
    #[must_use]
    pub fn v3_in(buffer: Vec<u8>, key: LayerKey, body_len: usize) -> Self {
        Self::begin(buffer, key, b"", body_len, b"")
    }

    fn begin(buffer: Vec<u8>, key: LayerKey, start: &[u8], body_len: usize, end: &'static [u8]) -> Self {
        let mut buffer = key.begin(buffer, start.len() + body_len + end.len());
        buffer.extend_from_slice(start);
        let body_start = buffer.len();
        Self {
            key,
            buffer,
            body_start,
            body_len,
            end,
        }
    }

    /// Appends a part of the body.
    pub fn extend_from_slice(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The buffer itself, to read a file into: the body is appended to what it holds, for which it has room.
    pub const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    fn written(&self) -> usize {
        self.buffer.len().saturating_sub(self.body_start)
    }

    /// Encrypts the answer where it is: `nonce || ciphertext || tag`.
    ///
    /// # Errors
    ///
    /// When more or fewer body bytes were added than announced.
    pub fn seal(mut self) -> Result<Vec<u8>, WrongLength> {
        let (announced, written) = (self.body_len, self.written());
        if written != announced {
            return Err(WrongLength { announced, written });
        }
        self.buffer.extend_from_slice(self.end);
        Ok(self.key.finish(self.buffer))
    }
}

/// What stands before the body of an answer in the newer form.
pub(super) fn v4_start<'a>(
    code: u16,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    body_len: usize,
) -> Vec<u8> {
    let metadata = Metadata {
        code,
        headers: ReplyHeaders::collect(headers),
    };
    // Texts and numbers always make JSON.
    let metadata = serde_json::to_vec(&metadata).unwrap_or_default();
    let mut start = vec![b'l'];
    bencode::encode(&metadata, &mut start);
    start.extend_from_slice(bencode::prefix(body_len).as_bytes());
    start
}

#[derive(Serialize)]
struct Metadata<'a> {
    code: u16,
    headers: ReplyHeaders<'a>,
}

struct ReplyHeaders<'a>(Vec<(String, &'a str)>);

impl<'a> ReplyHeaders<'a> {
    fn collect(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut kept: Vec<(String, &str)> = Vec::new();
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if concerns_connection(&name) {
                continue;
            }
            kept.retain(|(other, _)| *other != name);
            kept.push((name, value));
        }
        Self(kept)
    }
}

impl Serialize for ReplyHeaders<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

fn concerns_connection(name: &str) -> bool {
    matches!(
        name,
        "content-length"
            | "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}
