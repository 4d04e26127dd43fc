//! `sogs file delete`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{ArgGroup, Args};
use shared::blob::BlobStore;
use shared::cli::output::{self, Format};
use shared::filing;

use super::filter::Filter;
use super::list::print;
use crate::cli::beside::Server;
use crate::cli::deletion::Deletion;
use crate::store::FileEntry;

/// Delete files, by their numbers or all of a room or of a person
///
/// Messages that have them stay and show that there is nothing any more. What is to be deleted is shown first. It goes
/// step by step, so that the server goes on meanwhile; run it again if it was broken off.
#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["ids", "room", "user"]))]
pub(in crate::cli) struct Delete {
    /// Their numbers
    #[arg(value_name = "NUMBER", conflicts_with_all = ["room", "user"])]
    ids: Vec<i64>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    deletion: Deletion,
}

/// How many files are read or deleted at a time.
const STEP: usize = 500;

/// How many files are shown before they are deleted.
const SHOWN: usize = 10;

/// What is to be deleted.
#[derive(Default)]
struct Doomed {
    ids: Vec<i64>,
    bytes: i64,
    /// The newest of them.
    shown: Vec<FileEntry>,
    /// Whether some that were named are not there, which has been said.
    missed: bool,
}

impl Delete {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let blobs = BlobStore::open(&server.settings.blobs()).context("the place for the files cannot be used")?;
        filing::meet(server.store.database(), &blobs).await?;
        let doomed = if self.ids.is_empty() {
            self.found(server).await?
        } else {
            Doomed::named(server, &self.ids).await?
        };
        let code = if doomed.missed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
        if doomed.ids.is_empty() {
            println!("There is nothing to delete.");
            return Ok(code);
        }
        let all = files(doomed.ids.len(), doomed.bytes);
        if !self.deletion.begins(&all, || doomed.print())? {
            return Ok(code);
        }
        let (mut deleted, mut recorded) = (0, Vec::new());
        for step in doomed.ids.chunks(STEP) {
            let mut write = server.change_because(&self.deletion.why).await?;
            write.go_on(recorded);
            deleted += write.delete_files(step).await?.len();
            recorded = write.commit().await?.recorded;
            // What cannot be removed now, the server removes later.
            filing::delete_doomed(server.store.database(), &blobs).await?;
        }
        println!("deleted {deleted} of {all}");
        server.store.database().close().await;
        Ok(code)
    }

    async fn found(&self, server: &Server<'_>) -> Result<Doomed> {
        let filter = self.filter.find(server).await?;
        let now = server.clock.now();
        let mut doomed = Doomed::default();
        let mut before = i64::MAX;
        let most = i64::try_from(STEP).unwrap_or(i64::MAX);
        loop {
            let page = server.store.files(&filter, before, now, most).await?;
            let Some(last) = page.last() else {
                return Ok(doomed);
            };
            before = last.id;
            page.into_iter().for_each(|file| doomed.add(file));
        }
    }
}

fn files(count: usize, bytes: i64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} file{plural} ({})", output::size(bytes.unsigned_abs()))
}

impl Doomed {
    async fn named(server: &Server<'_>, ids: &[i64]) -> Result<Self> {
        let mut doomed = Self::default();
        let mut left: BTreeSet<i64> = ids.iter().copied().collect();
        let all: Vec<i64> = left.iter().rev().copied().collect();
        for step in all.chunks(STEP) {
            for file in server.store.files_numbered(step).await? {
                left.remove(&file.id);
                doomed.add(file);
            }
        }
        doomed.missed = !left.is_empty();
        for id in left {
            eprintln!("there is no file {id}");
        }
        Ok(doomed)
    }

    fn add(&mut self, file: FileEntry) {
        self.ids.push(file.id);
        self.bytes = self.bytes.saturating_add(file.size);
        if self.shown.len() < SHOWN {
            self.shown.push(file);
        }
    }

    fn print(&self) -> Result<()> {
        print(Format::default(), &self.shown)?;
        if self.ids.len() > self.shown.len() {
            println!(" … and {} more", self.ids.len() - self.shown.len());
        }
        Ok(())
    }
}
