//! Looking over rows and bytes for what does not fit together, beside a running server, and mending it if asked to.
//!
//! The database comes first; then the files, in the order of the names of their blobs, each with its bytes; then the
//! blobs, in the same order. So a checkup that was broken off goes on from a [`Cursor`], and at no time more than a few
//! files are in memory.

mod blobs;
mod cursor;
mod finding;
mod rows;

pub use cursor::{BadCursor, Cursor};
pub use finding::{Fault, Finding};

use bytes::Bytes;

use crate::blob::{BlobError, BlobStore};
use crate::clock::{Clock, Timestamp};
use crate::db::{Database, DbError, Thoroughness};
use crate::filing::{self, Filed, Shelf, delete_doomed, filed, filed_in_all};

/// What is looked over: the rows and bytes of one server.
pub trait Subject: Shelf + Sync {
    /// The name of the program.
    const NAME: &'static str;
    /// What an operator does with files whose bytes are all lost.
    const GIVE_UP: &'static str;

    /// The rows.
    fn database(&self) -> &Database;

    /// The bytes.
    fn blobs(&self) -> &BlobStore;

    /// Whether bytes of the right number are those that the row is about, as far as the row tells.
    fn is_whole(&self, file: &Filed, bytes: &Bytes) -> impl Future<Output = bool> + Send;

    /// Takes a file away, unless it has other bytes by now, and dooms its bytes. The answer says whether it did.
    ///
    /// # Errors
    ///
    /// When the database fails.
    fn remove(&self, file: &Filed, now: Timestamp) -> impl Future<Output = Result<bool, DbError>> + Send;

    /// Looks for rows that contradict each other, and mends them if asked to.
    ///
    /// # Errors
    ///
    /// When the database fails.
    fn contradictions(
        &self,
        repair: bool,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Finding>, DbError>> + Send {
        let _ = (repair, now);
        async { Ok(Vec::new()) }
    }
}

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
        "none of the first {files} files has its bytes. Is this the right place for the files (--blob-url), and is its \
         disk there? Nothing was changed. If they are really lost, {give_up}"
    )]
    WrongPlace {
        /// How many files were looked for.
        files: usize,
        /// What to do if they are lost.
        give_up: &'static str,
    },
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

struct Checkup<'a, S> {
    subject: &'a S,
    plan: Plan,
    watch: &'a mut (dyn Watch + Send),
    summary: Summary,
}

/// Checks everything, or goes on from where another checkup was broken off.
///
/// # Errors
///
/// [`CheckupError`] when database or blob store fail, and before a repair when it looks as if this were the wrong store.
pub async fn check<S: Subject>(
    subject: &S,
    plan: Plan,
    watch: &mut (dyn Watch + Send),
) -> Result<Summary, CheckupError> {
    subject.blobs().ping().await?;
    let mut checkup = Checkup {
        subject,
        plan,
        watch,
        summary: Summary::default(),
    };
    if checkup.plan.repair {
        checkup.refuse_wrong_place().await?;
    }
    // A damaged database may not even be able to count, which is told below.
    if let Ok((files, _)) = filed_in_all(subject.database()).await {
        checkup.watch.expect(files);
    }
    let next = match checkup.plan.from.clone() {
        Cursor::Files(after) => {
            if after.is_none() {
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
        delete_doomed(subject.database(), subject.blobs()).await?;
    }
    checkup.summary.pending = filing::count_doomed(subject.database()).await?;
    checkup.summary.next = next;
    Ok(checkup.summary)
}

impl<S: Subject> Checkup<'_, S> {
    async fn database(&mut self) -> Result<(), CheckupError> {
        let (repair, now) = (self.plan.repair, self.plan.clock.now());
        let contradictions = self.subject.contradictions(repair, now).await;
        for finding in contradictions.as_ref().map_or(&[][..], Vec::as_slice) {
            self.report(finding);
        }
        let problems = self.subject.database().problems(Thoroughness::Full).await?;
        let is_damaged = !problems.is_empty();
        for problem in problems {
            self.report(&Finding::new(Fault::Database { problem }));
        }
        // Where the database is damaged that is what they failed at.
        match contradictions {
            Err(error) if !is_damaged => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// A wrong setting or a disk that is not there would make every file look lost.
    async fn refuse_wrong_place(&self) -> Result<(), CheckupError> {
        let rows = filed::<S>(self.subject.database(), "", SAMPLE).await?;
        for row in &rows {
            if let Some(key) = row.key()
                && self.subject.blobs().size(&key).await?.is_some()
            {
                return Ok(());
            }
        }
        if rows.len() < TELLING {
            Ok(())
        } else {
            Err(CheckupError::WrongPlace {
                files: rows.len(),
                give_up: S::GIVE_UP,
            })
        }
    }

    fn report(&mut self, finding: &Finding) {
        self.summary.found += 1;
        self.summary.repaired += u64::from(finding.repaired);
        self.watch.found(finding);
    }
}
