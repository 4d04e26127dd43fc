//! What there is of the old server (`pysogs-import.md` section 1).

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use shared::config::Span;
use shared::crypto::{X25519Pair, X25519Secret};
use zeroize::Zeroizing;

use super::database::Place;
use super::ini::Ini;
use super::meaning::span_of;
use super::{ImportError, Source, schema};
use crate::links;
use crate::settings::Settings;

/// The bytes of a key.
const KEY: usize = 32;

/// The old server.
pub(super) struct Installation {
    /// The folder it ran in, without symbolic links.
    pub(super) folder: PathBuf,
    pub(super) ini: Option<(PathBuf, Ini)>,
    pub(super) database: Place,
    pub(super) key: X25519Pair,
}

impl Installation {
    pub(super) fn find(source: &Source) -> Result<Self, ImportError> {
        let folder = source.folder.canonicalize().map_err(ImportError::io(&source.folder))?;
        let ini = match &source.ini {
            Some(path) => Some(path.clone()),
            None => {
                let path = folder.join("sogs.ini");
                is_there(&path)?.then_some(path)
            }
        };
        let ini = match ini {
            Some(path) => {
                let read = Ini::read(&path)?;
                Some((path, read))
            }
            None => None,
        };
        let setting = |section, key, default: &str| {
            let set = ini.as_ref().and_then(|(_, ini)| ini.value(section, key));
            set.filter(|value| !value.is_empty())
                .unwrap_or_else(|| default.to_owned())
        };
        let url = source.database_url.clone();
        let url = url.unwrap_or_else(|| setting("db", "url", "sqlite:///sogs.db"));
        let database = Place::parse(&url, &folder)?;
        if let Place::File(path) = &database
            && !is_there(path)?
        {
            return Err(if schema::is_oldest(&folder) {
                ImportError::TooOld("0.1")
            } else {
                ImportError::NoDatabase(path.clone())
            });
        }
        let key = read_key(&folder.join(setting("crypto", "key_file", "key_x25519")))?;
        Ok(Self {
            folder,
            ini,
            database,
            key,
        })
    }

    /// The public address, as links have it.
    pub(super) fn base_url(&self) -> Option<String> {
        let (_, ini) = self.ini.as_ref()?;
        let url = ini.value("net", "base_url").filter(|url| !url.is_empty())?;
        Some(links::base_url(&url).unwrap_or(url))
    }

    /// Settings with the times after which the old server forgot what is too old to be taken over, where its
    /// configuration says them.
    pub(super) fn with_old_times(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        let set = |section, key, span: &mut Span| {
            let value = self.ini.as_ref().and_then(|(_, ini)| ini.value(section, key));
            if let Some(time) = value.and_then(|value| span_of(&value)) {
                *span = Span(time);
            }
        };
        set(
            "messages",
            "history_prune_threshold",
            &mut settings.messages.history_prune_threshold,
        );
        set(
            "rooms",
            "active_prune_threshold",
            &mut settings.rooms.active_prune_threshold,
        );
        settings
    }

    /// Sees that nothing of the old server would be written to.
    pub(super) fn refuse_same_place(&self, data: &Path, database: &str) -> Result<(), ImportError> {
        if data.canonicalize().is_ok_and(|data| data == self.folder) {
            return Err(ImportError::SamePlace("folder", "--data"));
        }
        let same = match &self.database {
            Place::Server(url) => {
                url.split_once("://").map(|(_, rest)| rest) == database.split_once("://").map(|(_, rest)| rest)
            }
            Place::File(path) => {
                let target = database
                    .strip_prefix("sqlite:")
                    .unwrap_or(database)
                    .trim_start_matches("//");
                let target = Path::new("/").join(target);
                path.canonicalize()
                    .is_ok_and(|path| target.canonicalize().is_ok_and(|target| target == path))
            }
        };
        if same {
            return Err(ImportError::SamePlace("database", "--database-url"));
        }
        Ok(())
    }
}

/// Whether there is a file. One that may not be looked at is not missing.
fn is_there(path: &Path) -> Result<bool, ImportError> {
    path.try_exists().map_err(ImportError::io(path))
}

fn read_key(path: &Path) -> Result<X25519Pair, ImportError> {
    let io = ImportError::io(path);
    let size = fs::metadata(path).map_err(ImportError::io(path))?.len();
    let mut key = Zeroizing::new([0; KEY]);
    if size != KEY as u64 {
        return Err(ImportError::BadKey {
            path: path.to_owned(),
            found: usize::try_from(size).unwrap_or(usize::MAX),
        });
    }
    File::open(path)
        .and_then(|mut file| file.read_exact(key.as_mut_slice()))
        .map_err(io)?;
    Ok(X25519Pair::from_secret(X25519Secret::from_bytes(*key)))
}
