//! Making a backup, or bringing one up to date.

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};
use serde::Serialize;
use shared::blob::{BlobError, BlobOptions, BlobStore, Listed};
use shared::clock::Clock;
use shared::db::DbOptions;
use shared::filing::without_row;

use super::folder::{Folder, put_in_place, remove_database, replace, with_suffix};
use super::{AT_ONCE, ArchiveError, BLOBS, CONFIGURATION, DATABASE, Manifest, PAGE, Progress};
use crate::files::Files;
use crate::keys::{KEY_FILES, Keys};
use crate::store::{FileRow, Store};
use crate::verify::{Verdict, verify};

/// What to back up.
#[derive(Clone, Copy)]
pub struct Backup<'a> {
    /// The files.
    pub files: &'a Files,
    /// The data folder, where the keys are.
    pub data: &'a Path,
    /// The configuration file.
    pub configuration: Option<&'a Path>,
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
    /// Blocked ids in the backup.
    pub blocked: u64,
    /// Files whose bytes were copied; those of the others were there from before.
    pub copied: u64,
    /// Blobs from before that no file has any more.
    pub removed: u64,
    /// Ids of files that are not in the backup because their bytes are missing or damaged.
    pub damaged: Vec<String>,
}

/// Backs a server up into a folder while it runs. A folder with an earlier backup of the same server is brought up to
/// date; whenever that is broken off, the folder holds the earlier backup or the new one.
///
/// # Errors
///
/// [`ArchiveError`].
pub async fn backup(
    source: Backup<'_>,
    folder: &Path,
    progress: &mut (dyn Progress + Send),
) -> Result<Made, ArchiveError> {
    let keys = Keys::read(source.data)?;
    let public_key = keys.onion.public().to_string();
    let folder = Folder::open(folder)?;
    if let Some(earlier) = &folder.earlier
        && earlier.public_key != public_key
    {
        return Err(ArchiveError::OtherServer {
            path: folder.path,
            key: earlier.public_key.clone(),
        });
    }
    source.files.blobs().ping().await?;
    let now = source.clock.now();
    let made = humantime::format_rfc3339_seconds(now.into()).to_string();
    let mut manifest = Manifest::begin(public_key, made);
    if folder.earlier.is_none() {
        manifest.write(&folder.path)?;
    }
    copy_small_files(source, &folder.path)?;

    let blobs = blobs_in(&folder.path)?;
    blobs.clean_staging(now).await?;
    let database = folder.path.join(DATABASE);
    let work = with_suffix(&database, ".work");
    remove_database(&work)?;
    let rows = Store::open(&DbOptions::at(format!("sqlite:{}", work.display()))).await?;
    let copied = source.files.store().copy_into(&rows, now).await?;
    progress.expect(copied.files, copied.bytes);
    let mut copying = Copying {
        source,
        rows: &rows,
        blobs: &blobs,
        made: Made {
            blocked: copied.blocked,
            ..Made::default()
        },
    };
    copying.all(progress).await?;
    let mut made = copying.made;

    let draft = with_suffix(&database, ".new");
    remove_database(&draft)?;
    rows.database().copy_to(&draft).await?;
    put_in_place(&draft, &database)?;
    manifest.complete = true;
    (manifest.files, manifest.bytes, manifest.blocked) = (made.files, made.bytes, made.blocked);
    manifest.write(&folder.path)?;
    // Only now is nobody left who would want the bytes of files that are gone.
    made.removed = remove_unreferenced(&rows, &blobs).await?;
    rows.database().close().await;
    remove_database(&work)?;
    Ok(made)
}

/// The blobs of a backup.
pub(super) fn blobs_in(folder: &Path) -> Result<BlobStore, BlobError> {
    BlobStore::open(&BlobOptions::at(format!("file:{}", folder.join(BLOBS).display())))
}

fn copy_small_files(source: Backup<'_>, folder: &Path) -> Result<(), ArchiveError> {
    let keys = KEY_FILES.iter().map(|name| (source.data.join(name), *name));
    let configuration = source.configuration.map(|path| (path.to_owned(), CONFIGURATION));
    let files: Vec<(PathBuf, &str)> = keys.filter(|(path, _)| path.exists()).chain(configuration).collect();
    for (path, name) in files {
        let content = zeroize::Zeroizing::new(fs::read(&path).map_err(ArchiveError::io(&path))?);
        replace(&folder.join(name), &content)?;
    }
    Ok(())
}

struct Copying<'a> {
    source: Backup<'a>,
    /// The rows of the backup to be.
    rows: &'a Store,
    /// Its bytes.
    blobs: &'a BlobStore,
    made: Made,
}

enum Outcome {
    /// The bytes were there from before.
    There(FileRow),
    Copied(FileRow),
    /// The file is gone by now.
    Gone(FileRow),
    Damaged(FileRow),
}

impl Copying<'_> {
    async fn all(&mut self, progress: &mut (dyn Progress + Send)) -> Result<(), ArchiveError> {
        let mut after = String::new();
        loop {
            let page = self.rows.page(&after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.id);
            let sizes: Vec<u64> = page.iter().map(|row| row.size).collect();
            let outcomes: Vec<_> = stream::iter(page.into_iter().map(|row| self.one(row)))
                .buffered(AT_ONCE)
                .collect()
                .await;
            for (outcome, size) in outcomes.into_iter().zip(sizes) {
                self.note(outcome?).await?;
                progress.done(size);
            }
        }
    }

    /// Copies the bytes of one file, unless they are there.
    async fn one(&self, mut row: FileRow) -> Result<Outcome, ArchiveError> {
        loop {
            let Ok(key) = row.blob.parse() else {
                return Ok(Outcome::Damaged(row));
            };
            match self.blobs.size(&key).await? {
                Some(size) if size == row.size => return Ok(Outcome::There(row)),
                Some(_) => self.blobs.delete(&key).await?,
                None => {}
            }
            if let Verdict::Whole(bytes) = verify(self.source.files.blobs(), &row).await? {
                self.blobs.put(&key, bytes).await?;
                return Ok(Outcome::Copied(row));
            }
            // Deleted since the snapshot, or the same bytes were uploaded anew; or really damaged.
            match self.source.files.store().row(&row.id).await? {
                Some(newer) if newer.blob != row.blob => {
                    self.rows.catch_up(&newer).await?;
                    row = newer;
                }
                Some(_) => return Ok(Outcome::Damaged(row)),
                None => return Ok(Outcome::Gone(row)),
            }
        }
    }

    async fn note(&mut self, outcome: Outcome) -> Result<(), ArchiveError> {
        match outcome {
            Outcome::There(row) => self.count(&row),
            Outcome::Copied(row) => {
                self.count(&row);
                self.made.copied += 1;
            }
            Outcome::Gone(row) => drop(self.rows.remove_row(&row.id, &row.blob).await?),
            Outcome::Damaged(row) => {
                self.rows.remove_row(&row.id, &row.blob).await?;
                self.made.damaged.push(row.id);
            }
        }
        Ok(())
    }

    fn count(&mut self, row: &FileRow) {
        self.made.files += 1;
        self.made.bytes += row.size;
    }
}

async fn remove_unreferenced(rows: &Store, blobs: &BlobStore) -> Result<u64, ArchiveError> {
    let mut removed = 0;
    let mut listed = blobs.list().chunks(PAGE as usize);
    while let Some(page) = listed.next().await {
        let page: Vec<_> = page.into_iter().collect::<Result<_, BlobError>>()?;
        let keys = page.into_iter().filter_map(|listed| match listed {
            Listed::Blob(blob) => Some(blob.key.to_string()),
            Listed::Foreign(_) => None,
        });
        for key in without_row(rows.database(), &keys.collect::<Vec<_>>()).await? {
            if let Ok(key) = key.parse() {
                blobs.delete(&key).await?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}
