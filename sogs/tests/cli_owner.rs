//! Commands that root gives, on the data of a server that runs as somebody else.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use support::Place;

/// A user that may do nothing but this.
const SOMEBODY: u32 = 61_234;

/// Who owns what is in a folder, and in the folders in it.
fn owners(folder: &Path) -> Vec<u32> {
    let mut owners = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        owners.push(entry.metadata().unwrap().uid());
        if entry.file_type().unwrap().is_dir() {
            owners.extend(self::owners(&entry.path()));
        }
    }
    owners
}

#[test]
fn what_root_commands_is_done_as_the_owner_of_the_data_folder() {
    let place = Place::new();
    if fs::metadata(place.path()).unwrap().uid() != 0 {
        shared::testing::missing::<()>("right to act as another user", "run the tests as root");
        return;
    }
    // Somebody else must be able to get to the program and the folder.
    fs::set_permissions(place.path(), Permissions::from_mode(0o711)).unwrap();
    let program = place.path().join("sogs");
    fs::copy(place.command(&[]).get_program(), &program).unwrap();
    fs::create_dir(place.data()).unwrap();
    chown(place.data(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();

    for arguments in [
        &["init"] as &[&str],
        &["room", "add", "lobby"],
        &["room", "delete", "lobby", "--yes"],
    ] {
        let done = Command::new(&program)
            .args(arguments)
            .env_clear()
            .env("SOGS_DATA", place.data())
            .current_dir(place.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }
    let owners = owners(&place.data());
    assert!(
        owners.len() >= 2 && owners.iter().all(|owner| *owner == SOMEBODY),
        "{owners:?}"
    );
}
