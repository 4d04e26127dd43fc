//! The server that a community is moved to.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use shared::blob::BlobStore;
use shared::cli::output;
use shared::clock::{Clock, Timestamp};
use shared::crypto::BlindingFactor;
use shared::db::{Lease, PerDialect};
use shared::filing::{FreeSpace, meet};
use shared::key_file;
use shared::run;
use shared::serving::keep_out;

use super::ImportError;
use super::files::Found;
use super::installation::Installation;
use crate::keys::FILE;
use crate::settings::Settings;
use crate::store::{Store, Unfinished, Write};

/// Of a large old database some things take long to find, and nothing is written meanwhile.
const PATIENT: PerDialect = PerDialect {
    sqlite: "SELECT 0",
    postgres: "SET LOCAL idle_in_transaction_session_timeout = 0",
};

/// An empty server, or one with an earlier attempt, on which nothing else is at work.
pub(super) struct Target {
    pub(super) store: Store,
    pub(super) blobs: BlobStore,
    /// From which the places of files are derived.
    pub(super) seed: String,
    alone: Lease,
}

impl Target {
    /// Makes what is missing of a server, notes that a community is moved there, and gives it its key.
    pub(super) async fn open(
        settings: &Settings,
        data: &Path,
        old: &Installation,
        found: &Found,
        clock: &Clock,
    ) -> Result<Self, ImportError> {
        let key_path = data.join(FILE);
        let has_key = has_same_key(&key_path, old)?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .map_err(ImportError::io(data))?;
        let blinding = settings
            .users
            .require_blind_keys
            .then(|| BlindingFactor::for_server(old.key.public()));
        let store = Store::open(&settings.database(), blinding).await?;
        let alone = keep_out(store.database()).await?.ok_or(ImportError::TargetRuns)?;
        let blobs = BlobStore::open(&settings.blobs())?;
        let seed = begin(&store, old, &blobs, found, clock).await?;
        if !has_key {
            key_file::create(&key_path, old.key.secret().as_bytes())?;
        }
        meet(store.database(), &blobs).await?;
        Ok(Self {
            store,
            blobs,
            seed,
            alone,
        })
    }

    /// Begins the transaction that all rows come in.
    pub(super) async fn write(&self, now: Timestamp) -> Result<Write, ImportError> {
        let mut write = self.store.write(now).await?;
        run!(write.tx, execute, query, PATIENT)?;
        Ok(write)
    }

    /// Makes all rows last, and lets servers start.
    pub(super) async fn finish(&self, write: Option<Write>) -> Result<(), ImportError> {
        let Some(mut write) = write else { return Ok(()) };
        if !write.end_import().await? {
            return Err(ImportError::TargetRuns);
        }
        write.commit().await?;
        Ok(())
    }

    pub(super) async fn close(self) {
        self.alone.release().await;
        self.store.database().close().await;
    }
}

/// Whether the key is there already. Another one is never replaced.
fn has_same_key(path: &Path, old: &Installation) -> Result<bool, ImportError> {
    match key_file::read::<32>(path)? {
        None => Ok(false),
        Some(key) if *key == *old.key.secret().as_bytes() => Ok(true),
        Some(_) => Err(ImportError::OtherKey(path.to_owned())),
    }
}

/// Notes that the community is moved here, unless that is noted already. The answer is the seed.
async fn begin(
    store: &Store,
    old: &Installation,
    blobs: &BlobStore,
    found: &Found,
    clock: &Clock,
) -> Result<String, ImportError> {
    let public_key = old.key.public().to_string();
    if let Some(earlier) = store.unfinished_import().await? {
        if earlier.public_key != public_key {
            return Err(ImportError::OtherImport {
                key: earlier.public_key,
                source_folder: earlier.source,
            });
        }
        return Ok(earlier.seed);
    }
    if store.is_used().await? {
        return Err(ImportError::TargetUsed);
    }
    check_space(blobs, found, clock)?;
    let import = Unfinished {
        source: old.folder.display().to_string(),
        public_key,
        seed: format!("{:032x}", rand::random::<u128>()),
    };
    let mut write = store.write(clock.now()).await?;
    write.begin_import(&import).await?;
    write.commit().await?;
    Ok(import.seed)
}

fn check_space(blobs: &BlobStore, found: &Found, clock: &Clock) -> Result<(), ImportError> {
    let Some(folder) = blobs.local_path() else {
        return Ok(());
    };
    let space = FreeSpace::new(vec![folder.to_owned()], 0, clock.clone());
    match space.free() {
        Some(free) if free < found.bytes => Err(ImportError::NoSpace {
            needed: output::size(found.bytes),
            free: output::size(free),
            folder: folder.to_owned(),
        }),
        _ => Ok(()),
    }
}
