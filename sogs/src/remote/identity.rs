//! Whom a moderator is: the seed of an account, out of the environment or a file that nobody else can read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use shared::client::Account;
use shared::crypto::recovery_phrase::{self, InvalidPhrase};
use shared::key_file::{self, KeyFileError};
use zeroize::Zeroizing;

/// More than 13 words and their spaces make.
const MOST: u64 = 1024;

/// An account is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read the file.
    #[error("{} can be read by others; run: chmod 600 '{}'", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// What is typed into a terminal that is read like a file can be seen.
    #[error("{} is a device, which would show what is typed; give no file, and it is asked for unseen", path.display())]
    Terminal {
        /// The device.
        path: PathBuf,
    },
    /// What was given is neither a phrase nor a seed. It is not repeated.
    #[error("{0}; a recovery phrase of 13 words or a seed of 64 hex digits is needed")]
    Malformed(InvalidPhrase),
    /// It is no text.
    #[error("that is no text; a recovery phrase of 13 words or a seed of 64 hex digits is needed")]
    NotText,
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] KeyFileError),
}

/// The seed of an account, erased when it is dropped and never shown.
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// A new account's.
    #[must_use]
    pub fn generate() -> Self {
        Self(Account::generate().pair().seed())
    }

    /// Reads what a moderator has: a recovery phrase, or a seed of 32 bytes in hex.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Malformed`], which does not repeat what was given.
    pub fn read(text: &str) -> Result<Self, IdentityError> {
        let mut seed = Zeroizing::new([0; 32]);
        let trimmed = text.trim();
        if trimmed.len() == 64 && hex::decode_to_slice(trimmed, seed.as_mut_slice()).is_ok() {
            return Ok(Self(seed));
        }
        let half = recovery_phrase::decode(text).map_err(IdentityError::Malformed)?;
        Ok(Self(Account::from_account_seed(&half).pair().seed()))
    }

    /// Reads the same from a file, which nobody else may be able to read, or from a pipe.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] with what to do about it.
    pub fn read_file(path: &Path) -> Result<Self, IdentityError> {
        let io = |source| IdentityError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        let kind = metadata.file_type();
        if kind.is_char_device() {
            return Err(IdentityError::Terminal { path: path.to_owned() });
        }
        let is_pipe = kind.is_fifo() || kind.is_socket();
        if !is_pipe && metadata.permissions().mode() & 0o077 != 0 {
            return Err(IdentityError::Exposed { path: path.to_owned() });
        }
        // Room for everything from the start: growing would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST).unwrap_or(0) + 1));
        file.take(MOST).read_to_end(&mut bytes).map_err(io)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| IdentityError::NotText)?;
        Self::read(text)
    }

    /// Writes it to a file for its owner only. Never replaces one.
    ///
    /// # Errors
    ///
    /// [`IdentityError::File`].
    pub fn write_file(&self, path: &Path) -> Result<(), IdentityError> {
        let mut text = Zeroizing::new([0; 65]);
        let (digits, end) = text.split_at_mut(64);
        // The buffer has the right length.
        let _ = hex::encode_to_slice(self.0.as_slice(), digits);
        end.fill(b'\n');
        Ok(key_file::create(path, text.as_slice())?)
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> Account {
        Account::from_seed(&self.0)
    }
}
