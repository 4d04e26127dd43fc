//! The list of all files of a backup with their hashes, in the form of `sha256sum`: the bytes of files first, in the
//! order of their names, then the rest.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{ArchiveError, BLOBS};
use crate::crypto::hash::Sha256;

/// The file of the list.
pub(super) const SUMS: &str = "sums";

/// A line: the hash, and the path below the folder of the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) hash: String,
    pub(super) path: String,
}

impl Sum {
    /// Where the bytes of a file are, if this is about some.
    pub(super) fn blob(&self) -> Option<&str> {
        self.path.strip_prefix(BLOBS)?.strip_prefix('/')
    }
}

/// A list that is being written.
pub(super) struct SumsWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl SumsWriter {
    pub(super) fn new(state: &Path) -> Result<Self, ArchiveError> {
        let path = state.join(SUMS);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        Ok(Self {
            file: BufWriter::new(file.map_err(ArchiveError::io(&path))?),
            path,
        })
    }

    pub(super) fn add(&mut self, hash: &str, path: &str) -> Result<(), ArchiveError> {
        writeln!(self.file, "{hash}  {path}").map_err(ArchiveError::io(&self.path))
    }

    /// Ends the list, which is on disk then, and tells its own hash.
    pub(super) fn finish(self) -> Result<String, ArchiveError> {
        let Self { path, file } = self;
        let ended = file.into_inner().map_err(io::IntoInnerError::into_error);
        ended
            .and_then(|file| file.sync_all())
            .map_err(ArchiveError::io(&path))?;
        hash_of(&path)
    }
}

/// A list that is read line by line.
pub(super) struct Sums {
    path: PathBuf,
    lines: io::Lines<BufReader<File>>,
    /// Read, but not asked for yet.
    next: Option<Sum>,
}

impl Sums {
    pub(super) fn open(state: &Path) -> Result<Self, ArchiveError> {
        let path = state.join(SUMS);
        let file = File::open(&path).map_err(ArchiveError::io(&path))?;
        Ok(Self {
            path,
            lines: BufReader::new(file).lines(),
            next: None,
        })
    }

    pub(super) fn read(&mut self) -> Result<Option<Sum>, ArchiveError> {
        if let Some(sum) = self.next.take() {
            return Ok(Some(sum));
        }
        let Some(line) = self.lines.next() else { return Ok(None) };
        let line = line.map_err(ArchiveError::io(&self.path))?;
        match line.split_once("  ") {
            Some((hash, path)) if hash.len() == 64 && !path.is_empty() => Ok(Some(Sum {
                hash: hash.to_owned(),
                path: path.to_owned(),
            })),
            _ => Err(ArchiveError::Damaged {
                path: self.path.clone(),
                reason: "one of its lines is no hash with a name".to_owned(),
            }),
        }
    }

    /// The names of the files that are not bytes of uploaded ones.
    pub(super) fn members(mut self) -> Result<Vec<String>, ArchiveError> {
        let mut names = Vec::new();
        while let Some(sum) = self.read()? {
            if sum.blob().is_none() {
                names.extend(
                    Path::new(&sum.path)
                        .file_name()
                        .and_then(|name| name.to_str())
                        .map(str::to_owned),
                );
            }
        }
        Ok(names)
    }

    /// The hash of the bytes at this place, if they are in the list. To be asked in the order of the places.
    pub(super) fn find(&mut self, blob: &str) -> Result<Option<String>, ArchiveError> {
        while let Some(sum) = self.read()? {
            match sum.blob() {
                Some(known) if known < blob => {}
                Some(known) if known == blob => return Ok(Some(sum.hash)),
                _ => {
                    self.next = Some(sum);
                    break;
                }
            }
        }
        Ok(None)
    }
}

/// The hash of a file.
pub(super) fn hash_of(path: &Path) -> Result<String, ArchiveError> {
    let hash = || {
        let mut file = File::open(path)?;
        let (mut hash, mut buffer) = (Sha256::default(), vec![0; 128 * 1024]);
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(hash.hex());
            }
            hash.update(buffer.get(..read).unwrap_or_default());
        }
    };
    hash().map_err(ArchiveError::io(path))
}
