//! A file server seen from outside, as a client sees it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use shared::client::{Answer, Client, ClientError, Progress, Request};
use shared::crypto::X25519Public;
use shared::onion::Cipher;

use crate::model::FileId;

/// The largest body that fits into an onion request to a file server, in bytes.
pub const LARGEST: u64 = 10_223_616;

/// Why a transfer failed.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// There was no answer that can be read.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What answered could not even open the request.
    #[error("the request was refused on its way, before the file server's own answer: {}", outside(*.0))]
    Outside(u16),
    /// The server answered, but not with what was asked for.
    #[error("the file server answered {}", inside(*.0))]
    Inside(u16),
    /// The server's answer is not that of a file server.
    #[error("what answered is no file server: {0}")]
    Strange(&'static str),
    /// What came back is not what was sent, or not what the id names.
    #[error("the bytes were damaged on the way, or on the server: they do not belong to the id {0}")]
    OtherBytes(String),
}

fn outside(status: u16) -> String {
    let meaning = match status {
        400 => "it could not be opened; the public key is not that of this server",
        301 | 302 | 307 | 308 => "the address redirects, which clients do not follow; use the address it leads to",
        404 | 405 => "there is nothing at this address that takes onion requests; is it a file server's?",
        413 => "a proxy in front takes no bodies of this size",
        429 => "too many requests; try again later",
        502 | 504 => "a proxy in front does not reach the server; is it running?",
        503 => "the server or a proxy in front is too busy; try again later",
        _ => "unexpected",
    };
    format!("{status}, {meaning}")
}

fn inside(status: u16) -> String {
    let meaning = match status {
        400 => "the request makes no sense to it; is the time to live longer than it allows?",
        403 => "its operator has blocked these bytes",
        404 => "there is no such file; it has expired, was deleted or never was",
        413 => "the file is too large for it",
        429 => "too many requests; try again later",
        503 => "it is too busy, or its allowance for uploads is spent; try again later",
        507 => "its disk is full",
        500..=599 => "something is wrong with it; its log says what",
        _ => "unexpected",
    };
    format!("{status}: {meaning}")
}

/// What a file server says about an upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uploaded {
    /// The file's id.
    pub id: String,
    /// Number of bytes.
    pub size: u64,
    /// When these bytes were first uploaded, in seconds.
    pub uploaded: f64,
    /// When the file ends, in seconds.
    pub expires: f64,
}

/// A file server.
#[derive(Debug)]
pub struct Remote {
    client: Client,
    direct: bool,
}

impl Remote {
    /// The file server at this URL. With its key, requests go through an onion envelope, otherwise as plain HTTP.
    ///
    /// # Errors
    ///
    /// When the URL is not for HTTP.
    pub fn new(url: &str, key: Option<X25519Public>, cipher: Cipher) -> Result<Self, ClientError> {
        // Without a key nothing is encrypted for it.
        let client = Client::new(url, key.unwrap_or(X25519Public::from_bytes([0; 32])))?;
        Ok(Self {
            client: client.with_cipher(cipher),
            direct: key.is_none(),
        })
    }

    /// Reports how far transfers have come.
    #[must_use]
    pub fn with_progress(self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self {
            client: self.client.with_progress(report),
            ..self
        }
    }

    /// Uploads a file; `ttl` is in seconds.
    ///
    /// # Errors
    ///
    /// [`RemoteError`]; also if the server names it by the hash of other bytes.
    pub async fn upload(&self, bytes: Bytes, ttl: Option<u64>) -> Result<Uploaded, RemoteError> {
        let mut request = Request::new("POST", "/file").body(bytes.clone());
        if let Some(ttl) = ttl {
            request = request.header("X-FS-TTL", &ttl.to_string());
        }
        let answer = self.send(request).await?;
        let uploaded: Uploaded = serde_json::from_slice(&answer.body)
            .map_err(|_| RemoteError::Strange("its answer to an upload is not the JSON it should be"))?;
        let id: FileId = uploaded
            .id
            .parse()
            .map_err(|_| RemoteError::Strange("its answer to an upload has no id of a file"))?;
        if uploaded.size != bytes.len() as u64 {
            return Err(RemoteError::OtherBytes(uploaded.id));
        }
        refuse_others(&id, &bytes)?;
        Ok(uploaded)
    }

    /// Downloads a file, whole.
    ///
    /// # Errors
    ///
    /// [`RemoteError`]; also if the id is the hash of other bytes.
    pub async fn download(&self, id: &FileId) -> Result<Bytes, RemoteError> {
        let answer = self.send(Request::new("GET", &format!("/file/{id}"))).await?;
        refuse_others(id, &answer.body)?;
        Ok(answer.body)
    }

    async fn send(&self, request: Request) -> Result<Answer, RemoteError> {
        let answer = if self.direct {
            self.client.direct(request).await?
        } else {
            let answer = self.client.onion_v4(request).await?;
            answer.inside.ok_or(RemoteError::Outside(answer.outside.status))?
        };
        match answer.status {
            200 => Ok(answer),
            status if self.direct && matches!(status, 301..=308 | 502 | 504) => Err(RemoteError::Outside(status)),
            status => Err(RemoteError::Inside(status)),
        }
    }
}

/// Content-hash ids say what the bytes are; numeric ones do not.
fn refuse_others(id: &FileId, bytes: &[u8]) -> Result<(), RemoteError> {
    if id.number().is_none() && FileId::of_content(bytes) != *id {
        return Err(RemoteError::OtherBytes(id.to_string()));
    }
    Ok(())
}

impl RemoteError {
    /// Whether the key may be the wrong one, so that another is worth a try.
    #[must_use]
    pub fn is_about_key(&self) -> bool {
        matches!(
            self,
            Self::Outside(400) | Self::Client(ClientError::NotOpened(_) | ClientError::ServerKey(_))
        )
    }
}
