//! Looking over rows and bytes for what does not fit together, beside a running server, and mending it if asked to.
//!
//! The rows come first, in the order of their ids, each with its bytes; then the blobs, in the order of their names. So a
//! checkup that was broken off goes on from a [`Cursor`], and at no time more than a few files are in memory.

mod blobs;
mod cursor;
mod finding;
mod rows;

pub use cursor::{BadCursor, Cursor};
pub use finding::{Fault, Finding};

use shared::blob::BlobError;
use shared::clock::Clock;
use shared::db::{DbError, Thoroughness};
use shared::filing;

use crate::files::{Files, FilesError};

/// How a checkup goes about it.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Where to begin.
    pub from: Cursor,
    /// Whether to mend what is found. Nothing is changed otherwise.
    pub repair: bool,
    /// What time it is.
    pub clock: Clock,
}

/// Why a checkup could not go on.
#[derive(Debug, thiserror::Error)]
pub enum CheckupError {
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] DbError),
    /// The blob store failed, which says nothing about the blobs.
    #[error("the place for the files cannot be read, so nothing can be said about them: {0}")]
    Blobs(#[from] BlobError),
    /// Nothing is where the rows say.
    #[error(
        "none of the first {0} files has its bytes. Is this the right place for the files (--blob-url), and is its disk \
         there? Nothing was changed. If they are really lost, remove them with `fileserver delete`"
    )]
    WrongPlace(usize),
}

impl From<FilesError> for CheckupError {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Database(error) => Self::Database(error),
            FilesError::Blobs(error) => Self::Blobs(error),
            other => Self::Blobs(BlobError::Failed(other.into())),
        }
    }
}

/// Who watches a checkup, and may break it off.
pub trait Watch {
    /// So many files are to be looked at.
    fn expect(&mut self, files: u64);
    /// One more file was looked at.
    fn checked(&mut self);
    /// From here another checkup could go on.
    fn reached(&mut self, cursor: &Cursor);
    /// This was found.
    fn found(&mut self, finding: &Finding);
    /// Whether to break off.
    fn is_over(&self) -> bool;
}

/// What a checkup came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Files whose bytes were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs whose row was looked for.
    pub blobs: u64,
    /// Faults found.
    pub found: u64,
    /// How many of them were mended.
    pub repaired: u64,
    /// Blobs of deleted files that a running server is about to delete.
    pub pending: u64,
    /// Where to go on, if it was broken off.
    pub next: Option<Cursor>,
}

/// Rows that must not all be without their bytes when something is to be mended.
const SAMPLE: u32 = 20;

/// With fewer files than this, all of them may be without their bytes.
const TELLING: usize = 10;

struct Checkup<'a> {
    files: &'a Files,
    plan: Plan,
    watch: &'a mut (dyn Watch + Send),
    summary: Summary,
}

/// Checks all files, or goes on from where another checkup was broken off.
///
/// # Errors
///
/// [`CheckupError`] when database or blob store fail, and before a repair when it looks as if this were the wrong store.
pub async fn check(files: &Files, plan: Plan, watch: &mut (dyn Watch + Send)) -> Result<Summary, CheckupError> {
    files.blobs().ping().await?;
    let mut checkup = Checkup {
        files,
        plan,
        watch,
        summary: Summary::default(),
    };
    if checkup.plan.repair {
        checkup.refuse_wrong_place().await?;
    }
    checkup.watch.expect(files.store().count().await?);
    let next = match checkup.plan.from.clone() {
        Cursor::Files(after) => {
            if after.is_empty() {
                checkup.database().await?;
            }
            match checkup.rows(after).await? {
                None => checkup.blobs(None).await?,
                broken_off => broken_off,
            }
        }
        Cursor::Blobs(after) => checkup.blobs(after).await?,
    };
    if checkup.plan.repair {
        files.delete_doomed().await?;
    }
    checkup.summary.pending = filing::count_doomed(files.store().database()).await?;
    checkup.summary.next = next;
    Ok(checkup.summary)
}

impl Checkup<'_> {
    async fn database(&mut self) -> Result<(), CheckupError> {
        for problem in self.files.store().database().problems(Thoroughness::Full).await? {
            self.report(&Finding::new(Fault::Database { problem }));
        }
        Ok(())
    }

    /// A wrong setting or a disk that is not there would make every file look lost.
    async fn refuse_wrong_place(&self) -> Result<(), CheckupError> {
        let rows = self.files.store().page("", SAMPLE).await?;
        for row in &rows {
            if let Ok(key) = row.blob.parse()
                && self.files.blobs().size(&key).await?.is_some()
            {
                return Ok(());
            }
        }
        if rows.len() < TELLING {
            Ok(())
        } else {
            Err(CheckupError::WrongPlace(rows.len()))
        }
    }

    fn report(&mut self, finding: &Finding) {
        self.summary.found += 1;
        self.summary.repaired += u64::from(finding.repaired);
        self.watch.found(finding);
    }
}
