//! A file server in a process of its own.

use std::ops::{Deref, DerefMut};

use crate::fileserver_binary;
use crate::server::{Program, Server};
use crate::storage::Storage;

const PROGRAM: Program = Program {
    name: "fileserver",
    binary: fileserver_binary,
    prefix: "FILESERVER",
    key: "key_ed25519",
    no_floor: "ABUSE_FREE_SPACE_FLOOR",
};

/// A file server on data of its own. It ends, and its data goes, with this value.
pub struct Fileserver(Server);

impl Fileserver {
    /// Starts a server and waits until it serves. `settings` is the text of its configuration file; the free-space floor
    /// is off unless it says otherwise.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_on(storage: Storage, settings: &str) -> Self {
        Self(Server::start(&PROGRAM, storage, settings))
    }

    /// A server on an empty set-up, or `None` after saying what is missing.
    ///
    /// # Panics
    /// If it does not start.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn start(setup: crate::Setup, settings: &str) -> Option<Self> {
        Some(Self::start_on(Storage::fresh(setup)?, settings))
    }

    /// One more machine: the same storage, key and settings, another process and data folder.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn another(&self) -> Self {
        Self(self.0.another())
    }
}

impl Deref for Fileserver {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl DerefMut for Fileserver {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.0
    }
}
