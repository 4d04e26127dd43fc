//! The URLs by which clients point each other to files.

use std::str::FromStr;

use url::Url;

use crate::crypto::{Ed25519Public, X25519Public};

/// The text is not the URL of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a download URL: http(s)://HOST/file/ID is needed")]
pub struct InvalidDownloadUrl;

/// `<scheme>://<host>[:port]/file/<id>[#part[&part...]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadUrl {
    /// `http` or `https`.
    pub scheme: String,
    /// Name or address of the server, with the port if that is not the scheme's own.
    pub host: String,
    /// What the server knows the file by, not checked.
    pub file_id: String,
    /// The server's key (`p`), where it is not the default server's. Which kind of key, see
    /// [`server_keys`](Self::server_keys).
    pub server_key: Option<[u8; 32]>,
    /// Whether the file is encrypted deterministically (`d`).
    pub deterministic: bool,
}

impl DownloadUrl {
    /// The keys to try for the server, in order. Some clients write an Ed25519 key, others an X25519 key, and nothing
    /// tells which.
    #[must_use]
    pub fn server_keys(&self) -> Vec<X25519Public> {
        let Some(key) = self.server_key else { return Vec::new() };
        let converted = Ed25519Public::from_bytes(key).ok().map(|key| key.to_x25519());
        converted.into_iter().chain([X25519Public::from_bytes(key)]).collect()
    }

    /// The server, without a path.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// The endpoint to download from, also for URLs in the old form.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("/file/{}", self.file_id)
    }
}

impl FromStr for DownloadUrl {
    type Err = InvalidDownloadUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDownloadUrl> {
        let url = Url::parse(text).map_err(|_| InvalidDownloadUrl)?;
        let mut segments = url.path_segments().ok_or(InvalidDownloadUrl)?.rev();
        let (Some(file_id), Some("file" | "files"), "http" | "https") = (
            segments.next().filter(|id| !id.is_empty()),
            segments.next(),
            url.scheme(),
        ) else {
            return Err(InvalidDownloadUrl);
        };
        let host = url.host_str().ok_or(InvalidDownloadUrl)?;
        let parts: Vec<_> = url.fragment().unwrap_or_default().split('&').collect();
        let key = parts
            .iter()
            .find_map(|part| X25519Public::from_hex(part.strip_prefix("p=")?));
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host: url
                .port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            file_id: file_id.to_owned(),
            server_key: key.map(|key| *key.as_bytes()),
            deterministic: parts.iter().any(|part| matches!(*part, "d" | "d=")),
        })
    }
}
