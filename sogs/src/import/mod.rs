//! Moving a community of PySOGS here so that its apps notice nothing (`pysogs-import.md`).
//!
//! The old server is only read. First everything is looked at that may stand in the way; then it is noted that a move is
//! under way, so that no server starts; then the key is taken over, then the bytes of files, and then all rows in one
//! transaction, with the end of which the note is gone. So whatever happens in between, the move can be begun again: files
//! that were copied are where the next attempt looks for them, and of rows there are all or none.

#[macro_use]
mod rows;

mod access;
mod convert;
mod copying;
mod database;
mod error;
mod files;
mod ini;
mod installation;
mod letters;
mod meaning;
mod messages;
mod people;
mod reactions;
mod report;
mod rooms;
mod schema;
mod target;

use std::path::{Path, PathBuf};

use shared::clock::Clock;

use crate::settings::Settings;

use copying::Copying;
use database::OldDatabase;
use files::{Disk, Found};
use installation::Installation;
use target::Target;

pub use convert::{Converted, convert};
pub use error::ImportError;
pub use ini::Ini;
pub use report::{Action, Check, Finding, MissingFile, Report};

/// Rows that are read and written at a time.
const PAGE: i64 = 500;

/// The old server.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The folder that it ran in.
    pub folder: PathBuf,
    /// Its configuration; by default `sogs.ini` in the folder, if there is one.
    pub ini: Option<PathBuf>,
    /// Its database, where it is not the one that the configuration names.
    pub database_url: Option<String>,
    /// Whether files may be taken from outside of the folder.
    pub allow_outside: bool,
}

/// Is told how far an import has come.
pub trait Progress {
    /// So many of these are next.
    fn begin(&mut self, what: &'static str, total: u64);
    /// So many more are done.
    fn done(&mut self, count: u64);
}

/// Moves a community to the server that the settings describe, or with `dry_run` only looks whether that can be done and
/// what would come of it; then nothing is written.
///
/// # Errors
///
/// [`ImportError`]. An import that was broken off can be run again.
pub async fn import(
    source: &Source,
    settings: &Settings,
    clock: &Clock,
    dry_run: bool,
    progress: &mut (dyn Progress + Send),
) -> Result<Report, ImportError> {
    let old = Installation::find(source)?;
    let data = settings.data();
    old.refuse_same_place(&data, &settings.database().url)?;
    // A database with a write-ahead log is copied; for that there must be a place.
    let work = if dry_run {
        std::env::temp_dir().join(unique())
    } else {
        data.clone()
    };
    let mut database = OldDatabase::open(&old.database, &work).await?;
    let work_at_hand = Import {
        source,
        settings,
        clock,
        old: &old,
        database: &mut database,
        progress,
        report: begin_report(&old, settings, dry_run),
    };
    let report = work_at_hand.run(dry_run, &data).await;
    drop(database);
    if dry_run {
        let _ = std::fs::remove_dir(&work);
    }
    report
}

struct Import<'a> {
    source: &'a Source,
    settings: &'a Settings,
    clock: &'a Clock,
    old: &'a Installation,
    database: &'a mut OldDatabase,
    progress: &'a mut (dyn Progress + Send),
    report: Report,
}

impl Import<'_> {
    async fn run(mut self, dry_run: bool, data: &Path) -> Result<Report, ImportError> {
        let shape = schema::recognise(self.database, &self.old.database.shown()).await?;
        let others = self.database.others().await?;
        self.report.found_many(Check::SourceInUse, others);
        self.report.rooms = rooms::tokens(self.database, &mut self.report).await?;
        let disk = Disk {
            folder: &self.old.folder,
            allow_outside: self.source.allow_outside,
        };
        let now = self.clock.now();
        let found = disk
            .survey(self.database, shape, now.as_nanos(), &mut self.report)
            .await?;
        if dry_run {
            self.rows(shape, None, "", &found, now).await?;
            self.database.check_unchanged()?;
            return Ok(self.report);
        }
        let target = Target::open(self.settings, data, self.old, &found, self.clock).await?;
        let copied = self.fill(&target, shape, &disk, &found, now).await;
        target.close().await;
        copied?;
        Ok(self.report)
    }

    async fn fill(
        &mut self,
        target: &Target,
        shape: schema::Shape,
        disk: &Disk<'_>,
        found: &Found,
        now: shared::clock::Timestamp,
    ) -> Result<(), ImportError> {
        let place = (&target.blobs, target.seed.as_str(), now.as_nanos());
        self.report.files_there = disk.copy(self.database, shape, found, place, self.progress).await?;
        let write = target.write(now).await?;
        let write = self.rows(shape, Some(write), &target.seed, found, now).await?;
        self.database.check_unchanged()?;
        target.finish(write).await
    }

    async fn rows(
        &mut self,
        shape: schema::Shape,
        write: Option<crate::store::Write>,
        seed: &str,
        found: &Found,
        now: shared::clock::Timestamp,
    ) -> Result<Option<crate::store::Write>, ImportError> {
        let settings = self.old.with_old_times(self.settings);
        Copying::new(
            self.database,
            shape,
            write,
            &settings,
            self.old.key.public(),
            now,
            seed,
            found,
            &mut self.report,
            self.progress,
        )
        .all()
        .await
    }
}

fn begin_report(old: &Installation, settings: &Settings, dry_run: bool) -> Report {
    let mut report = Report {
        dry_run,
        source: old.database.shown(),
        public_key: old.key.public().to_string(),
        base_url: old.base_url(),
        ..Report::default()
    };
    if old.ini.is_none() {
        report.found_many(Check::NoConfiguration, 1);
    }
    if let Some(url) = &report.base_url
        && *url != settings.base_url()
    {
        let example = format!("{url} there, {} here", settings.base_url());
        report.found(Check::OtherAddress, example);
    }
    report
}

/// A name that nothing has yet.
fn unique() -> String {
    format!("sogs-import-{:032x}", rand::random::<u128>())
}
