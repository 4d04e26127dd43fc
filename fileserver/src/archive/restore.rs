//! Restoring a backup: the key, then the bytes, then all rows in one change. One that was broken off has left at most
//! bytes without rows behind, and can simply be run again.

use std::fs;
use std::path::Path;

use futures_util::{StreamExt, stream};
use serde::Serialize;
use shared::blob::{BlobError, BlobStore};
use shared::clock::Clock;
use shared::db::{DbOptions, Dialect};
use shared::filing::{count_doomed, meet};
use shared::key_file;
use zeroize::Zeroizing;

use super::backup::blobs_in;
use super::folder::remove_database;
use super::{AT_ONCE, ArchiveError, DATABASE, Manifest, PAGE, Progress};
use crate::files::Files;
use crate::jobs::LEASE;
use crate::keys::{KEY_FILES, Keys};
use crate::store::{FileRow, Store};
use crate::verify::{Verdict, verify};

/// What to restore into.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The files; there must be none.
    pub files: &'a Files,
    /// The data folder, where the keys are to be. It must be there.
    pub data: &'a Path,
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
    /// Blocked ids.
    pub blocked: u64,
    /// Ids of files that could not be restored, because their bytes are missing or damaged in the backup.
    pub damaged: Vec<String>,
    /// The server's public key, in hex.
    pub public_key: String,
    /// When the backup was made.
    pub made: String,
}

/// Restores a backup into an empty database and a store, with every byte verified.
///
/// # Errors
///
/// [`ArchiveError`]; nothing that was there is ever changed.
pub async fn restore(
    folder: &Path,
    target: Target<'_>,
    progress: &mut (dyn Progress + Send),
) -> Result<Restored, ArchiveError> {
    let manifest = Manifest::to_restore(folder)?;
    // Held to the end, so that no server starts in the middle.
    let lease = target.files.store().database().lease(LEASE).await?;
    let _lease = lease.ok_or(ArchiveError::Running)?;
    target.files.blobs().ping().await?;
    meet(target.files.store().database(), target.files.blobs()).await?;
    // What is doomed or expired goes first: it must neither count nor be deleted later.
    target.files.sweep().await?;
    match count_doomed(target.files.store().database()).await? {
        0 => {}
        doomed => return Err(ArchiveError::Doomed(doomed)),
    }
    refuse_files(target).await?;
    let keys = missing_keys(folder, target.data)?;

    let work = target.data.join("restore.db");
    remove_database(&work)?;
    let rows = open_copy(&folder.join(DATABASE), &work).await?;
    for (name, key) in keys {
        key_file::create(&target.data.join(name), &key)?;
    }
    let restored = copy(folder, &rows, target, progress).await;
    rows.database().close().await;
    remove_database(&work)?;
    let restored = restored?;
    Ok(Restored {
        public_key: Keys::read(target.data)?.onion.public().to_string(),
        made: manifest.made,
        ..restored
    })
}

async fn refuse_files(target: Target<'_>) -> Result<(), ArchiveError> {
    let store = target.files.store();
    let files = store.count().await?;
    if files == 0 {
        return Ok(());
    }
    let hint = match (store.database().dialect(), store.database().path()) {
        (Dialect::Sqlite, Some(path)) => format!("Move {} and what begins with its name away", path.display()),
        _ => "Drop the database and make a new one".to_owned(),
    };
    Err(ArchiveError::NotEmpty { files, hint })
}

/// Name and content of a key file.
type KeyFile = (&'static str, Zeroizing<Vec<u8>>);

/// The keys of the backup that the data folder does not have yet.
fn missing_keys(folder: &Path, data: &Path) -> Result<Vec<KeyFile>, ArchiveError> {
    // That the keys of the backup are sound is found out before anything is done.
    Keys::read(folder)?;
    let mut missing = Vec::new();
    for name in KEY_FILES {
        let [saved, present] = [folder, data].map(|place| place.join(name));
        let read = |path: &Path| fs::read(path).map(Zeroizing::new).map_err(ArchiveError::io(path));
        match (saved.exists(), present.exists()) {
            (true, false) => missing.push((name, read(&saved)?)),
            (true, true) if *read(&saved)? == *read(&present)? => {}
            (false, false) => {}
            (_, true) => return Err(ArchiveError::OtherKey(present)),
        }
    }
    Ok(missing)
}

/// Opens a copy of the backup's database, for opening brings it up to date, and a backup stays as it is.
async fn open_copy(saved: &Path, work: &Path) -> Result<Store, ArchiveError> {
    let copy = || {
        fs::copy(saved, work)?;
        fs::set_permissions(work, std::os::unix::fs::PermissionsExt::from_mode(0o600))
    };
    copy().map_err(ArchiveError::io(saved))?;
    let rows = Store::open_existing(&DbOptions::at(format!("sqlite:{}", work.display()))).await?;
    if let Some(problem) = rows
        .database()
        .problems(shared::db::Thoroughness::Quick)
        .await?
        .into_iter()
        .next()
    {
        return Err(ArchiveError::Damaged {
            path: saved.to_owned(),
            reason: problem,
        });
    }
    Ok(rows)
}

async fn copy(
    folder: &Path,
    rows: &Store,
    target: Target<'_>,
    progress: &mut (dyn Progress + Send),
) -> Result<Restored, ArchiveError> {
    let now = target.clock.now();
    let saved = blobs_in(folder)?;
    let mut damaged = Vec::new();
    progress.expect(rows.count().await?, rows.total_bytes().await?);
    let mut after = String::new();
    loop {
        let page = rows.page(&after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        let copies = page.into_iter().map(|row| async {
            let whole = row.expires <= now || copy_bytes(&saved, target.files.blobs(), &row).await?;
            Ok::<_, ArchiveError>((row, whole))
        });
        let outcomes: Vec<_> = stream::iter(copies).buffered(AT_ONCE).collect().await;
        for outcome in outcomes {
            let (row, whole) = outcome?;
            progress.done(row.size);
            if !whole {
                rows.remove_row(&row.id, &row.blob).await?;
                damaged.push(row.id);
            }
        }
    }
    // With the same moment as above: what expires meanwhile gets a row, and is swept.
    let copied = rows.copy_into(target.files.store(), now).await?;
    Ok(Restored {
        files: copied.files,
        bytes: copied.bytes,
        expired: copied.expired,
        blocked: copied.blocked,
        damaged,
        ..Restored::default()
    })
}

/// Copies the bytes of a file if they are whole; the answer says so.
async fn copy_bytes(saved: &BlobStore, target: &BlobStore, row: &FileRow) -> Result<bool, ArchiveError> {
    let (Verdict::Whole(bytes), Ok(key)) = (verify(saved, row).await?, row.blob.parse()) else {
        return Ok(false);
    };
    match target.put(&key, bytes.clone()).await {
        Err(BlobError::Exists(_)) => {}
        put => return put.map(|()| true).map_err(Into::into),
    }
    // An earlier attempt may have left it; the same name has the same bytes, unless they are damaged.
    if !matches!(verify(target, row).await?, Verdict::Whole(_)) {
        target.delete(&key).await?;
        target.put(&key, bytes).await?;
    }
    Ok(true)
}
