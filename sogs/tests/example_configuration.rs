//! The configuration file that operators start from.

#![allow(clippy::unwrap_used, reason = "this is a test")]

use shared::testing::{settings_of, switched_on};
use sogs::settings::{PREFIX, Settings};

const EXAMPLE: &str = include_str!("../../docker/sogs.toml");

/// The settings that this text makes.
fn settings(text: &str) -> Settings {
    let settings: Settings = settings_of(PREFIX, text);
    settings.validate().unwrap();
    settings
}

#[test]
fn the_example_can_be_used_as_it_is_and_with_every_key_switched_on() {
    assert_eq!(settings(EXAMPLE).data().to_str(), Some("/var/lib/sogs"));
    let all = settings(&switched_on(EXAMPLE, true));
    assert_eq!(all.common.base_url.as_deref(), Some("https://chat.example.org"));
    assert_eq!(all.common.blob_url.as_deref(), Some("s3://community/sogs"));
}

#[test]
fn what_is_commented_out_shows_the_default() {
    let plain = settings(EXAMPLE);
    let mut on = settings(&switched_on(EXAMPLE, false));
    // Where the default depends on the program, no value stands for it.
    assert_eq!(on.listen(), plain.listen());
    on.common.listen = None;
    assert_eq!(on.common.log_level.take().as_deref(), Some("info"));
    assert_eq!(on, plain);
}
