//! `sogs key`: the public key that is part of the links to rooms.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;
use shared::cli::key::{Command, PublicKeys};
use shared::crypto::X25519Pair;

use crate::keys;
use crate::serve::make_folder;
use crate::settings::Settings;

pub(super) fn run(command: &Command, settings: &Settings) -> Result<ExitCode> {
    let data = settings.data();
    let read = || Ok(public(&keys::read(&data)?));
    let make = || {
        make_folder(&data)?;
        Ok(public(&keys::create(&data)?))
    };
    command.run(read, make)
}

fn public(key: &X25519Pair) -> PublicKeys {
    let x25519 = key.public().to_string();
    PublicKeys {
        all: json!({ "x25519": x25519 }),
        x25519,
    }
}
