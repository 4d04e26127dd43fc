//! What a backup says about itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder::replace;
use super::{ArchiveError, Server, State};
use crate::clock::Timestamp;

/// File of the manifest.
pub(super) const MANIFEST: &str = "manifest.json";

/// What the folders of states begin with.
pub(super) const STATE: &str = "state-";

/// The form of backups that this program makes.
const FORMAT: u32 = 1;

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the backup; programs restore forms up to their own.
    pub format: u32,
    /// Which server it is of.
    pub server: String,
    /// The version of the database.
    pub schema: i64,
    /// The version of the program that made it.
    pub program: String,
    /// Whether there is anything to restore: false until the first backup into the folder is finished.
    pub complete: bool,
    /// The moment it is of, in UTC.
    pub made: String,
    /// The folder of the state that counts; empty until there is one.
    pub state: String,
    /// The SHA-256, in hex, of the list of all its files.
    pub sums: String,
    /// The server's X25519 public key, in hex.
    pub public_key: String,
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of what else there is.
    #[serde(flatten)]
    pub others: State,
}

impl Manifest {
    /// A manifest of this program for the server with this key; nothing is in the backup yet.
    pub(super) fn begin<S: Server>(public_key: String, made: String) -> Self {
        Self {
            format: FORMAT,
            server: S::NAME.to_owned(),
            schema: S::MIGRATIONS.newest(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            complete: false,
            made,
            state: String::new(),
            sums: String::new(),
            public_key,
            files: 0,
            bytes: 0,
            others: State::new(),
        }
    }

    /// Reads the manifest in a folder; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Newer`], or when it cannot be read or makes no sense.
    pub fn read<S: Server>(folder: &Path) -> Result<Option<Self>, ArchiveError> {
        /// What has to be known before the rest can be read.
        #[derive(Deserialize)]
        struct Versions {
            format: u32,
            server: String,
            schema: i64,
            program: String,
        }

        let path = folder.join(MANIFEST);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ArchiveError::io(path)(error)),
        };
        let damaged = |error: serde_json::Error| ArchiveError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        };
        let versions: Versions = serde_json::from_slice(&text).map_err(damaged)?;
        if versions.server != S::NAME {
            return Err(ArchiveError::OtherProgram {
                path: folder.to_owned(),
                program: versions.server,
            });
        }
        if versions.format > FORMAT || versions.schema > S::MIGRATIONS.newest() {
            return Err(ArchiveError::Newer(versions.program));
        }
        serde_json::from_slice(&text).map(Some).map_err(damaged)
    }

    /// Reads the manifest of a backup that can be restored.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and when there is no backup in the folder, or none that was finished.
    pub fn to_restore<S: Server>(folder: &Path) -> Result<Self, ArchiveError> {
        match Self::read::<S>(folder)? {
            None => Err(ArchiveError::NoBackup(folder.to_owned())),
            Some(manifest) if !manifest.complete => Err(ArchiveError::Unfinished(folder.to_owned())),
            Some(manifest) => Ok(manifest),
        }
    }

    /// Writes the manifest into a folder, in one step.
    pub(super) fn write(&self, folder: &Path) -> Result<(), ArchiveError> {
        replace(&folder.join(MANIFEST), &self.to_text())
    }

    /// The manifest as it is written.
    pub(super) fn to_text(&self) -> Vec<u8> {
        // Texts and numbers always make JSON.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// The moment it is of.
    pub(super) fn moment(&self, folder: &Path) -> Result<Timestamp, ArchiveError> {
        let moment = humantime::parse_rfc3339(&self.made).map_err(|error| ArchiveError::Damaged {
            path: folder.join(MANIFEST),
            reason: error.to_string(),
        })?;
        Ok(moment.into())
    }

    /// The folder of the state that counts.
    pub(super) fn state_in(&self, folder: &Path) -> Result<PathBuf, ArchiveError> {
        let is_name = self.state.starts_with(STATE) && !self.state.contains('/');
        if is_name {
            return Ok(folder.join(&self.state));
        }
        Err(ArchiveError::Damaged {
            path: folder.join(MANIFEST),
            reason: "it names no state".to_owned(),
        })
    }
}
