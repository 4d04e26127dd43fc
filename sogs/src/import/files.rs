//! Attachments and room images: looked for on the disk first, then copied, then given their rows.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use shared::blob::{BlobError, BlobKey, BlobStore};
use shared::crypto::hash::blake2b;
use shared::db::PerDialect;
use shared::run;

use super::copying::Copying;
use super::database::OldDatabase;
use super::report::{Check, Report};
use super::rows::{nanos, without_nul};
use super::schema::Shape;
use super::{ImportError, PAGE, Progress};

/// Files that are copied at the same time.
const AT_ONCE: usize = 4;

/// The path of an upload that is under way.
const UNDER_WAY: &str = "tmp";

#[derive(Clone, sqlx::FromRow)]
pub(super) struct OldFile {
    id: i64,
    room: Option<i64>,
    uploader: Option<i64>,
    message: Option<i64>,
    size: i64,
    uploaded: f64,
    expiry: Option<f64>,
    filename: Option<String>,
    path: String,
}

#[derive(Serialize)]
struct NewFile {
    id: i64,
    room: i64,
    uploader: Option<i64>,
    message: Option<i64>,
    size: i64,
    uploaded: i64,
    expiry: Option<i64>,
    filename: Option<String>,
    blob: Option<String>,
}

#[derive(Serialize, sqlx::FromRow)]
struct FormerId {
    room: i64,
    id: i64,
    file: i64,
}

/// What was found on the disk.
#[derive(Debug, Default)]
pub(super) struct Found {
    missing: HashSet<i64>,
    /// Sizes that are not those of the rows.
    sizes: HashMap<i64, i64>,
    /// Files that are taken over.
    files: u64,
    pub(super) bytes: u64,
}

/// Where the old server's files are.
pub(super) struct Disk<'a> {
    pub(super) folder: &'a Path,
    pub(super) allow_outside: bool,
}

macro_rules! files {
    ($message:literal) => {
        concat!(
            "SELECT id, (SELECT rooms.id FROM rooms WHERE rooms.id = files.room) AS room,
                (SELECT users.id FROM users WHERE users.id = files.uploader) AS uploader, ",
            $message,
            " AS message, CAST(size AS BIGINT) AS size, COALESCE(",
            seconds!("uploaded"),
            ", 0.0) AS uploaded, ",
            seconds!("expiry"),
            " AS expiry, CAST(filename AS TEXT) AS filename,
                COALESCE(CAST(path AS TEXT), 'tmp') AS path
            FROM files
            WHERE id > $1
            ORDER BY id
            LIMIT $2"
        )
    };
}

const FILES: &str = files!("(SELECT messages.id FROM messages WHERE messages.id = files.message)");

const FILES_ALONE: &str = files!("CAST(NULL AS BIGINT)");

const FORMER: &str = "SELECT former.room AS room, CAST(former.old_file_id AS BIGINT) AS id, former.file AS file
    FROM file_id_hacks AS former
    WHERE (former.room, CAST(former.old_file_id AS BIGINT)) > ($1, $2)
      AND EXISTS (SELECT 1 FROM rooms WHERE rooms.id = former.room)
      AND EXISTS (SELECT 1 FROM files WHERE files.id = former.file)
    ORDER BY former.room, CAST(former.old_file_id AS BIGINT)
    LIMIT $3";

const ADD_FILES: PerDialect = insert!(
    "files"; id int, room int, uploader int, message int, size int, uploaded int, expiry int, filename text, blob text; ""
);

const ADD_FORMER: PerDialect = PerDialect {
    sqlite: "INSERT INTO former_file_ids (room, id, file)
        SELECT value ->> 'room', value ->> 'id', value ->> 'file'
        FROM json_each($1)
        WHERE EXISTS (SELECT 1 FROM files WHERE files.id = value ->> 'file')
        ON CONFLICT DO NOTHING",
    postgres: "INSERT INTO former_file_ids (room, id, file)
        SELECT room, id, file
        FROM json_to_recordset(CAST($1 AS json)) AS given (room BIGINT, id BIGINT, file BIGINT)
        WHERE EXISTS (SELECT 1 FROM files WHERE files.id = given.file)
        ON CONFLICT DO NOTHING",
};

impl OldFile {
    /// Why a file is not taken over, if so.
    fn unfit(&self, now: i64) -> Option<Check> {
        if self.room.is_none() {
            Some(Check::RoomlessFile)
        } else if self.path == UNDER_WAY {
            Some(Check::UnfinishedUpload)
        } else if self.expiry.is_some_and(|expiry| nanos(expiry) <= now) {
            Some(Check::ExpiredFile)
        } else {
            None
        }
    }

    /// Where its bytes are kept here: at the same place in every attempt, as long as it is the same file.
    fn key(&self, seed: &str) -> Result<BlobKey, ImportError> {
        let name = format!("{seed} {} {} {}", self.id, self.uploaded.to_bits(), self.path);
        let name = hex::encode(blake2b::<16>(name.as_bytes()));
        let shard: String = name.chars().take(2).collect();
        format!("{shard}/{name}")
            .parse()
            .map_err(|error: shared::blob::InvalidKey| BlobError::Failed(Box::new(error)).into())
    }
}

impl Found {
    fn size(&self, file: &OldFile) -> i64 {
        self.sizes.get(&file.id).copied().unwrap_or(file.size)
    }

    fn has(&self, file: &OldFile) -> bool {
        !self.missing.contains(&file.id)
    }
}

/// A page of files, whatever becomes of them.
async fn page(old: &mut OldDatabase, shape: Shape, after: i64) -> Result<Vec<OldFile>, ImportError> {
    let text = if shape.files_of_messages { FILES } else { FILES_ALONE };
    Ok(run!(old, fetch_all, query_as::<_, OldFile>, text, after, PAGE)?)
}

impl Disk<'_> {
    /// Looks for all files that are to be taken over.
    pub(super) async fn survey(
        &self,
        old: &mut OldDatabase,
        shape: Shape,
        now: i64,
        report: &mut Report,
    ) -> Result<Found, ImportError> {
        let mut found = Found::default();
        let mut outside: Option<(u64, String)> = None;
        let mut after = i64::MIN;
        loop {
            let page = page(old, shape, after).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for file in page.iter().filter(|file| file.unfit(now).is_none()) {
                match self.locate(&file.path)? {
                    None => {
                        report.missing(file.id, &file.path);
                        found.missing.insert(file.id);
                    }
                    Some((path, size)) => {
                        if !path.starts_with(self.folder) {
                            outside.get_or_insert((0, file.path.clone())).0 += 1;
                            report.found(Check::OutsideFile, &file.path);
                        }
                        if size != file.size {
                            report.found(
                                Check::ResizedFile,
                                format!("{}: {} instead of {size}", file.id, file.size),
                            );
                            found.sizes.insert(file.id, size);
                        }
                        found.files += 1;
                        found.bytes += size.unsigned_abs();
                    }
                }
            }
        }
        match outside {
            Some((count, first)) if !self.allow_outside => Err(ImportError::Outside {
                count,
                first,
                folder: self.folder.to_owned(),
            }),
            _ => Ok(found),
        }
    }

    /// The real path of a file, without symbolic links, and its size; `None` if there is none.
    fn locate(&self, path: &str) -> Result<Option<(PathBuf, i64)>, ImportError> {
        if path.contains('\0') {
            return Ok(None);
        }
        let named = self.folder.join(path);
        let found = named
            .canonicalize()
            .and_then(|real| real.metadata().map(|data| (real, data)));
        match found {
            Ok((real, data)) if data.is_file() => Ok(Some((real, i64::try_from(data.len()).unwrap_or(i64::MAX)))),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(ImportError::io(named)(error)),
        }
    }

    /// Copies the bytes of all files that were found. Those of an earlier attempt are not copied again; the answer is how
    /// many.
    pub(super) async fn copy(
        &self,
        old: &mut OldDatabase,
        shape: Shape,
        found: &Found,
        target: (&BlobStore, &str, i64),
        progress: &mut (dyn Progress + Send),
    ) -> Result<u64, ImportError> {
        let (blobs, seed, now) = target;
        progress.begin("files", found.files);
        let (mut after, mut there) = (i64::MIN, 0);
        loop {
            let page = page(old, shape, after).await?;
            let Some(last) = page.last() else { return Ok(there) };
            after = last.id;
            let wanted = page
                .into_iter()
                .filter(|file| file.unfit(now).is_none() && found.has(file));
            let copies = wanted.map(|file| async move { self.copy_one(&file, found.size(&file), blobs, seed).await });
            let mut copies = stream::iter(copies).buffer_unordered(AT_ONCE);
            while let Some(copied) = copies.next().await {
                there += u64::from(!copied?);
                progress.done(1);
            }
        }
    }

    /// Copies the bytes of a file unless they are there. The answer is whether they were copied.
    async fn copy_one(&self, file: &OldFile, size: i64, blobs: &BlobStore, seed: &str) -> Result<bool, ImportError> {
        let size = size.unsigned_abs();
        if size == 0 {
            return Ok(true);
        }
        let key = file.key(seed)?;
        match blobs.size(&key).await? {
            Some(there) if there == size => return Ok(false),
            Some(_) => blobs.delete(&key).await?,
            None => {}
        }
        let path = self.folder.join(&file.path);
        let bytes = tokio::fs::read(&path).await.map_err(ImportError::io(&path))?;
        if bytes.len() as u64 != size {
            return Err(ImportError::Changed(path));
        }
        blobs.put(&key, Bytes::from(bytes)).await?;
        if blobs.size(&key).await? == Some(size) {
            Ok(true)
        } else {
            Err(ImportError::NotWritten(file.id))
        }
    }
}

impl Copying<'_> {
    pub(super) async fn files(&mut self) -> Result<(), ImportError> {
        let now = self.now.as_nanos();
        let mut after = i64::MIN;
        loop {
            let page = page(self.old, self.shape, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let count = page.len();
            let mut rows = Vec::with_capacity(count);
            for file in page {
                match file.unfit(now) {
                    Some(check) => self.report.found_many(check, 1),
                    None => rows.push(self.file(file)?),
                }
            }
            self.add("files", ADD_FILES, &rows).await?;
            self.did(count);
        }
    }

    fn file(&mut self, old: OldFile) -> Result<NewFile, ImportError> {
        let size = self.found.size(&old).max(0);
        let is_there = self.found.has(&old);
        let blob = if is_there && size > 0 {
            Some(old.key(self.seed)?.to_string())
        } else {
            None
        };
        if old.filename.as_deref().is_some_and(|name| name.contains('\0')) {
            self.report.found(Check::Nul, format!("name of file {}", old.id));
        }
        if is_there {
            self.report.file_bytes += size.unsigned_abs();
        }
        Ok(NewFile {
            id: old.id,
            room: old.room.unwrap_or_default(),
            uploader: old.uploader.map(|uploader| self.people.number(uploader)),
            message: old.message.filter(|message| self.has_message(*message)),
            size,
            uploaded: nanos(old.uploaded),
            // What has no bytes goes with the next sweep.
            expiry: if is_there { old.expiry.map(nanos) } else { Some(0) },
            filename: old.filename.map(without_nul),
            blob,
        })
    }

    /// Ids that files had on a server of version 0.1, which messages still name.
    pub(super) async fn former_file_ids(&mut self) -> Result<(), ImportError> {
        let (mut room, mut id) = (i64::MIN, i64::MIN);
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, FormerId>, FORMER, room, id, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            (room, id) = (last.room, last.id);
            self.add("former ids of files", ADD_FORMER, &page).await?;
            self.did(page.len());
        }
    }
}
