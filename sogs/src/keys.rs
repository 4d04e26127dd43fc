//! The key of a community server: one X25519 secret of 32 raw bytes, as the reference keeps it.

use std::path::{Path, PathBuf};

use shared::crypto::{X25519Pair, X25519Secret};
use shared::key_file::{self, KeyFileError};

/// The file of the key, in the data folder.
pub const FILE: &str = "key_x25519";

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// There is none.
    #[error(
        "there is no key in {}. Is --data or --config the same as the server's? If there is no server yet, `sogs init` \
         makes all that one needs, and so does the first start",
        .0.display()
    )]
    None(PathBuf),
}

/// Reads the key in a data folder.
///
/// # Errors
///
/// [`KeyError`], also if there is none.
pub fn read(data: &Path) -> Result<X25519Pair, KeyError> {
    match key_file::read::<32>(&data.join(FILE))? {
        Some(bytes) => Ok(X25519Pair::from_secret(X25519Secret::from_bytes(*bytes))),
        None => Err(KeyError::None(data.to_owned())),
    }
}

/// Makes a key in a data folder that has none yet.
///
/// # Errors
///
/// [`KeyError`], also if there is one already.
pub fn create(data: &Path) -> Result<X25519Pair, KeyError> {
    let secret = X25519Secret::generate();
    key_file::create(&data.join(FILE), secret.as_bytes())?;
    read(data)
}

/// Refuses a first start in a data folder inside or around that of another server.
///
/// # Errors
///
/// [`KeyError`] that names the other folder.
pub fn refuse_second(data: &Path) -> Result<(), KeyError> {
    Ok(key_file::refuse_second(data, "sogs", FILE)?)
}

/// Reads the key, or makes one if there is none.
///
/// # Errors
///
/// [`KeyError`].
pub fn read_or_create(data: &Path) -> Result<X25519Pair, KeyError> {
    match read(data) {
        Err(KeyError::None(_)) => match create(data) {
            // Somebody else was faster.
            Err(KeyError::File(KeyFileError::Exists { .. })) => read(data),
            created => created,
        },
        read => read,
    }
}
