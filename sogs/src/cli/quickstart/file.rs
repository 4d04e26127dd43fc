//! The configuration file of a new community.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, absolute};

use anyhow::{Context, Result};
use shared::config::{CommonFlags, load};

use crate::settings::{PREFIX, Settings};

const HEAD: &str =
    "# The configuration of this community, made by `sogs quickstart`; the server reads it when it starts.
# What begins with # has no effect: it shows what holds if nothing else is said.

";

/// Writes a file with these flags and this public address in force and everything else explained, unless there is one.
/// Says whether it did.
pub(super) fn write(path: &Path, flags: &CommonFlags, base_url: &str) -> Result<bool> {
    let text = text(path, flags, base_url)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        made => made,
    }
    .with_context(|| {
        format!(
            "cannot write the configuration {}; name another place with --config",
            path.display()
        )
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
    Ok(true)
}

fn text(path: &Path, flags: &CommonFlags, base_url: &str) -> Result<String> {
    let mut given = flags.given();
    let data = flags.data.as_deref().map(absolute).transpose()?;
    given.retain(|(key, _)| !matches!(*key, "data" | "base_url"));
    given.push(("base_url", base_url.to_owned()));
    // A file in the data folder is found by that, and goes with it.
    if let Some(data) = data
        && path.parent().map(absolute).transpose()?.as_ref() != Some(&data)
    {
        given.push(("data", data.display().to_string()));
    }
    let loaded = load::<Settings>(PREFIX, None, |_| None, &given)?;
    let mut text = loaded.to_file();
    if let Some(url) = &flags.database_url {
        // What is printed hides it.
        let shown = text
            .lines()
            .find(|line| line.starts_with("database_url = "))
            .map(str::to_owned);
        if let Some(shown) = shown {
            text = text.replacen(&shown, &format!("database_url = {}", serde_json::to_string(url)?), 1);
        }
    }
    Ok(HEAD.to_owned() + &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_the_flags_said_secrets_included() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sogs.toml");
        let flags = CommonFlags {
            data: Some(folder.path().join("data").display().to_string()),
            listen: Some("127.0.0.1:9".to_owned()),
            database_url: Some("postgres://me:\"hunter\"2@127.0.0.1/sogs".to_owned()),
            ..CommonFlags::default()
        };
        assert!(write(&path, &flags, "https://chat.example.org").unwrap());
        let settings = load::<Settings>(PREFIX, Some(&path), |_| None, &[]).unwrap().settings;
        assert_eq!(settings.base_url(), "https://chat.example.org");
        assert_eq!(settings.data(), folder.path().join("data"));
        assert_eq!(settings.listen().to_string(), "127.0.0.1:9");
        let secret = settings.common.database_url.unwrap();
        assert_eq!(secret.expose(), "postgres://me:\"hunter\"2@127.0.0.1/sogs");
        assert!(
            !write(&path, &flags, "https://other.example.org").unwrap(),
            "it is not written over"
        );
    }

    #[test]
    fn a_file_in_the_data_folder_does_not_name_it() {
        let folder = tempfile::tempdir().unwrap();
        let flags = CommonFlags {
            data: Some(folder.path().display().to_string()),
            ..CommonFlags::default()
        };
        let text = text(&folder.path().join("sogs.toml"), &flags, "https://chat.example.org").unwrap();
        assert!(!text.lines().any(|line| line.starts_with("data =")), "{text}");
    }
}
