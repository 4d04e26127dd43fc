//! What the local directory needs beyond what the object store does for it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use tokio::task::spawn_blocking;

use super::key::OWNER;
use super::{BlobError, BlobKey, BlobMeta, Listed};
use crate::clock::Timestamp;

/// Large enough that the way to the thread pool and back hardly counts, small enough for a thousand slow readers, each of
/// whom has a chunk waiting.
const CHUNK: u64 = 128 * 1024;
const LISTED_AHEAD: usize = 1024;

/// What is written to find out whether anything can be.
const PROBE: &str = "ping#0";

/// Makes the directory, for its owner only, unless it is there.
pub(super) fn ensure_directory(path: &Path) -> Result<PathBuf, BlobError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(BlobError::directory(path))?;
    path.canonicalize().map_err(BlobError::directory(path))
}

/// Whether files can be made in the directory.
pub(super) fn check_writable(root: &Path) -> Result<(), BlobError> {
    // It goes with the leftovers of uploads if it stays behind.
    let path = root.join(PROBE);
    let made = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
    made.map_err(BlobError::directory(root))?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BlobError::directory(path)(error)),
        _ => Ok(()),
    }
}

/// Appends a part of an open file to a buffer without a copy in between.
pub(super) async fn read_into(
    key: BlobKey,
    mut file: File,
    range: Range<u64>,
    mut buffer: Vec<u8>,
) -> Result<Vec<u8>, BlobError> {
    let read = blocking(move || {
        let length = range.end - range.start;
        let before = buffer.len();
        file.seek(SeekFrom::Start(range.start))?;
        buffer.reserve(usize::try_from(length).map_err(io::Error::other)?);
        file.take(length).read_to_end(&mut buffer)?;
        let is_whole = u64::try_from(buffer.len() - before).is_ok_and(|read| read == length);
        if is_whole {
            Ok(buffer)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    });
    read.await.map_err(|error| BlobError::from_io(&key, error))
}

/// A part of an open file, for a reader who does not mind to wait for the disk; none if the system has no room for it.
pub(super) fn reader(file: &File, range: &Range<u64>) -> Option<Box<dyn Read + Send>> {
    let mut file = file.try_clone().ok()?;
    file.seek(SeekFrom::Start(range.start)).ok()?;
    Some(Box::new(file.take(range.end - range.start)))
}

/// The bytes of an open file, piece by piece.
pub(super) fn stream(key: BlobKey, mut file: File, range: Range<u64>) -> BoxStream<'static, Result<Bytes, BlobError>> {
    let start = async move {
        let file = blocking(move || file.seek(SeekFrom::Start(range.start)).map(|_| file)).await?;
        Ok::<_, io::Error>(stream::try_unfold(
            (file, range.end - range.start),
            |(file, left)| async move {
                if left == 0 {
                    return Ok(None);
                }
                let (file, chunk) = blocking(move || read_chunk(file, left.min(CHUNK))).await?;
                let left = left - chunk.len() as u64;
                Ok(Some((chunk, (file, left))))
            },
        ))
    };
    stream::once(start)
        .try_flatten()
        .map_err(move |error| BlobError::from_io(&key, error))
        .boxed()
}

fn read_chunk(mut file: File, length: u64) -> io::Result<(File, Bytes)> {
    let mut chunk = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    (&mut file).take(length).read_to_end(&mut chunk)?;
    if chunk.is_empty() {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else {
        Ok((file, chunk.into()))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Everything in the directory after a key, in the order of the names. What cannot be read, or is not a file of ours, is
/// named and passed over.
pub(super) fn list(root: PathBuf, after: Option<BlobKey>) -> BoxStream<'static, Result<Listed, BlobError>> {
    let (found, listed) = tokio::sync::mpsc::channel(LISTED_AHEAD);
    spawn_blocking(move || {
        let walked = walk(&root, &root, after.as_ref(), &mut |entry| {
            let listed = match entry {
                Entry::Blob(meta) => Listed::Blob(meta),
                Entry::Foreign(name) => Listed::Foreign(name),
                Entry::Leftover { .. } => return ControlFlow::Continue(()),
            };
            if found.blocking_send(Ok(listed)).is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if let Err(error) = walked {
            let _ = found.blocking_send(Err(BlobError::directory(root)(error)));
        }
    });
    stream::unfold(listed, |mut listed| async { Some((listed.recv().await?, listed)) }).boxed()
}

/// Removes what interrupted uploads have left behind, if it was last written before `older_than`; says how many there
/// were.
pub(super) fn clean_staging(root: &Path, older_than: Timestamp) -> io::Result<usize> {
    let mut leftovers = Vec::new();
    let _ = walk(root, root, None, &mut |entry| {
        if let Entry::Leftover { path, modified } = entry
            && modified < older_than
        {
            leftovers.push(path);
        }
        ControlFlow::Continue(())
    })?;
    let mut count = 0;
    for path in leftovers {
        match fs::remove_file(path) {
            Ok(()) => count += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

enum Entry {
    Blob(BlobMeta),
    /// Bytes on their way to becoming a blob, or left behind on it: the object store calls them `KEY#NUMBER`.
    Leftover {
        path: PathBuf,
        modified: Timestamp,
    },
    Foreign(String),
}

fn walk(
    root: &Path,
    directory: &Path,
    after: Option<&BlobKey>,
    visit: &mut impl FnMut(Entry) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    for (name, entry) in sorted(root, directory)? {
        let path = entry.path();
        let flow = if name.ends_with('/') {
            // Nothing in a directory comes after a key that all its names come before.
            if after.is_some_and(|after| !after.as_str().starts_with(&name) && name.as_str() < after.as_str()) {
                continue;
            }
            match walk(root, &path, after, visit) {
                Ok(flow) => flow,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // For instance the lost+found of a file system of its own.
                Err(_) => visit(Entry::Foreign(name.trim_end_matches('/').to_owned())),
            }
        } else {
            if after.is_some_and(|after| name.as_str() <= after.as_str()) {
                continue;
            }
            match classify(name, entry.metadata(), path)? {
                Some(entry) => visit(entry),
                None => continue,
            }
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// What is in a directory, by name from the root on. Names of directories end in a slash, which sorts them as S3 does.
fn sorted(root: &Path, directory: &Path) -> io::Result<Vec<(String, fs::DirEntry)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let mut name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            name.push('/');
        }
        entries.push((name, entry));
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(entries)
}

/// What a file is, or nothing if it has gone in the meantime or says whose blobs these are.
fn classify(name: String, metadata: io::Result<fs::Metadata>, path: PathBuf) -> io::Result<Option<Entry>> {
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let modified = Timestamp::from(metadata.modified()?);
    if !metadata.is_file() {
        return Ok(Some(Entry::Foreign(name)));
    }
    if name == OWNER {
        return Ok(None);
    }
    if let Ok(key) = name.parse() {
        return Ok(Some(Entry::Blob(BlobMeta {
            key,
            size: metadata.len(),
            modified,
        })));
    }
    Ok(Some(if is_leftover(&name) {
        Entry::Leftover { path, modified }
    } else {
        Entry::Foreign(name)
    }))
}

fn is_leftover(name: &str) -> bool {
    let of_upload = name.rsplit_once('#').is_some_and(|(key, number)| {
        (key == OWNER || key.parse::<BlobKey>().is_ok())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    of_upload || name == PROBE
}
