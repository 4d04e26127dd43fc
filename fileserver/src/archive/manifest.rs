//! What a backup says about itself.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ArchiveError;
use super::folder::replace;
use crate::store::MIGRATIONS;

/// File of the manifest.
pub(super) const MANIFEST: &str = "manifest.json";

/// The form of backups that this program makes.
const FORMAT: u32 = 1;

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the backup; programs restore forms up to their own.
    pub format: u32,
    /// The version of the database.
    pub schema: i64,
    /// The version of the program that made it.
    pub program: String,
    /// Whether there is anything to restore: false until the first backup into the folder is finished.
    pub complete: bool,
    /// The moment it is of, in UTC.
    pub made: String,
    /// The server's X25519 public key, in hex.
    pub public_key: String,
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Number of blocked ids.
    pub blocked: u64,
}

impl Manifest {
    /// A manifest of this program for the server with this key; nothing is in the backup yet.
    pub(super) fn begin(public_key: String, made: String) -> Self {
        Self {
            format: FORMAT,
            schema: MIGRATIONS.newest(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            complete: false,
            made,
            public_key,
            files: 0,
            bytes: 0,
            blocked: 0,
        }
    }

    /// Reads the manifest in a folder; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Newer`], or when it cannot be read or makes no sense.
    pub fn read(folder: &Path) -> Result<Option<Self>, ArchiveError> {
        /// What has to be known before the rest can be read.
        #[derive(Deserialize)]
        struct Versions {
            format: u32,
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
        if versions.format > FORMAT || versions.schema > MIGRATIONS.newest() {
            return Err(ArchiveError::Newer(versions.program));
        }
        serde_json::from_slice(&text).map(Some).map_err(damaged)
    }

    /// Reads the manifest of a backup that can be restored.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and when there is no backup in the folder, or none that was finished.
    pub fn to_restore(folder: &Path) -> Result<Self, ArchiveError> {
        match Self::read(folder)? {
            None => Err(ArchiveError::NoBackup(folder.to_owned())),
            Some(manifest) if !manifest.complete => Err(ArchiveError::Unfinished(folder.to_owned())),
            Some(manifest) => Ok(manifest),
        }
    }

    /// Writes the manifest into a folder, in one step.
    pub(super) fn write(&self, folder: &Path) -> Result<(), ArchiveError> {
        // Texts and numbers always make JSON.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        replace(&folder.join(MANIFEST), &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), None);
        let manifest = Manifest::begin("00".repeat(32), "2026-01-01T00:00:00Z".to_owned());
        manifest.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), Some(manifest));
    }

    #[test]
    fn a_newer_form_or_schema_is_refused_whatever_else_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let schema = MIGRATIONS.newest();
        for (format, schema) in [(FORMAT + 1, schema), (FORMAT, schema + 1)] {
            let text = format!(r#"{{"format": {format}, "schema": {schema}, "program": "9.9.9"}}"#);
            fs::write(folder.path().join(MANIFEST), text).unwrap();
            let refused = Manifest::read(folder.path()).unwrap_err().to_string();
            assert!(refused.contains("newer version of this program (9.9.9)"), "{refused}");
        }
    }
}
