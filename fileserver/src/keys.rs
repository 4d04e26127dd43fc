//! The keys of a file server: an Ed25519 pair that its X25519 key is derived from, and optionally an older X25519 key
//! that some clients still know it by. Either alone will do.

use std::path::{Path, PathBuf};

use shared::crypto::{Ed25519Pair, Ed25519Public, ServerKeys, X25519Pair, X25519Secret};
use shared::key_file::{self, KeyFileError};

/// File of the Ed25519 pair, in the data folder: 64 bytes, seed and public key.
const ED25519: &str = "key_ed25519";

/// File of the older X25519 key, in the data folder: 32 bytes.
const X25519: &str = "key_x25519";

/// All files that keys are kept in.
pub const KEY_FILES: [&str; 2] = [ED25519, X25519];

/// The keys in a data folder.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The Ed25519 public key, if there is one.
    pub ed25519: Option<Ed25519Public>,
    /// What opens onion requests. The first public key is the one that clients are given.
    pub onion: ServerKeys,
}

/// Keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The two halves of the Ed25519 file do not belong together.
    #[error("{} is damaged: its public key does not belong to its seed", .0.display())]
    Damaged(PathBuf),
    /// There is no key.
    #[error(
        "there is no key in {}. Is --data or --config the same as the server's? If there is no server yet, `fileserver \
         key new` makes a key, and so does the first start",
        .0.display()
    )]
    None(PathBuf),
}

impl Keys {
    /// Reads the keys in a data folder.
    ///
    /// # Errors
    ///
    /// [`KeysError`], also if there are none.
    pub fn read(data: &Path) -> Result<Self, KeysError> {
        let file = data.join(ED25519);
        let pair = match key_file::read::<64>(&file)? {
            None => None,
            Some(bytes) => {
                let (seed, public) = bytes
                    .split_first_chunk::<32>()
                    .ok_or_else(|| KeysError::Damaged(file.clone()))?;
                let pair = Ed25519Pair::from_seed(seed);
                if pair.public().as_bytes() != public {
                    return Err(KeysError::Damaged(file));
                }
                Some(pair)
            }
        };
        let older = key_file::read::<32>(&data.join(X25519))?
            .map(|bytes| X25519Pair::from_secret(X25519Secret::from_bytes(*bytes)));
        let ed25519 = pair.as_ref().map(|pair| *pair.public());
        let mut all = pair.iter().map(X25519Pair::from).chain(older);
        let identity = all.next().ok_or_else(|| KeysError::None(data.to_owned()))?;
        let mut onion = ServerKeys::from(identity.clone());
        if let Some(older) = all.next() {
            onion = ServerKeys::new(identity, vec![older]).unwrap_or(onion);
        }
        Ok(Self { ed25519, onion })
    }

    /// Makes an Ed25519 pair in a data folder that has no key yet.
    ///
    /// # Errors
    ///
    /// [`KeysError`], also if there is a key already.
    pub fn create(data: &Path) -> Result<Self, KeysError> {
        if let Some(path) = KEY_FILES.iter().map(|name| data.join(name)).find(|path| path.exists()) {
            // Also beside an older key alone: a new one would change the identity that clients know.
            return Err(KeyFileError::Exists { path }.into());
        }
        key_file::create(&data.join(ED25519), Ed25519Pair::generate().to_bytes().as_slice())?;
        Self::read(data)
    }

    /// Refuses a first start in a data folder inside or around that of another server.
    ///
    /// # Errors
    ///
    /// [`KeysError`] that names the other folder.
    pub fn refuse_second(data: &Path) -> Result<(), KeysError> {
        if data.join(X25519).exists() {
            return Ok(());
        }
        // The other kind of key may be that of a community server.
        Ok(key_file::refuse_second(data, "fileserver", ED25519)?)
    }

    /// Reads the keys, or makes one if there is none.
    ///
    /// # Errors
    ///
    /// [`KeysError`].
    pub fn read_or_create(data: &Path) -> Result<Self, KeysError> {
        match Self::read(data) {
            Err(KeysError::None(_)) => match Self::create(data) {
                // Somebody else was faster.
                Err(KeysError::File(KeyFileError::Exists { .. })) => Self::read(data),
                created => created,
            },
            read => read,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(data: &Path, name: &str, bytes: &[u8]) {
        let path = data.join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn vectors() -> serde_json::Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/onion_requests.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn bytes(value: &serde_json::Value) -> Vec<u8> {
        hex::decode(value.as_str().unwrap()).unwrap()
    }

    #[test]
    fn a_key_is_made_once_and_stays() {
        let data = tempfile::tempdir().unwrap();
        assert!(matches!(Keys::read(data.path()), Err(KeysError::None(_))));
        let made = Keys::read_or_create(data.path()).unwrap();
        let read = Keys::read_or_create(data.path()).unwrap();
        assert_eq!(made.onion.public(), read.onion.public());
        assert_eq!(made.ed25519.unwrap().to_x25519(), *made.onion.public());
    }

    #[test]
    fn the_derived_key_comes_first_and_the_older_one_second() {
        let data = tempfile::tempdir().unwrap();
        let vectors = vectors();
        let [derived, older] = [&vectors["server_keys"][0], &vectors["server_keys"][1]];
        let pair = [
            bytes(&derived["ed25519_seed_hex"]),
            bytes(&derived["ed25519_public_hex"]),
        ]
        .concat();
        write(data.path(), X25519, &bytes(&older["x25519_secret_hex"]));
        let alone = Keys::read(data.path()).unwrap();
        assert_eq!(
            alone.onion.public().to_string(),
            older["x25519_public_hex"].as_str().unwrap()
        );
        assert!(alone.ed25519.is_none());

        write(data.path(), ED25519, &pair);
        let both = Keys::read(data.path()).unwrap();
        let publics: Vec<String> = both.onion.iter().map(|pair| pair.public().to_string()).collect();
        let expected = [&derived["x25519_public_hex"], &older["x25519_public_hex"]].map(|key| key.as_str().unwrap());
        assert_eq!(publics, expected);
    }

    #[test]
    fn no_new_key_is_made_beside_an_older_one() {
        let data = tempfile::tempdir().unwrap();
        write(data.path(), X25519, &[7; 32]);
        assert!(matches!(
            Keys::create(data.path()),
            Err(KeysError::File(KeyFileError::Exists { .. }))
        ));
        assert!(Keys::read(data.path()).unwrap().ed25519.is_none());
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        let data = tempfile::tempdir().unwrap();
        write(data.path(), ED25519, &[1; 64]);
        assert!(matches!(Keys::read(data.path()), Err(KeysError::Damaged(_))));
    }
}
