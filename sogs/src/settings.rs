//! The configuration of the community server.

mod bounds;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::blob::BlobOptions;
use shared::config::{BadSettings, CommonSettings, Size, Span};
use shared::crypto::X25519Secret;
use shared::db::DbOptions;

use crate::filter::{FilterSettings, Filters};
use crate::links;

/// What environment variables of the community server begin with.
pub const PREFIX: &str = "SOGS";

const DAY: u64 = 86_400;

/// The largest request: a file of the largest size, in base64, in a batch.
pub const LARGEST_REQUEST: u64 = 16 * 1024 * 1024;

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// Keys that both servers have.
    #[serde(flatten)]
    pub common: CommonSettings,
    /// People and their ids.
    pub users: UserSettings,
    /// Rooms.
    pub rooms: RoomSettings,
    /// Messages in rooms.
    pub messages: MessageSettings,
    /// What is not to be shown.
    pub filters: FilterSettings,
    /// Attachments and room images.
    pub files: FileSettings,
    /// Direct messages.
    pub direct_messages: DirectMessageSettings,
    /// What one person may do. These limits do not bind admins.
    pub limits: LimitSettings,
    /// Who changed what.
    pub audit: AuditSettings,
    /// Pages for browsers.
    pub web: WebSettings,
}

/// People and their ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct UserSettings {
    /// Demand blinded ids, which cannot be traced to an account. All current clients use them.
    pub require_blind_keys: bool,
}

/// Rooms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct RoomSettings {
    /// The most rooms; 0 for no limit.
    pub max_count: u32,
    /// The longest name, in characters.
    pub max_name_length: u32,
    /// The longest description, in characters.
    pub max_description_length: u32,
    /// Who read in a room within this time is counted as active.
    pub active_threshold: Span,
    /// After this time it is forgotten when somebody read in a room.
    pub active_prune_threshold: Span,
}

/// Messages in rooms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct MessageSettings {
    /// The largest message, in bytes.
    pub max_size: Size,
    /// How long it is kept what messages said before they were edited or deleted.
    pub history_prune_threshold: Span,
}

/// Attachments and room images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct FileSettings {
    /// How long the attachments of a message are kept; 0 for ever.
    pub expiry: Span,
    /// The largest file, in bytes.
    pub max_size: Size,
    /// Uploads are refused while less than this is free on the disk of the files or of the database.
    pub free_space_floor: Size,
}

/// Direct messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct DirectMessageSettings {
    /// How long direct messages are kept.
    pub expiry: Span,
    /// The largest direct message, in bytes.
    pub max_size: Size,
    /// How many one person may send within a day; 0 for no limit.
    pub per_day: u32,
}

/// What one person may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct LimitSettings {
    /// The most requests in one batch; binds admins too.
    pub batch_elements: u32,
    /// Reactions within a minute; 0 for no limit.
    pub reactions_per_minute: u32,
    /// Uploads within an hour; 0 for no limit.
    pub uploads_per_hour: u32,
}

/// Who changed what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct AuditSettings {
    /// How long it is kept who changed what about rooms and people; 0 for ever.
    pub keep: Span,
}

/// Pages for browsers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct WebSettings {
    /// Show a list of the public rooms at the address of the server.
    pub show_index: bool,
    /// Give every room that everybody may read a page with its link and the code to scan.
    pub show_page: bool,
    /// Show the messages of a room on its page.
    pub show_messages: bool,
    /// Give every room that everybody may read a feed of its messages.
    pub show_feed: bool,
    /// A folder with pages of your own, which replace the built-in ones of the same name.
    pub templates: Option<PathBuf>,
}

impl Default for UserSettings {
    fn default() -> Self {
        Self {
            require_blind_keys: true,
        }
    }
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            max_count: 0,
            max_name_length: 200,
            max_description_length: 5000,
            active_threshold: Span::seconds(7 * DAY),
            active_prune_threshold: Span::seconds(60 * DAY),
        }
    }
}

impl Default for MessageSettings {
    fn default() -> Self {
        Self {
            max_size: Size(64 * 1024),
            history_prune_threshold: Span::seconds(30 * DAY),
        }
    }
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            expiry: Span::seconds(15 * DAY),
            max_size: Size(10_000_000),
            free_space_floor: Size(512 * 1024 * 1024),
        }
    }
}

impl Default for DirectMessageSettings {
    fn default() -> Self {
        Self {
            expiry: Span::seconds(15 * DAY),
            max_size: Size(64 * 1024),
            per_day: 500,
        }
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            batch_elements: 200,
            reactions_per_minute: 60,
            uploads_per_hour: 1000,
        }
    }
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            keep: Span::seconds(180 * DAY),
        }
    }
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            show_index: true,
            show_page: true,
            show_messages: true,
            show_feed: true,
            templates: None,
        }
    }
}

impl FileSettings {
    /// How long attachments are kept; `None` for ever.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        (!self.expiry.0.is_zero()).then_some(self.expiry.0)
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
        bounds::check(self)?;
        if self.rooms.active_prune_threshold.0 < self.rooms.active_threshold.0 {
            return bad(
                "rooms.active_prune_threshold",
                "must not be shorter than rooms.active_threshold",
            );
        }
        // Which key the replies would be signed with does not matter here.
        if let Err(error) = Filters::new(&self.filters, &X25519Secret::from_bytes([1; 32])) {
            return Err(BadSettings {
                key: "filters",
                reason: format!("{:#}", anyhow::Error::from(error)),
            });
        }
        if let Some(level) = &self.common.log_level {
            shared::telemetry::check_level(level).map_err(|error| BadSettings::new("log_level", error.to_string()))?;
        }
        if let Some(url) = &self.common.base_url {
            links::base_url(url).map_err(|reason| BadSettings::new("base_url", reason))?;
        }
        Ok(())
    }

    /// Folder for the key, the database and the files.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.common.data.clone().unwrap_or_else(|| PathBuf::from("./data/sogs"))
    }

    /// Where to serve.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.common
            .listen
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)))
    }

    /// The public address as links have it, or the one it listens on; without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> String {
        match &self.common.base_url {
            None => format!("http://{}", self.listen()),
            Some(url) => links::base_url(url).unwrap_or_else(|_| url.clone()),
        }
    }

    /// How to open the database.
    #[must_use]
    pub fn database(&self) -> DbOptions {
        match &self.common.database_url {
            Some(url) => DbOptions::at(url.expose()),
            None => DbOptions::at(format!("sqlite:{}", self.data().join("sogs.db").display())),
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
        assert_eq!(settings.listen().to_string(), "127.0.0.1:8080");
        assert_eq!(settings.files.max_size, Size(10_000_000));
        assert_eq!(settings.files.lifetime(), Some(Duration::from_secs(15 * DAY)));
        assert_eq!(settings.base_url(), "http://127.0.0.1:8080");
    }

    #[test]
    fn what_cannot_stand_is_named_by_its_key() {
        assert!(reason(|settings| settings.files.max_size = Size(0)).starts_with("files.max_size"));
        assert!(reason(|settings| settings.limits.batch_elements = 0).starts_with("limits.batch_elements"));
        assert!(reason(|settings| settings.files.expiry = Span(Duration::MAX)).starts_with("files.expiry"));
        let prune = |settings: &mut Settings| settings.rooms.active_prune_threshold = Span::seconds(1);
        assert!(reason(prune).starts_with("rooms.active_prune_threshold"));
        let path = |settings: &mut Settings| settings.common.base_url = Some("https://a.example/b".to_owned());
        assert!(reason(path).starts_with("base_url"));
        let mut settings = Settings::default();
        settings.common.base_url = Some(" https://A.example/".to_owned());
        settings.validate().unwrap();
        assert_eq!(settings.base_url(), "https://a.example");
    }

    #[test]
    fn every_key_is_described() {
        for key in shared::config::keys::<Settings>() {
            assert!(!key.description.is_empty(), "{} has no description", key.path);
        }
    }
}
