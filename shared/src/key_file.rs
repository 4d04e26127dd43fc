//! Files that hold a secret key: made with mode 0600, refused when others may read them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The most bytes that a key file can sensibly have: 64 bytes in hex, and a line end.
const MOST: u64 = 256;

/// A key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error(
        "cannot use the key file {}; it and its folder must belong to the user that the server runs as, and so must you: \
         sudo -u USER",
        path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read it.
    #[error("the key file {} can be read by others; run: chmod 600 '{}'", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It holds something else than a key.
    #[error(
        "{} is not a key file: it must hold {bytes} bytes, or {} hex digits, but {found}",
        path.display(),
        bytes * 2
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The number of bytes that a key has.
        bytes: usize,
        /// What it holds.
        found: String,
    },
    /// There is none, but a folder close by has one.
    #[error(
        "there is no key in {data}, but there is one in {other}. If that is the data folder of this server, give --data \
         {other}: a new key would make a second server, to which no link leads. If you do want a second one, {program} \
         --data {data} key new makes its key",
        data = data.display(),
        other = other.display()
    )]
    Elsewhere {
        /// The data folder.
        data: PathBuf,
        /// The folder that has one.
        other: PathBuf,
        /// The program that wants one.
        program: &'static str,
    },
    /// There is one already.
    #[error(
        "there is a key already, and clients know the server by it, so it stays: {}. `key show` prints its public side; \
         only if nobody uses the server yet, move the file away and try again",
        path.display()
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a key of `N` bytes, raw or in hex with an optional line end. `None` if there is no such file.
///
/// # Errors
///
/// [`KeyFileError`] with what to do about it.
pub fn read<const N: usize>(path: &Path) -> Result<Option<Zeroizing<[u8; N]>>, KeyFileError> {
    let io = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    if file.metadata().map_err(io)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned() });
    }
    // Room for everything from the start: growing would leave copies of the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST).unwrap_or(0) + 1));
    file.take(MOST).read_to_end(&mut text).map_err(io)?;
    let mut key = Zeroizing::new([0; N]);
    if text.len() == N {
        key.copy_from_slice(&text);
        return Ok(Some(key));
    }
    let digits = text.trim_ascii_end();
    hex::decode_to_slice(digits, key.as_mut_slice()).map_err(|_| KeyFileError::Shape {
        path: path.to_owned(),
        bytes: N,
        found: format!("it holds {} bytes", text.len()),
    })?;
    Ok(Some(key))
}

/// Writes a new key: to a file beside it first, which is flushed to disk and then gets its name, so that a crash leaves
/// no half of a key. Never replaces a key.
///
/// # Errors
///
/// [`KeyFileError::Exists`] if there is one already, or when it cannot be written.
pub fn create(path: &Path, key: &[u8]) -> Result<(), KeyFileError> {
    let io = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    // A name of its own, so that two that start at the same time do not write into one draft.
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", hex::encode(crate::crypto::random::<8>())));
    let draft = PathBuf::from(draft);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(io)?;
    file.write_all(key).and_then(|()| file.sync_all()).map_err(io)?;
    // A hard link, unlike a rename, fails when the name is taken.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft).map_err(io)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(KeyFileError::Exists { path: path.to_owned() })
        }
        linked => linked.map_err(io),
    }?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

/// Refuses to let a first start make a key in a data folder if there is one in a folder inside or around it: one of the
/// two is a mistake, and with a new key and an empty database every link would be dead. `name` is the file of the key.
///
/// # Errors
///
/// [`KeyFileError::Elsewhere`].
pub fn refuse_second(data: &Path, program: &'static str, name: &str) -> Result<(), KeyFileError> {
    let has_key = |folder: &Path| folder.join(name).exists();
    if has_key(data) {
        return Ok(());
    }
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    // Where programs put their data that are told of no folder: `data/sogs` below the one that they run in.
    let inside = [data.join("data"), data.join("data").join(program)];
    let around = data.ancestors().skip(1).take(2).map(Path::to_owned);
    match inside.into_iter().chain(around).find(|folder| has_key(folder)) {
        None => Ok(()),
        Some(other) => Err(KeyFileError::Elsewhere { data, other, program }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn write(path: &Path, text: &[u8], mode: u32) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_key_is_for_its_owner_only_and_is_read_back() {
        let folder = folder();
        let path = folder.path().join("key");
        create(&path, &[7; 32]).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*read::<32>(&path).unwrap().unwrap(), [7; 32]);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "the draft is gone"
        );
    }

    #[test]
    fn of_many_that_make_a_key_at_the_same_time_one_succeeds_and_its_key_stays() {
        for _ in 0..20 {
            let folder = folder();
            let path = folder.path().join("key");
            let made: Vec<u8> = std::thread::scope(|scope| {
                let threads: Vec<_> = (1..=8_u8)
                    .map(|key| {
                        (
                            key,
                            scope.spawn({
                                let path = &path;
                                move || create(path, &[key; 32])
                            }),
                        )
                    })
                    .collect();
                threads
                    .into_iter()
                    .filter_map(|(key, thread)| match thread.join().unwrap() {
                        Ok(()) => Some(key),
                        Err(error) => {
                            assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
                            None
                        }
                    })
                    .collect()
            });
            assert_eq!(made.len(), 1);
            assert_eq!(*read::<32>(&path).unwrap().unwrap(), [made[0]; 32]);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        }
    }

    #[test]
    fn a_key_is_never_replaced() {
        let folder = folder();
        let path = folder.path().join("key");
        create(&path, &[7; 32]).unwrap();
        assert!(matches!(create(&path, &[8; 32]), Err(KeyFileError::Exists { .. })));
        assert_eq!(*read::<32>(&path).unwrap().unwrap(), [7; 32]);
    }

    #[test]
    fn hex_with_a_line_end_is_a_key_too() {
        let folder = folder();
        let path = folder.path().join("key");
        write(&path, format!("{}\n", "0a".repeat(32)).as_bytes(), 0o600);
        assert_eq!(*read::<32>(&path).unwrap().unwrap(), [10; 32]);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_with_the_command_that_mends_it() {
        let folder = folder();
        let path = folder.path().join("key");
        write(&path, &[7; 32], 0o640);
        assert!(read::<32>(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn anything_else_is_no_key() {
        let folder = folder();
        let path = folder.path().join("key");
        for text in [&b""[..], &[1; 31], &[1; 33], &[b'g'; 64], &[b'0'; 66], &[0; 5000]] {
            write(&path, text, 0o600);
            assert!(
                matches!(read::<32>(&path), Err(KeyFileError::Shape { .. })),
                "{} bytes",
                text.len()
            );
        }
        std::fs::remove_file(&path).unwrap();
        assert!(read::<32>(&path).unwrap().is_none());
    }
}
