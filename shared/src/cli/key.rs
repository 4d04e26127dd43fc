//! The command `key`: the public key that clients are given.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;

use super::output;

/// Looks at the server's key, or makes one.
#[derive(Subcommand)]
pub enum Command {
    /// Print the public key
    Show {
        /// Print JSON with all public keys
        #[arg(long)]
        json: bool,
    },
    /// Make a key, if there is none yet
    New {
        /// Print JSON with all public keys
        #[arg(long)]
        json: bool,
    },
}

/// The public side of a server's keys.
pub struct PublicKeys {
    /// The X25519 key, by which clients know the server.
    pub x25519: String,
    /// All of them, as an object.
    pub all: Value,
}

impl Command {
    /// Prints the keys that one of the two functions reads or makes.
    ///
    /// # Errors
    ///
    /// As those have.
    pub fn run(
        &self,
        read: impl FnOnce() -> Result<PublicKeys>,
        make: impl FnOnce() -> Result<PublicKeys>,
    ) -> Result<ExitCode> {
        let (keys, as_json) = match self {
            Self::Show { json } => (read()?, *json),
            Self::New { json } => (make()?, *json),
        };
        if as_json {
            output::json(&keys.all)?;
        } else {
            println!("{}", keys.x25519);
        }
        Ok(ExitCode::SUCCESS)
    }
}
