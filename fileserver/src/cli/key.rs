//! `fileserver key`: the public key that clients are configured with.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::output;
use crate::keys::Keys;
use crate::serve::make_folder;
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Command {
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

pub(super) fn run(command: &Command, settings: &Settings) -> Result<ExitCode> {
    let data = settings.data();
    let (keys, as_json) = match command {
        Command::Show { json } => (Keys::read(&data)?, *json),
        Command::New { json } => {
            make_folder(&data)?;
            (Keys::create(&data)?, *json)
        }
    };
    if as_json {
        let mut onion = keys.onion.iter().map(|pair| pair.public().to_string());
        output::json(&json!({
            "x25519": onion.next(),
            "ed25519": keys.ed25519.map(|key| hex::encode(key.as_bytes())),
            "older_x25519": onion.next(),
        }))?;
    } else {
        println!("{}", keys.onion.public());
    }
    Ok(ExitCode::SUCCESS)
}
