//! `fileserver key`: the public key that clients are configured with.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;
use shared::cli::key::{Command, PublicKeys};

use crate::keys::Keys;
use crate::serve::make_folder;
use crate::settings::Settings;

pub(super) fn run(command: &Command, settings: &Settings) -> Result<ExitCode> {
    let data = settings.data();
    let read = || Ok(public(&Keys::read(&data)?));
    let make = || {
        make_folder(&data)?;
        Ok(public(&Keys::create(&data)?))
    };
    command.run(read, make)
}

fn public(keys: &Keys) -> PublicKeys {
    let mut onion = keys.onion.iter().map(|pair| pair.public().to_string());
    PublicKeys {
        x25519: keys.onion.public().to_string(),
        all: json!({
            "x25519": onion.next(),
            "ed25519": keys.ed25519.map(|key| hex::encode(key.as_bytes())),
            "older_x25519": onion.next(),
        }),
    }
}
