//! What is remembered about communities, in the user's own configuration folder.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::str::FromStr;

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use shared::crypto::X25519Public;

use super::link::JoinLink;
use super::proxy::Proxy;
use crate::model::RoomToken;

/// The folder in which a moderator's account and communities are remembered.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

/// What a community is called: 1 to 64 letters, digits, `-` and `_`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A community, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The room by whose link it was remembered.
    pub link: JoinLink,
    /// What requests go through.
    pub proxy: Option<Proxy>,
}

/// The form in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: String,
    room: String,
    public_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<Proxy>,
}

/// What is remembered cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// There is no home directory.
    #[error("no folder for what is to be remembered: neither HOME nor XDG_CONFIG_HOME is set")]
    Nowhere,
    /// A file or folder fails.
    #[error("cannot use {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The list of communities is malformed.
    #[error("{} is malformed: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A text that cannot be a name.
    #[error("a community's short name is 1 to 64 letters (a to z), digits, `-` and `_`")]
    Name,
}

impl FromStr for Name {
    type Err = HomeError;

    fn from_str(text: &str) -> Result<Self, HomeError> {
        // What a room may be called is fit for this too.
        let token: RoomToken = text.parse().map_err(|_| HomeError::Name)?;
        Ok(Self(token.key()))
    }
}

impl TryFrom<String> for Name {
    type Error = HomeError;

    fn try_from(text: String) -> Result<Self, HomeError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Home {
    /// That of the user: `sogs-remote` in `$XDG_CONFIG_HOME`, or in `~/.config`.
    ///
    /// # Errors
    ///
    /// [`HomeError::Nowhere`].
    pub fn of_user() -> Result<Self, HomeError> {
        let base = etcetera::base_strategy::Xdg::new().map_err(|_| HomeError::Nowhere)?;
        Ok(Self(base.config_dir().join("sogs-remote")))
    }

    /// The file of the account's seed.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.0.join("identity")
    }

    /// The file of the communities.
    #[must_use]
    pub fn communities_file(&self) -> PathBuf {
        self.0.join("communities.toml")
    }

    /// Makes the folder, for its owner only, unless it is there.
    ///
    /// # Errors
    ///
    /// [`HomeError::Io`].
    pub fn prepare(&self) -> Result<(), HomeError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|source| HomeError::Io {
            path: self.0.clone(),
            source,
        })
    }

    /// All communities that are remembered.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the file cannot be read or understood.
    pub fn communities(&self) -> Result<BTreeMap<Name, Remembered>, HomeError> {
        let path = self.communities_file();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(source) => return Err(HomeError::Io { path, source }),
        };
        let malformed = |reason: String| HomeError::Malformed {
            path: path.clone(),
            reason,
        };
        let entries: BTreeMap<Name, Entry> = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        let read = |(name, entry): (Name, Entry)| match entry.read() {
            Some(remembered) => Ok((name, remembered)),
            None => Err(malformed(format!("url, room or public_key of {name} is not valid"))),
        };
        entries.into_iter().map(read).collect()
    }

    /// Replaces what is remembered, at once.
    ///
    /// # Errors
    ///
    /// [`HomeError::Io`], and then what was remembered before still is.
    pub fn remember(&self, communities: BTreeMap<Name, Remembered>) -> Result<(), HomeError> {
        self.prepare()?;
        let path = self.communities_file();
        let io = |source| HomeError::Io {
            path: path.clone(),
            source,
        };
        let entries: BTreeMap<Name, Entry> = communities
            .into_iter()
            .map(|(name, remembered)| (name, Entry::from(remembered)))
            .collect();
        let text = toml::to_string(&entries).map_err(|error| io(io::Error::other(error)))?;
        // Such a file is for its owner only.
        let mut draft = tempfile::NamedTempFile::new_in(&self.0).map_err(io)?;
        draft.write_all(text.as_bytes()).map_err(io)?;
        draft.as_file().sync_all().map_err(io)?;
        draft.persist(&path).map_err(|error| io(error.error))?;
        File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(io)
    }
}

impl Entry {
    fn read(self) -> Option<Remembered> {
        let Self {
            url,
            room,
            public_key,
            proxy,
        } = self;
        let link = format!("{}/{room}?public_key={public_key}", url.trim_end_matches('/'));
        let link = link.parse().ok()?;
        Some(Remembered { link, proxy })
    }
}

impl From<Remembered> for Entry {
    fn from(remembered: Remembered) -> Self {
        let Remembered { link, proxy } = remembered;
        let JoinLink { base_url, room, key } = link;
        Self {
            url: base_url,
            room: room.as_str().to_owned(),
            public_key: X25519Public::to_string(&key),
            proxy,
        }
    }
}
