//! Every row against its bytes.

use futures_util::StreamExt;
use futures_util::stream;
use shared::blob::BlobError;

use super::{Checkup, CheckupError, Cursor, Fault, Finding};
use crate::store::FileRow;
use crate::verify::{Verdict, verify};

/// Rows that are asked for at a time.
const PAGE: u32 = 200;

/// Files that are read at the same time.
const AT_ONCE: usize = 4;

impl Checkup<'_> {
    /// Checks rows after this id. The answer is where to go on if it was broken off.
    pub(super) async fn rows(&mut self, mut after: String) -> Result<Option<Cursor>, CheckupError> {
        let files = self.files;
        loop {
            let page = files.store().page(&after, PAGE).await?;
            if page.is_empty() {
                return Ok(None);
            }
            let now = self.plan.clock.now();
            let verdicts = page.into_iter().map(|row| async move {
                // An expired file is on its way out, with whatever there is of it.
                let verdict = if row.expires > now {
                    Some(verify(files.blobs(), &row).await)
                } else {
                    None
                };
                (row, verdict)
            });
            let mut verdicts = stream::iter(verdicts).buffered(AT_ONCE);
            while let Some((row, verdict)) = verdicts.next().await {
                if let Some(verdict) = verdict {
                    self.judge(&row, verdict).await?;
                    self.summary.files += 1;
                    self.summary.bytes += row.size;
                }
                after = row.id;
                let cursor = Cursor::Files(after.clone());
                self.watch.checked();
                self.watch.reached(&cursor);
                if self.watch.is_over() {
                    return Ok(Some(cursor));
                }
            }
        }
    }

    async fn judge(&mut self, row: &FileRow, verdict: Result<Verdict, BlobError>) -> Result<(), CheckupError> {
        let id = row.id.clone();
        let fault = match verdict {
            Ok(Verdict::Whole(_)) => return Ok(()),
            Ok(Verdict::Missing) => Fault::Missing { id },
            Ok(Verdict::WrongSize(actual)) => Fault::WrongSize {
                id,
                expected: row.size,
                actual,
            },
            Ok(Verdict::WrongContent) => Fault::WrongContent { id },
            Err(BlobError::Failed(reason)) => Fault::Unreadable {
                id,
                reason: reason.to_string(),
            },
            Err(error) => return Err(error.into()),
        };
        // The server goes on meanwhile: the file may be gone, or have other bytes.
        let now = self.plan.clock.now();
        let still = self.files.store().row(&row.id).await?;
        if still.is_none_or(|still| still.blob != row.blob || still.expires <= now) {
            return Ok(());
        }
        let may_be_whole = matches!(fault, Fault::Unreadable { .. });
        let mut finding = Finding::new(fault);
        if self.plan.repair && !may_be_whole {
            finding.repaired = self.files.store().remove_row(&row.id, &row.blob).await?;
            self.files.delete_doomed().await?;
        }
        self.report(&finding);
        Ok(())
    }
}
