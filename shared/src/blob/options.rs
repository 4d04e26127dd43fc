//! Where blobs are kept.

use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BlobError;
use crate::config::Secret;

/// How to open a blob store.
#[derive(Clone, Debug, Default)]
pub struct BlobOptions {
    /// `file:PATH` or a bare path, `s3://BUCKET/PREFIX`, or `memory:` for tests.
    pub url: String,
    /// What an `s3:` URL leaves open.
    pub s3: S3Options,
}

impl BlobOptions {
    /// The defaults for the store at this URL.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            s3: S3Options::default(),
        }
    }
}

impl BlobOptions {
    /// The local directory, if it is one.
    #[must_use]
    pub fn directory(&self) -> Option<PathBuf> {
        match self.url.parse() {
            Ok(Target::Directory(path)) => Some(path),
            _ => None,
        }
    }
}

/// Settings of an S3-compatible store. What is not set is taken from the usual environment variables (`AWS_ENDPOINT_URL`,
/// `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and others), and credentials failing that from the cloud
/// the machine runs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct S3Options {
    /// The server, as `https://HOST[:PORT]`; without it, Amazon's.
    pub endpoint: Option<String>,
    /// The region; `us-east-1` if nothing says otherwise.
    pub region: Option<String>,
    /// The name of the key.
    pub access_key_id: Option<String>,
    /// The key.
    pub secret_access_key: Option<Secret>,
    /// Whether the bucket is the first part of the path, as most self-hosted services want it, or of the host name.
    pub path_style: bool,
    /// Whether to speak plain http to other machines; to this machine it is allowed anyway.
    pub allow_http: bool,
    /// Whether the server refuses to write over what is there when asked to (`If-None-Match: *`), as most do by now.
    /// Without it the store looks first, which is safe for random keys.
    pub conditional_put: bool,
}

impl Default for S3Options {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
            path_style: true,
            allow_http: false,
            conditional_put: true,
        }
    }
}

/// What a URL points at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Directory(PathBuf),
    Bucket { name: String, prefix: String },
    Memory,
}

impl FromStr for Target {
    type Err = BlobError;

    fn from_str(url: &str) -> Result<Self, BlobError> {
        let unusable = |why: &str| Err(BlobError::Settings(why.to_owned()));
        match url.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("s3", rest)) => match rest
                .strip_prefix("//")
                .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            {
                Some((name, prefix)) if !name.is_empty() => Ok(Self::Bucket {
                    name: name.to_owned(),
                    prefix: prefix.trim_matches('/').to_owned(),
                }),
                _ => unusable("an S3 URL is s3://BUCKET or s3://BUCKET/PREFIX"),
            },
            Some(("file", rest)) => match rest.strip_prefix("//").unwrap_or(rest) {
                "" => unusable("file: must be followed by the path of a directory"),
                path => Ok(Self::Directory(path.into())),
            },
            Some((scheme, _)) if !scheme.contains(['/', '.']) => unusable("it must be a path, file:, s3: or memory:"),
            _ if url.is_empty() => unusable("it is empty"),
            _ => Ok(Self::Directory(url.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(name: &str, prefix: &str) -> Target {
        Target::Bucket {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
        }
    }

    #[test]
    fn urls_name_directories_and_buckets() {
        let expected = [
            ("data/files", Target::Directory("data/files".into())),
            ("./a:b", Target::Directory("./a:b".into())),
            ("file:data", Target::Directory("data".into())),
            ("file:///var/lib/files", Target::Directory("/var/lib/files".into())),
            ("s3://bucket", bucket("bucket", "")),
            ("s3://bucket/", bucket("bucket", "")),
            ("s3://bucket/a/b/", bucket("bucket", "a/b")),
            ("memory:", Target::Memory),
        ];
        for (url, target) in expected {
            assert_eq!(url.parse::<Target>().unwrap(), target, "{url}");
        }
    }

    #[test]
    fn urls_that_would_be_misread_are_refused() {
        for url in [
            "",
            "s3:",
            "s3://",
            "s3:///prefix",
            "s3:bucket",
            "file:",
            "gs://bucket",
            "https://host/bucket",
        ] {
            assert!(matches!(url.parse::<Target>(), Err(BlobError::Settings(_))), "{url}");
        }
    }

    #[test]
    fn debug_output_hides_the_key() {
        let options = S3Options {
            secret_access_key: Some("hunter2".to_owned().into()),
            ..S3Options::default()
        };
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
