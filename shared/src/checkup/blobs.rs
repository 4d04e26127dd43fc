//! Every blob against the rows.

use super::{Checkup, CheckupError, Cursor, Fault, Finding, Subject};
use crate::blob::{BlobError, BlobKey, BlobMeta, Listed};
use crate::filing::{STRAY_AGE, without_row};
use futures_util::StreamExt;

/// Blobs whose rows are asked for at a time.
const PAGE: usize = 500;

impl<S: Subject> Checkup<'_, S> {
    /// Looks for blobs without a row after this one. The answer is where to go on if it was broken off.
    pub(super) async fn blobs(&mut self, mut after: Option<BlobKey>) -> Result<Option<Cursor>, CheckupError> {
        let before = self.plan.clock.now().minus(STRAY_AGE);
        let mut listed = self.subject.blobs().list_after(after.as_ref()).chunks(PAGE);
        while let Some(page) = listed.next().await {
            let page: Vec<_> = page.into_iter().collect::<Result<_, BlobError>>()?;
            let blobs = page.into_iter().filter_map(|listed| match listed {
                Listed::Blob(blob) => Some(blob),
                Listed::Foreign(_) => None,
            });
            let blobs: Vec<BlobMeta> = blobs.collect();
            self.summary.blobs += blobs.len() as u64;
            let last = blobs.last().map(|blob| blob.key.clone());
            // Younger ones may belong to an upload in flight, whose row is yet to come.
            let old: Vec<BlobMeta> = blobs.into_iter().filter(|blob| blob.modified < before).collect();
            self.strays(&old).await?;
            after = last.or(after);
            let cursor = Cursor::Blobs(after.clone());
            self.watch.reached(&cursor);
            if self.watch.is_over() {
                return Ok(Some(cursor));
            }
        }
        Ok(None)
    }

    async fn strays(&mut self, old: &[BlobMeta]) -> Result<(), CheckupError> {
        let keys: Vec<String> = old.iter().map(|blob| blob.key.to_string()).collect();
        let strays = without_row(self.subject.database(), &keys).await?;
        for blob in old
            .iter()
            .filter(|blob| strays.iter().any(|stray| stray == blob.key.as_str()))
        {
            // The file may have been deleted since the blobs were listed, and its bytes with it.
            if self.subject.blobs().size(&blob.key).await?.is_none() {
                continue;
            }
            let mut finding = Finding::new(Fault::Stray {
                blob: blob.key.to_string(),
                size: blob.size,
            });
            if self.plan.repair {
                self.subject.blobs().delete(&blob.key).await?;
                finding.repaired = true;
            }
            self.report(&finding);
        }
        Ok(())
    }
}
