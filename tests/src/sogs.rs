//! A community server in a process of its own.

use std::ops::{Deref, DerefMut};

use shared::client::{Account, Client, Identity};
use shared::clock::Clock;

use crate::server::{Program, Server};
use crate::sogs_binary;
use crate::storage::Storage;

const PROGRAM: Program = Program {
    name: "sogs",
    binary: sogs_binary,
    prefix: "SOGS",
    key: "key_x25519",
    no_floor: "FILES_FREE_SPACE_FLOOR",
};

/// A community server on data of its own. It ends, and its data goes, with this value.
pub struct Sogs(Server);

impl Sogs {
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

    /// Runs one of its commands, which must go well, and gives what that printed.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> String {
        let done = self.command(arguments);
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "sogs {arguments:?}: {errors}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// A client that signs as this account, with its blinded id.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn client_of(&self, account: Account) -> Client {
        self.client().with_account(account, Identity::Blinded, Clock::system())
    }
}

impl Deref for Sogs {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl DerefMut for Sogs {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.0
    }
}
