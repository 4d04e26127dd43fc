//! Making a backup, or bringing one up to date.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::folder::{self, Folder, remove_database, replace};
use super::keep::{Stream, blobs_in, put};
use super::manifest::{MANIFEST, STATE};
use super::room::refuse_shortage;
use super::sums::{SUMS, Sums, SumsWriter, hash_of};
use super::{AT_ONCE, ArchiveError, BLOBS, Manifest, PAGE, Progress, Server, State};
use crate::blob::{BlobStore, Listed};
use crate::clock::{Clock, Timestamp};
use crate::crypto::hash::sha256_hex;
use crate::db::{Database, DbOptions};
use crate::filing::{self, Filed, Found, filed, filed_in_all};

/// What to back up.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The rows.
    pub database: &'a Database,
    /// The bytes.
    pub blobs: &'a BlobStore,
    /// The data folder, where the keys are.
    pub data: &'a Path,
    /// The configuration file and those it names, and what they are called in the backup.
    pub companions: &'a [(String, PathBuf)],
    /// What time it is.
    pub clock: &'a Clock,
}

/// What a backup came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Files in the backup.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files whose bytes were copied; those of the others were there from before.
    pub copied: u64,
    /// Blobs from before that no file has any more.
    pub removed: u64,
    /// How many of what else there is.
    #[serde(flatten)]
    pub others: State,
    /// Ids of files that are not in the backup because their bytes are missing or damaged.
    pub damaged: Vec<String>,
}

/// Backs a server up into a folder while it runs. A folder with an earlier backup of the same server is brought up to
/// date; whenever that is broken off, the folder holds the earlier backup or the new one.
///
/// # Errors
///
/// [`ArchiveError`].
pub async fn backup<S: Server>(
    server: &S,
    source: Source<'_>,
    folder: &Path,
    progress: &mut (dyn Progress + Send),
) -> Result<Made, ArchiveError> {
    let public_key = server.public_key(source.data).map_err(ArchiveError::Server)?;
    let folder = Folder::open::<S>(folder)?;
    if let Some(earlier) = &folder.earlier
        && earlier.public_key != public_key
    {
        return Err(ArchiveError::OtherServer {
            path: folder.path,
            key: earlier.public_key.clone(),
        });
    }
    let now = source.clock.now();
    let mut manifest = Manifest::begin::<S>(public_key, time(now));
    if folder.earlier.is_none() {
        manifest.write(&folder.path)?;
    }
    let blobs = blobs_in(&folder.path)?;
    // Nobody else writes here.
    blobs.clean_staging(now).await?;
    let known = match &folder.earlier {
        Some(earlier) if earlier.complete => Some(Sums::open(&earlier.state_in(&folder.path)?)?),
        _ => None,
    };
    let name = format!(
        "{STATE}{}-{:016x}",
        now.as_nanos() / 1_000_000_000,
        rand::random::<u64>()
    );
    let state = folder.path.join(&name);
    let mut made = Making {
        server,
        source,
        rows: begin::<S>(source, &state).await?,
        sums: SumsWriter::new(&state)?,
        known,
        kept: Kept::Folder { blobs: &blobs },
        now,
        made: Made::default(),
    }
    .all(&state, &name, &mut manifest, progress)
    .await?;
    folder::flush(&state)?;
    manifest.write(&folder.path)?;
    // Only now is nobody left who would want an older state and the bytes of files that are gone.
    remove_other_states(&folder.path, &name)?;
    made.removed = remove_unreferenced(&state, &blobs).await?;
    Ok(made)
}

/// Backs a server up into a stream, as a tar archive, while it runs. What is not finished lacks its last part and is
/// refused by a restore. The threads of the runtime must be several, for whoever reads may be slow.
///
/// # Errors
///
/// [`ArchiveError`].
pub async fn backup_to<S: Server>(
    server: &S,
    source: Source<'_>,
    stream: &mut (dyn Write + Send),
    progress: &mut (dyn Progress + Send),
) -> Result<Made, ArchiveError> {
    let public_key = server.public_key(source.data).map_err(ArchiveError::Server)?;
    let now = source.clock.now();
    let mut manifest = Manifest::begin::<S>(public_key, time(now));
    let name = format!("{STATE}{}", now.as_nanos() / 1_000_000_000);
    let state = source.data.join("backup.work");
    let removal = Removal(&state);
    removal.now()?;
    let making = Making {
        server,
        source,
        rows: begin::<S>(source, &state).await?,
        sums: SumsWriter::new(&state)?,
        known: None,
        kept: Kept::Stream(Stream::new(stream, now)),
        now,
        made: Made::default(),
    };
    making.all(&state, &name, &mut manifest, progress).await
}

/// Removes a folder once it is not needed any more, however that comes about.
struct Removal<'a>(&'a Path);

impl Removal<'_> {
    fn now(&self) -> Result<(), ArchiveError> {
        folder::remove_folder(self.0)
    }
}

impl Drop for Removal<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.now() {
            tracing::warn!(%error, "what a backup needed meanwhile could not be removed");
        }
    }
}

fn time(moment: Timestamp) -> String {
    humantime::format_rfc3339_nanos(moment.into()).to_string()
}

/// The database that rows are copied into at first.
fn work(state: &Path) -> PathBuf {
    state.join("rows.work")
}

/// Makes the folder of a state with the keys, the configuration and an empty database.
async fn begin<S: Server>(source: Source<'_>, state: &Path) -> Result<Database, ArchiveError> {
    folder::make(state)?;
    let keys = S::KEYS.iter().map(|name| ((*name).to_owned(), source.data.join(name)));
    let keys = keys.filter(|(_, path)| path.exists());
    for (name, path) in keys.chain(source.companions.iter().cloned()) {
        let content = zeroize::Zeroizing::new(fs::read(&path).map_err(ArchiveError::io(&path))?);
        replace(&state.join(name), &content)?;
    }
    let options = DbOptions::at(format!("sqlite:{}", work(state).display()));
    Ok(Database::open(&options, &S::MIGRATIONS).await?)
}

/// Where bytes go.
enum Kept<'a> {
    Folder { blobs: &'a BlobStore },
    Stream(Stream<'a>),
}

struct Making<'a, S> {
    server: &'a S,
    source: Source<'a>,
    /// The rows of the backup to be.
    rows: Database,
    sums: SumsWriter,
    /// The list of what was there before.
    known: Option<Sums>,
    kept: Kept<'a>,
    now: Timestamp,
    made: Made,
}

enum Outcome {
    /// The file has ended; its bytes are not wanted.
    Over,
    /// The bytes were there from before.
    There,
    Copied,
    /// The bytes are yet to go into the stream.
    Read(Bytes),
    Damaged,
}

/// What is known about the bytes of a file before they are looked at.
struct Wanted {
    file: Filed,
    /// Their hash, if they were in the last backup.
    hash: Option<String>,
}

impl<S: Server> Making<'_, S> {
    async fn all(
        mut self,
        state: &Path,
        name: &str,
        manifest: &mut Manifest,
        progress: &mut (dyn Progress + Send),
    ) -> Result<Made, ArchiveError> {
        self.source.blobs.ping().await?;
        let mut kept = filing::keep_bytes(self.source.database).await?;
        self.made.others = self.server.save(self.source.database, &self.rows, self.now).await?;
        let (files, bytes) = filed_in_all(&self.rows).await?;
        if let Kept::Folder { blobs } = &self.kept {
            refuse_shortage(&[(state, self.missing(blobs).await?)])?;
        }
        progress.expect(files, bytes);
        self.copy(progress).await?;
        if !self.made.damaged.is_empty() && !kept.still_held().await {
            return Err(ArchiveError::NotKept);
        }
        kept.release().await;
        self.finish(state, name, manifest).await
    }

    /// Bytes that have to be copied.
    async fn missing(&self, blobs: &BlobStore) -> Result<u64, ArchiveError> {
        let (mut missing, mut after) = (0_u64, String::new());
        loop {
            let page = filed::<S>(&self.rows, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(missing) };
            after.clone_from(&last.blob);
            for file in page {
                if let Some(key) = file.key()
                    && blobs.size(&key).await? != Some(file.size())
                {
                    missing = missing.saturating_add(file.size());
                }
            }
        }
    }

    async fn copy(&mut self, progress: &mut (dyn Progress + Send)) -> Result<(), ArchiveError> {
        let mut after = String::new();
        loop {
            let page = filed::<S>(&self.rows, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.blob);
            let mut wanted = Vec::new();
            for file in page {
                let hash = self
                    .known
                    .as_mut()
                    .map(|known| known.find(&file.blob))
                    .transpose()?
                    .flatten();
                wanted.push(Wanted { file, hash });
            }
            let into = match &self.kept {
                Kept::Folder { blobs } => Some(*blobs),
                Kept::Stream(_) => None,
            };
            let (server, source, now) = (self.server, self.source, self.now);
            let copies = wanted.into_iter().map(|wanted| one(server, source, into, wanted, now));
            let mut outcomes = stream::iter(copies).buffered(AT_ONCE);
            while let Some(outcome) = outcomes.next().await {
                let (file, hash, outcome) = outcome?;
                progress.done(file.size());
                self.note(file, &hash, outcome).await?;
            }
        }
    }

    async fn note(&mut self, file: Filed, hash: &str, outcome: Outcome) -> Result<(), ArchiveError> {
        let path = format!("{BLOBS}/{}", file.blob);
        match outcome {
            Outcome::Over => return Ok(()),
            Outcome::There => {}
            Outcome::Copied => self.made.copied += 1,
            Outcome::Read(bytes) => {
                if let Kept::Stream(stream) = &mut self.kept {
                    stream.add(&path, &bytes)?;
                }
                self.made.copied += 1;
            }
            Outcome::Damaged => {
                self.server.leave_out(&self.rows, &file).await?;
                self.made.damaged.push(file.id);
                return Ok(());
            }
        }
        self.made.files += 1;
        self.made.bytes += file.size();
        self.sums.add(hash, &path)
    }

    /// Writes the database and the list, and, into a stream, all of the state and the manifest.
    async fn finish(self, state: &Path, name: &str, manifest: &mut Manifest) -> Result<Made, ArchiveError> {
        let Self {
            rows,
            mut sums,
            kept,
            made,
            ..
        } = self;
        let database = state.join(format!("{}.db", S::NAME));
        remove_database(&database)?;
        rows.copy_to(&database).await?;
        rows.close().await;
        remove_database(&work(state))?;
        let members = members(state)?;
        for member in &members {
            sums.add(&hash_of(&state.join(member))?, &format!("{name}/{member}"))?;
        }
        manifest.sums = sums.finish()?;
        manifest.state = name.to_owned();
        manifest.complete = true;
        (manifest.files, manifest.bytes) = (made.files, made.bytes);
        manifest.others.clone_from(&made.others);
        if let Kept::Stream(mut stream) = kept {
            for member in members.iter().map(String::as_str).chain([SUMS]) {
                stream.add_file(&format!("{name}/{member}"), &state.join(member))?;
            }
            stream.add(MANIFEST, &manifest.to_text())?;
            stream.finish()?;
        }
        Ok(made)
    }
}

/// Sees to the bytes of one file, and tells their hash; an empty one if the file has ended and they are not wanted.
async fn one<S: Server>(
    server: &S,
    source: Source<'_>,
    into: Option<&BlobStore>,
    wanted: Wanted,
    now: Timestamp,
) -> Result<(Filed, String, Outcome), ArchiveError> {
    let Wanted { file, hash } = wanted;
    if file.is_over(now) {
        return Ok((file, String::new(), Outcome::Over));
    }
    if let Some(blobs) = into
        && let Some(key) = file.key()
        && blobs.size(&key).await?.is_some()
    {
        if let Some(hash) = hash
            && blobs.size(&key).await? == Some(file.size())
        {
            return Ok((file, hash, Outcome::There));
        }
        // Left by a backup that was broken off: right, but in no list.
        if let Found::Bytes(bytes) = filing::read(blobs, &file).await?
            && server.is_whole(&file, &bytes).await
        {
            return Ok((file, sha256_hex(&bytes), Outcome::There));
        }
        blobs.delete(&key).await?;
    }
    let Found::Bytes(bytes) = filing::read(source.blobs, &file).await? else {
        return Ok((file, String::new(), Outcome::Damaged));
    };
    if !server.is_whole(&file, &bytes).await {
        return Ok((file, String::new(), Outcome::Damaged));
    }
    let hash = sha256_hex(&bytes);
    match (into, file.key()) {
        (Some(blobs), Some(key)) => {
            put(blobs, &key, bytes).await?;
            Ok((file, hash, Outcome::Copied))
        }
        _ => Ok((file, hash, Outcome::Read(bytes))),
    }
}

/// The names of all files of a state but the list of them, in order.
fn members(state: &Path) -> Result<Vec<String>, ArchiveError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(state).map_err(ArchiveError::io(state))? {
        let name = entry.map_err(ArchiveError::io(state))?.file_name();
        names.extend(name.into_string().ok().filter(|name| name != SUMS));
    }
    names.sort_unstable();
    Ok(names)
}

fn remove_other_states(folder: &Path, current: &str) -> Result<(), ArchiveError> {
    for entry in fs::read_dir(folder).map_err(ArchiveError::io(folder))? {
        let name = entry.map_err(ArchiveError::io(folder))?.file_name();
        if name
            .to_str()
            .is_some_and(|name| name.starts_with(STATE) && name != current)
        {
            folder::remove_folder(&folder.join(name))?;
        }
    }
    Ok(())
}

/// Removes bytes that the list of a state does not name. Both are in the same order.
async fn remove_unreferenced(state: &Path, blobs: &BlobStore) -> Result<u64, ArchiveError> {
    let mut sums = Sums::open(state)?;
    let mut removed = 0;
    let mut listed = blobs.list_after(None);
    while let Some(found) = listed.next().await {
        if let Listed::Blob(blob) = found?
            && sums.find(blob.key.as_str())?.is_none()
        {
            blobs.delete(&blob.key).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
