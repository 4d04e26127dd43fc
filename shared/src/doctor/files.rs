//! Who owns what lies in the data folder, and who may look at it.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access};

use super::Finding;

/// The data folder is there, and is for the server alone.
pub(super) fn data_folder(program: &str, data: &Path) -> Finding {
    const CHECK: &str = "data";
    let shown = data.display();
    let found = match data.metadata() {
        Ok(found) if found.is_dir() => found,
        Ok(_) => {
            return Finding::error(
                CHECK,
                format!("{shown} is not a folder."),
                "Name the data folder with --data, or move that file away.",
            );
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Finding::error(
                CHECK,
                format!("There is no data folder {shown}."),
                "Is --data or --config the same as the server's? If there is no server yet, its first start makes all it \
                 needs. If there was one, is the disk mounted? Otherwise restore a backup.",
            );
        }
        Err(error) => {
            return Finding::error(
                CHECK,
                format!("{shown} cannot be looked at: {error}."),
                format!("Run this as the user that the server runs as: sudo -u USER {program} doctor"),
            );
        }
    };
    let owner = name(found.uid());
    if found.mode() & 0o022 != 0 {
        return Finding::error(
            CHECK,
            format!("Others may put files into {shown}, also in place of the key."),
            format!("chmod 700 '{shown}'"),
        );
    }
    if access(data, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Finding::error(
            CHECK,
            format!("{shown} belongs to {owner}, and you may not write to it."),
            format!(
                "If the server runs as {owner}: sudo -u {owner} {program} doctor\nOtherwise: sudo chown -R USER '{shown}'"
            ),
        );
    }
    Finding::ok(CHECK, format!("{shown} belongs to {owner}."))
}

/// What is wrong with who may read a key file; what is in it is another matter.
#[must_use]
pub fn key_file(path: &Path) -> Option<Finding> {
    let shown = path.display();
    let found = path.metadata().ok()?;
    let wrong = |sentence: String, remedy: String| Some(Finding::error("key", sentence, remedy));
    if found.mode() & 0o077 != 0 {
        return wrong(
            format!("The key {shown} can be read by others, so no server starts with it."),
            format!("chmod 600 '{shown}'\nIf others use this machine, take the key for known to them."),
        );
    }
    if found.mode() & 0o400 == 0 {
        return wrong(
            format!("Not even its owner may read the key {shown}."),
            format!("chmod 600 '{shown}'"),
        );
    }
    stranger(path, &found).map(|(sentence, remedy)| Finding::error("key", sentence, remedy))
}

/// What is wrong with who may read and write the file of a SQLite database.
pub(super) fn database_file(path: &Path) -> Option<Finding> {
    const CHECK: &str = "database";
    let shown = path.display();
    let found = path.metadata().ok()?;
    if let Some((sentence, remedy)) = stranger(path, &found) {
        return Some(Finding::error(CHECK, sentence, remedy));
    }
    if found.mode() & 0o600 != 0o600 || access(path, Access::READ_OK | Access::WRITE_OK).is_err() {
        return Some(Finding::error(
            CHECK,
            format!(
                "{shown} cannot be read and written by its owner, {}, or not by you.",
                name(found.uid())
            ),
            format!("chmod 600 '{shown}', and run this as {}.", name(found.uid())),
        ));
    }
    (found.mode() & 0o077 != 0).then(|| {
        Finding::warning(
            CHECK,
            format!("{shown} can be read by others."),
            format!("chmod 600 '{shown}'*"),
        )
    })
}

/// Something that belongs to somebody else than the folder it is in, as when a command was run as root.
fn stranger(path: &Path, found: &Metadata) -> Option<(String, String)> {
    let folder = path.parent()?;
    let owner = folder.metadata().ok()?.uid();
    (owner != found.uid()).then(|| {
        let (shown, owner) = (path.display(), name(owner));
        (
            format!(
                "{shown} belongs to {}, its folder to {owner}: a server that runs as {owner} cannot use it.",
                name(found.uid())
            ),
            format!("sudo chown {owner} '{shown}'*\nRun commands as the server's user: sudo -u {owner} …"),
        )
    })
}

/// What is wrong with a folder that bytes of files are kept in.
pub(super) fn bytes_folder(path: &Path) -> Option<Finding> {
    const CHECK: &str = "files";
    let found = path.metadata().ok()?;
    if let Some((sentence, remedy)) = stranger(path, &found) {
        return Some(Finding::error(CHECK, sentence, remedy.replace("chown ", "chown -R ")));
    }
    access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)
        .is_err()
        .then(|| {
            let (shown, owner) = (path.display(), name(found.uid()));
            Finding::error(
                CHECK,
                format!("The files in {shown} cannot be read and written."),
                format!(
                    "The folder belongs to {owner}; the server must run as that user: sudo chown -R USER '{shown}'"
                ),
            )
        })
}

/// What a user is called.
pub(super) fn name(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let user = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| user.to_owned())
    });
    named.unwrap_or_else(|| format!("user {uid}"))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::doctor::Level;

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        set(folder.path(), 0o700);
        assert_eq!(data_folder("sogs", folder.path()).level, Level::Ok);
        set(folder.path(), 0o777);
        let finding = data_folder("sogs", folder.path());
        assert_eq!(finding.level, Level::Error);
        assert!(finding.remedy.unwrap().starts_with("chmod 700"));
    }

    #[test]
    fn a_key_is_for_its_owner_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        assert_eq!(key_file(&key), None);
        std::fs::write(&key, [1; 32]).unwrap();
        set(&key, 0o600);
        assert_eq!(key_file(&key), None);
        for mode in [0o000, 0o040, 0o644] {
            set(&key, mode);
            assert!(
                key_file(&key).unwrap().remedy.unwrap().starts_with("chmod 600"),
                "{mode:o}"
            );
        }
    }

    #[test]
    fn users_are_called_by_their_names_where_they_have_some() {
        assert_eq!(name(0), "root");
        assert_eq!(name(4_000_000_123), "user 4000000123");
    }
}
