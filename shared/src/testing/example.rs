//! The configuration files that operators start from.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// A key and its value behind a comment sign.
fn switched_off(line: &str) -> Option<&str> {
    let inside = line.strip_prefix("# ")?;
    let (key, _) = inside.split_once(" = ")?;
    let is_key = key
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'0'..=b'9'));
    is_key.then_some(inside)
}

/// The settings that this text makes, which is that of a configuration file.
///
/// # Panics
/// If it makes none.
#[must_use]
pub fn settings_of<T: DeserializeOwned + JsonSchema>(prefix: &str, text: &str) -> T {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    crate::config::load::<T>(prefix, Some(file.path()), |_| None, &[])
        .unwrap()
        .settings
}

/// An example file with its keys switched on: all, or those that claim to show the default, which are those whose
/// comment does not end with "for example:".
#[must_use]
pub fn switched_on(example: &str, examples_too: bool) -> String {
    let mut is_example = false;
    let mut text = String::new();
    for line in example.lines() {
        let key = switched_off(line);
        if key.is_none() {
            is_example = line.to_lowercase().ends_with("for example:");
        }
        text += match key {
            Some(key) if examples_too || !is_example => key,
            _ => line,
        };
        text.push('\n');
    }
    text
}
