//! What is looked at on the machine that the server runs on.

use std::path::PathBuf;

use super::{Report, bytes, files, machine, rows};
use crate::blob::BlobOptions;
use crate::clock::Clock;
use crate::config::HttpSettings;
use crate::db::{Database, DbOptions, Migrations};

/// A server by its settings.
#[derive(Clone, Debug)]
pub struct Inside {
    /// The name of the program.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Folder for the key, the database and the files.
    pub data: PathBuf,
    /// The database.
    pub database: DbOptions,
    /// What the program knows of its schema.
    pub migrations: Migrations,
    /// Where files are kept.
    pub blobs: BlobOptions,
    /// Uploads are refused while less than this is free; zero for never.
    pub floor: u64,
    /// The key of that setting.
    pub floor_key: &'static str,
    /// Limits of requests.
    pub http: HttpSettings,
    /// A statement for the latest moment in the database, in nanoseconds; 0 for none.
    pub newest: &'static str,
    /// What to do about files that have lost their bytes.
    pub repair: String,
    /// What time it is.
    pub clock: Clock,
}

impl Inside {
    /// Looks at the data folder, and says whether there is one.
    pub fn data_folder(&self, report: &mut Report) -> bool {
        report.add(files::data_folder(self.program, &self.data));
        self.data.is_dir()
    }

    /// Looks at the database, which is given if it can be asked for more.
    pub async fn database(&self, report: &mut Report) -> Option<Database> {
        rows::look(self, report).await
    }

    /// Looks at the files: where they are, and whether they have their bytes.
    pub async fn files(&self, report: &mut Report, db: Option<&Database>) {
        bytes::look(self, report, db).await;
    }

    /// Looks at the disks, the clock, the memory and the limits of the machine.
    pub async fn machine(&self, report: &mut Report, db: Option<&Database>) {
        report.extend(machine::disks(self));
        report.add(machine::clock(self, db).await);
        report.extend(machine::memory(self));
        report.extend(machine::open_files());
    }
}
