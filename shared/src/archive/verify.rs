//! Whether a backup is what it was when it was made.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::{StreamExt, stream};

use super::sums::{SUMS, Sum, Sums, hash_of};
use super::{AT_ONCE, ArchiveError, Manifest, PAGE, Progress};

/// What is wrong with a backup, as paths below its folder.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// Bytes of files.
    pub(super) blobs: BTreeSet<String>,
    /// Anything else, without which nothing can be restored.
    pub(super) others: Vec<String>,
}

impl Damage {
    /// All of it.
    pub(super) fn names(&self) -> Vec<String> {
        let blobs = self.blobs.iter().map(|blob| format!("{}/{blob}", super::BLOBS));
        self.others.iter().cloned().chain(blobs).collect()
    }

    fn note(&mut self, sum: &Sum) {
        match sum.blob() {
            Some(blob) => {
                self.blobs.insert(blob.to_owned());
            }
            None => self.others.push(sum.path.clone()),
        }
    }
}

/// Reads all of a backup and compares it with its lists.
pub(super) async fn verify(
    folder: &Path,
    manifest: &Manifest,
    progress: &mut (dyn Progress + Send),
) -> Result<Damage, ArchiveError> {
    let state = manifest.state_in(folder)?;
    let list = state.join(SUMS);
    if !list.exists() || hash_of(&list)? != manifest.sums {
        return Err(ArchiveError::DamagedFiles(vec![format!("{}/{SUMS}", manifest.state)]));
    }
    let mut sums = Sums::open(&state)?;
    let mut damage = Damage::default();
    loop {
        let mut page = Vec::new();
        while page.len() < PAGE as usize
            && let Some(sum) = sums.read()?
        {
            page.push(sum);
        }
        if page.is_empty() {
            return Ok(damage);
        }
        let checks = page.into_iter().map(|sum| check(folder, sum));
        let mut checked = stream::iter(checks).buffered(AT_ONCE);
        while let Some((sum, size)) = checked.next().await {
            progress.done(size.unwrap_or(0));
            if size.is_none() {
                damage.note(&sum);
            }
        }
    }
}

/// The size of a file if it has the hash that the list says.
async fn check(folder: &Path, sum: Sum) -> (Sum, Option<u64>) {
    let path = folder.join(&sum.path);
    let hash = sum.hash.clone();
    let checked = tokio::task::spawn_blocking(move || {
        let size = std::fs::metadata(&path).ok()?.len();
        (hash_of(&path).ok()? == hash).then_some(size)
    });
    let size = checked.await.ok().flatten();
    (sum, size)
}
