//! The configuration of the file server.

mod bounds;

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::blob::BlobOptions;
use shared::config::{BadSettings, CommonSettings, Size, Span};
use shared::db::DbOptions;

use crate::model::{FixedBits, Lifetimes};

/// What environment variables of the file server begin with.
pub const PREFIX: &str = "FILESERVER";

/// A fortnight: what clients count on.
const FORTNIGHT: Span = Span::seconds(1_209_600);

/// The largest file that clients send.
const LARGEST_FILE: u64 = 10_000_000;

/// The largest file that still fits through the relays in an envelope.
const LARGEST_POSSIBLE: u64 = 10_223_616;

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// Keys that both servers have.
    #[serde(flatten)]
    pub common: CommonSettings,
    /// The files.
    pub files: FileSettings,
    /// Protection against abuse.
    pub abuse: AbuseSettings,
    /// News about app versions.
    pub versions: VersionSettings,
}

/// The files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct FileSettings {
    /// Ids of new files: `hash` (the same bytes get the same id and are stored once) or `numeric` (for very old
    /// clients). Files of both kinds are served at any time.
    pub id_mode: IdMode,
    /// Up to 16 digits 0 and 1 that numeric ids begin with, so that several servers never draw the same.
    pub fixed_bits: String,
    /// The largest file, in bytes; at most 10223616, which is what fits through the relays.
    pub max_size: Size,
    /// How long a file lives whose uploader asks for nothing.
    pub default_ttl: Span,
    /// The longest life that an uploader may ask for; 0 to ignore what they ask.
    pub max_ttl: Span,
    /// How often expired files are deleted. They are not served any more from the moment they expire.
    pub sweep_interval: Span,
}

/// How ids of new files are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum IdMode {
    /// From the content.
    #[default]
    Hash,
    /// At random.
    Numeric,
}

/// Protection against abuse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct AbuseSettings {
    /// Uploads are refused while less than this is free on the disk of the files or of the database.
    pub free_space_floor: Size,
    /// Bytes that may be uploaded per minute by everybody together; 0 for no limit.
    pub upload_bytes_per_minute: Size,
    /// Bytes that all files together may take up; uploads beyond are refused. 0 for no limit.
    pub total_quota: Size,
}

/// News about app versions, which some clients ask file servers for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct VersionSettings {
    /// Where the news comes from: `off`, `file` or `fetch`.
    pub source: VersionSource,
    /// For `file`: a JSON file with the releases.
    pub file: Option<PathBuf>,
    /// For `fetch`: address of a service that lists releases as GitHub does.
    pub upstream: String,
    /// For `fetch`: the project of the desktop app; empty to leave it out.
    pub desktop_project: String,
    /// For `fetch`: the project of the Android app; empty to leave it out.
    pub android_project: String,
    /// For `fetch`: the project of the iOS app; empty to leave it out.
    pub ios_project: String,
    /// For `fetch`: how often each project is asked for.
    pub fetch_interval: Span,
    /// Count how many different accounts ask per day. No ids are kept.
    pub statistics: bool,
    /// A JSON file with the answer to `/token_info`. Without it that request is answered 502.
    pub token_info_file: Option<PathBuf>,
}

/// Where news about app versions comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum VersionSource {
    /// Nowhere: version checks are answered 502.
    #[default]
    Off,
    /// From a file that the operator writes.
    File,
    /// From the network.
    Fetch,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            id_mode: IdMode::Hash,
            fixed_bits: String::new(),
            max_size: Size(LARGEST_FILE),
            default_ttl: FORTNIGHT,
            max_ttl: FORTNIGHT,
            sweep_interval: Span::seconds(10),
        }
    }
}

impl Default for AbuseSettings {
    fn default() -> Self {
        Self {
            free_space_floor: Size(512 * 1024 * 1024),
            upload_bytes_per_minute: Size(6 * 1024 * 1024 * 1024),
            total_quota: Size(0),
        }
    }
}

impl Default for VersionSettings {
    fn default() -> Self {
        Self {
            source: VersionSource::Off,
            file: None,
            upstream: "https://api.github.com".to_owned(),
            desktop_project: "session-foundation/session-desktop".to_owned(),
            android_project: "session-foundation/session-android".to_owned(),
            ios_project: "session-foundation/session-ios".to_owned(),
            fetch_interval: Span::seconds(1800),
            statistics: false,
            token_info_file: None,
        }
    }
}

impl Settings {
    /// Looks for what the types of the keys alone cannot rule out.
    ///
    /// # Errors
    ///
    /// [`BadSettings`] with the first key that cannot stand.
    pub fn validate(&self) -> Result<(), BadSettings> {
        let bad = |key, reason: &str| Err(BadSettings::new(key, reason));
        self.files
            .fixed_bits
            .parse::<FixedBits>()
            .map_err(|reason| BadSettings::new("files.fixed_bits", reason))?;
        if self.files.max_size.0 == 0 || self.files.max_size.0 > LARGEST_POSSIBLE {
            return bad(
                "files.max_size",
                "must be from 1 to 10223616 bytes, which is what fits through the relays",
            );
        }
        bounds::check(self)?;
        let allowance = self.abuse.upload_bytes_per_minute.0;
        if allowance != 0 && allowance < self.files.max_size.0 {
            return bad("abuse.upload_bytes_per_minute", "must be 0 or at least files.max_size");
        }
        if let Some(level) = &self.common.log_level {
            shared::telemetry::check_level(level).map_err(|error| BadSettings::new("log_level", error.to_string()))?;
        }
        if let Some(url) = &self.common.base_url {
            let parsed = url::Url::parse(url).map_err(|error| BadSettings::new("base_url", error.to_string()))?;
            if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
                return bad("base_url", "must be an address such as https://files.example.org");
            }
        }
        match self.versions.source {
            VersionSource::File if self.versions.file.is_none() => {
                bad("versions.file", "is needed because versions.source is \"file\"")
            }
            VersionSource::Fetch if url::Url::parse(&self.versions.upstream).is_err() => {
                bad("versions.upstream", "must be an address such as https://api.github.com")
            }
            _ => Ok(()),
        }
    }

    /// Folder for the key, the database and the files.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.common
            .data
            .clone()
            .unwrap_or_else(|| PathBuf::from("./data/fileserver"))
    }

    /// Where to serve.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.common
            .listen
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8081)))
    }

    /// The public address, or the one it listens on.
    #[must_use]
    pub fn base_url(&self) -> String {
        let url = self
            .common
            .base_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.listen()));
        url.trim_end_matches('/').to_owned()
    }

    /// How to open the database.
    #[must_use]
    pub fn database(&self) -> DbOptions {
        match &self.common.database_url {
            Some(url) => DbOptions::at(url.expose()),
            None => DbOptions::at(format!("sqlite:{}", self.data().join("fileserver.db").display())),
        }
    }

    /// How to open the blob store.
    #[must_use]
    pub fn blobs(&self) -> BlobOptions {
        let folder = || self.data().join("files").display().to_string();
        BlobOptions {
            url: self.common.blob_url.clone().unwrap_or_else(folder),
            s3: self.common.s3.clone(),
        }
    }

    /// How long files live.
    #[must_use]
    pub fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            default: self.files.default_ttl.0,
            max: self.files.max_ttl.0,
        }
    }

    /// High bits of numeric ids; none if they are malformed, which [`Settings::validate`] reports.
    #[must_use]
    pub fn fixed_bits(&self) -> FixedBits {
        self.files.fixed_bits.parse().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.validate().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_valid_and_as_documented() {
        let settings = Settings::default();
        settings.validate().unwrap();
        assert_eq!(settings.listen().to_string(), "127.0.0.1:8081");
        assert_eq!(settings.files.max_size, Size(10_000_000));
        assert_eq!(settings.files.default_ttl, Span::seconds(14 * 86_400));
        assert_eq!(settings.files.max_ttl, Span::seconds(14 * 86_400));
    }

    #[test]
    fn what_cannot_stand_is_named_by_its_key() {
        assert!(reason(|settings| settings.files.max_size = Size(10_223_617)).starts_with("files.max_size"));
        assert!(reason(|settings| settings.files.fixed_bits = "012".to_owned()).starts_with("files.fixed_bits"));
        let small = |settings: &mut Settings| settings.abuse.upload_bytes_per_minute = Size(1);
        assert!(reason(small).starts_with("abuse.upload_bytes_per_minute"));
        assert!(reason(|settings| settings.common.base_url = Some("files.example".to_owned())).starts_with("base_url"));
        assert!(reason(|settings| settings.common.log_level = Some("debg".to_owned())).starts_with("log_level"));
        assert!(reason(|settings| settings.versions.source = VersionSource::File).starts_with("versions.file"));
    }

    #[test]
    fn every_key_is_described() {
        for key in shared::config::keys::<Settings>() {
            assert!(!key.description.is_empty(), "{} has no description", key.path);
        }
    }
}
