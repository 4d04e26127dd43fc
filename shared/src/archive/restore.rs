//! Restoring a backup: all of it is verified, then come the bytes, then the keys, then all rows in one change. One that
//! was broken off has left at most bytes without rows behind, and can simply be run again.

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};
use serde::Serialize;
use zeroize::Zeroizing;

use super::folder::{remove_database, replace};
use super::keep::{blobs_in, put};
use super::room::refuse_shortage;
use super::sums::Sums;
use super::verify::{Damage, verify};
use super::{AT_ONCE, ArchiveError, Manifest, PAGE, Progress, Server, State};
use crate::blob::BlobStore;
use crate::clock::{Clock, Timestamp};
use crate::db::{Database, DbOptions, Dialect, Thoroughness};
use crate::filing::{self, Filed, Found, count_doomed, delete_doomed, filed, meet};
use crate::key_file;
use crate::serving::keep_out;

/// What is added to the name of a configuration that comes from a backup, so that no program finds it by itself.
pub const RESTORED: &str = ".restored";

/// What to restore into.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The database; there must be nothing in it.
    pub database: &'a Database,
    /// The place for the bytes.
    pub blobs: &'a BlobStore,
    /// The data folder, where the keys are to be. It must be there.
    pub data: &'a Path,
    /// Whether to restore the rest if uploaded files are damaged in the backup.
    pub leave_out_damaged: bool,
    /// What time it is.
    pub clock: &'a Clock,
}

/// What a restore came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were left out because they have expired since.
    pub expired: u64,
    /// How many of what else there is.
    #[serde(flatten)]
    pub others: State,
    /// Ids of files that could not be restored, because their bytes are missing or damaged in the backup.
    pub damaged: Vec<String>,
    /// The server's public key, in hex.
    pub public_key: String,
    /// When the backup was made.
    pub made: String,
    /// Where the configuration and what it names were put; what is there already stays.
    pub configuration: Vec<PathBuf>,
}

/// Restores a backup into an empty database and a store, with every byte verified before anything is done.
///
/// # Errors
///
/// [`ArchiveError`]; nothing that was there is ever changed.
pub async fn restore<S: Server>(
    server: &S,
    folder: &Path,
    target: Target<'_>,
    progress: &mut (dyn Progress + Send),
) -> Result<Restored, ArchiveError> {
    let manifest = Manifest::to_restore::<S>(folder)?;
    // Held to the end, so that no server starts in the middle.
    let alone = keep_out(target.database).await?.ok_or(ArchiveError::Running)?;
    let restored = fill(server, folder, &manifest, target, progress).await;
    alone.release().await;
    restored
}

async fn fill<S: Server>(
    server: &S,
    folder: &Path,
    manifest: &Manifest,
    target: Target<'_>,
    progress: &mut (dyn Progress + Send),
) -> Result<Restored, ArchiveError> {
    let state = manifest.state_in(folder)?;
    let made = manifest.moment(folder)?;
    refuse_contents(server, target).await?;
    // Read twice, and written once.
    progress.expect(manifest.files, manifest.bytes.saturating_mul(2));
    let damage = verify(folder, manifest, progress).await?;
    if !damage.others.is_empty() || !(damage.blobs.is_empty() || target.leave_out_damaged) {
        return Err(ArchiveError::DamagedFiles(damage.names()));
    }
    let public_key = server.public_key(&state).map_err(ArchiveError::Server)?;
    let keys = missing_keys::<S>(&state, target.data)?;
    target.blobs.ping().await?;
    meet(target.database, target.blobs).await?;
    refuse_doomed(target).await?;

    let work = target.data.join("restore.work");
    remove_database(&work)?;
    let rows = open_copy::<S>(&state.join(format!("{}.db", S::NAME)), &work).await?;
    let mut restoring = Restoring {
        server,
        rows: &rows,
        saved: blobs_in(folder)?,
        target,
        now: target.clock.now(),
        restored: Restored::default(),
    };
    let copied = restoring.all(manifest, &damage, keys, made, progress).await;
    let restored = restoring.restored;
    rows.close().await;
    remove_database(&work)?;
    copied?;
    Ok(Restored {
        configuration: put_companions::<S>(&state, target.data)?,
        public_key,
        made: manifest.made.clone(),
        ..restored
    })
}

async fn refuse_contents<S: Server>(server: &S, target: Target<'_>) -> Result<(), ArchiveError> {
    let Some(what) = server.in_the_way(target.database).await? else {
        return Ok(());
    };
    let hint = match (target.database.dialect(), target.database.path()) {
        (Dialect::Sqlite, Some(path)) => format!("Move {} and what begins with its name away", path.display()),
        _ => "Drop the database and make a new one".to_owned(),
    };
    Err(ArchiveError::NotEmpty { what, hint })
}

/// What is doomed goes first: the backup may have files under the same names.
async fn refuse_doomed(target: Target<'_>) -> Result<(), ArchiveError> {
    while delete_doomed(target.database, target.blobs).await? > 0 {}
    match count_doomed(target.database).await? {
        0 => Ok(()),
        doomed => Err(ArchiveError::Doomed(doomed)),
    }
}

/// Name and content of a key file.
type KeyFile = (&'static str, Zeroizing<Vec<u8>>);

/// The keys of the backup that the data folder does not have yet.
fn missing_keys<S: Server>(state: &Path, data: &Path) -> Result<Vec<KeyFile>, ArchiveError> {
    let mut missing = Vec::new();
    for name in S::KEYS {
        let [saved, present] = [state, data].map(|place| place.join(name));
        let read = |path: &Path| fs::read(path).map(Zeroizing::new).map_err(ArchiveError::io(path));
        match (saved.exists(), present.exists()) {
            (true, false) => missing.push((*name, read(&saved)?)),
            (true, true) if *read(&saved)? == *read(&present)? => {}
            (false, false) => {}
            (_, true) => return Err(ArchiveError::OtherKey(present)),
        }
    }
    Ok(missing)
}

/// Opens a copy of the backup's database, for opening brings it up to date, and a backup stays as it is.
async fn open_copy<S: Server>(saved: &Path, work: &Path) -> Result<Database, ArchiveError> {
    let copy = || {
        fs::copy(saved, work)?;
        fs::set_permissions(work, std::os::unix::fs::PermissionsExt::from_mode(0o600))
    };
    copy().map_err(ArchiveError::io(saved))?;
    let options = DbOptions::at(format!("sqlite:{}", work.display()));
    let rows = Database::open_existing(&options, &S::MIGRATIONS).await?;
    match rows.problems(Thoroughness::Quick).await?.into_iter().next() {
        None => Ok(rows),
        Some(reason) => Err(ArchiveError::Damaged {
            path: saved.to_owned(),
            reason,
        }),
    }
}

/// Puts the configuration and what it names into the data folder, without writing over anything. Nothing is put there
/// that is not in the list, such as what some other program has left beside the database.
///
/// The configuration gets a name under which no program finds it by itself: it may name the database and the bucket of
/// the server that was backed up, and whoever tries a backup out must not come to work on those.
fn put_companions<S: Server>(state: &Path, data: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let database = format!("{}.db", S::NAME);
    let configuration = format!("{}.toml", S::NAME);
    let mut put = Vec::new();
    for name in Sums::open(state)?.members()? {
        let path = if name == configuration {
            data.join(format!("{name}{RESTORED}"))
        } else {
            data.join(&name)
        };
        if name == database || S::KEYS.contains(&name.as_str()) || path.exists() {
            continue;
        }
        let from = state.join(&name);
        replace(&path, &fs::read(&from).map_err(ArchiveError::io(&from))?)?;
        put.push(path);
    }
    Ok(put)
}

struct Restoring<'a, S> {
    server: &'a S,
    /// The rows of the backup.
    rows: &'a Database,
    /// The bytes of the backup.
    saved: BlobStore,
    target: Target<'a>,
    now: Timestamp,
    restored: Restored,
}

impl<S: Server> Restoring<'_, S> {
    async fn all(
        &mut self,
        manifest: &Manifest,
        damage: &Damage,
        keys: Vec<KeyFile>,
        made: Timestamp,
        progress: &mut (dyn Progress + Send),
    ) -> Result<(), ArchiveError> {
        if let Some(path) = self.target.blobs.local_path() {
            refuse_shortage(&[(path, manifest.bytes)])?;
        }
        self.copy(damage, progress).await?;
        for (name, key) in keys {
            key_file::create(&self.target.data.join(name), &key)?;
        }
        // With the same moment as above: what expires meanwhile gets a row, and is swept.
        let back = self.server.bring_back(self.rows, self.target.database, made, self.now);
        self.restored.others = back.await?;
        Ok(())
    }

    async fn copy(&mut self, damage: &Damage, progress: &mut (dyn Progress + Send)) -> Result<(), ArchiveError> {
        let mut after = String::new();
        loop {
            let page = filed::<S>(self.rows, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.blob);
            let (over, live): (Vec<_>, Vec<_>) = page.into_iter().partition(|file| file.is_over(self.now));
            self.restored.expired += over.len() as u64;
            let (lost, whole): (Vec<_>, Vec<_>) = live.into_iter().partition(|file| damage.blobs.contains(&file.blob));
            for file in lost {
                self.server.leave_out(self.rows, &file).await?;
                self.restored.damaged.push(file.id);
            }
            let (saved, into) = (&self.saved, self.target.blobs);
            let copies = whole.into_iter().map(|file| copy_bytes(saved, into, file));
            let mut copied = stream::iter(copies).buffered(AT_ONCE);
            while let Some(file) = copied.next().await {
                let size = file?.size();
                progress.done(size);
                self.restored.files += 1;
                self.restored.bytes += size;
            }
        }
    }
}

async fn copy_bytes(saved: &BlobStore, into: &BlobStore, file: Filed) -> Result<Filed, ArchiveError> {
    match (filing::read(saved, &file).await?, file.key()) {
        (Found::Bytes(bytes), Some(key)) => {
            put(into, &key, bytes).await?;
            Ok(file)
        }
        // No list names it, or it has changed since it was verified.
        _ => Err(ArchiveError::DamagedFiles(vec![format!(
            "{}/{}",
            super::BLOBS,
            file.blob
        )])),
    }
}
