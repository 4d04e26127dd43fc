//! Every row against its bytes.

use futures_util::{StreamExt, stream};

use super::{Checkup, CheckupError, Cursor, Fault, Finding, Subject};
use crate::blob::{BlobError, BlobKey};
use crate::filing::{self, Filed, Found, delete_doomed, filed, filed_at};

/// Rows that are asked for at a time.
const PAGE: u32 = 200;

/// Files that are read at the same time.
const AT_ONCE: usize = 4;

/// What the bytes of a row turn out to be.
enum Verdict {
    Whole,
    Wrong(Fault),
    /// That cannot be found out; they may be whole.
    Unknown(Fault),
}

impl<S: Subject> Checkup<'_, S> {
    /// Checks rows after this one. The answer is where to go on if it was broken off.
    pub(super) async fn rows(&mut self, after: Option<BlobKey>) -> Result<Option<Cursor>, CheckupError> {
        let subject = self.subject;
        let mut after = after.map_or_else(String::new, |key| key.as_str().to_owned());
        loop {
            let page = filed::<S>(subject.database(), &after, PAGE).await?;
            if page.is_empty() {
                return Ok(None);
            }
            let now = self.plan.clock.now();
            let verdicts = page.into_iter().map(|file| async move {
                // An expired file is on its way out, with whatever there is of it.
                let verdict = if file.is_over(now) {
                    None
                } else {
                    Some(judge(subject, &file).await)
                };
                (file, verdict)
            });
            let mut verdicts = stream::iter(verdicts).buffered(AT_ONCE);
            while let Some((file, verdict)) = verdicts.next().await {
                if let Some(verdict) = verdict {
                    self.note(&file, verdict?).await?;
                    self.summary.files += 1;
                    self.summary.bytes += file.size();
                }
                let cursor = Cursor::Files(file.key());
                after = file.blob;
                self.watch.checked();
                self.watch.reached(&cursor);
                if self.watch.is_over() {
                    return Ok(Some(cursor));
                }
            }
        }
    }

    async fn note(&mut self, file: &Filed, verdict: Verdict) -> Result<(), CheckupError> {
        let (fault, may_be_whole) = match verdict {
            Verdict::Whole => return Ok(()),
            Verdict::Wrong(fault) => (fault, false),
            Verdict::Unknown(fault) => (fault, true),
        };
        // The server goes on meanwhile: the file may be gone, or have other bytes.
        let now = self.plan.clock.now();
        let still = filed_at::<S>(self.subject.database(), &file.blob).await?;
        if still.is_none_or(|still| still.is_over(now)) {
            return Ok(());
        }
        let mut finding = Finding::new(fault);
        if self.plan.repair && !may_be_whole {
            finding.repaired = self.subject.remove(file, now).await?;
            delete_doomed(self.subject.database(), self.subject.blobs()).await?;
        }
        self.report(&finding);
        Ok(())
    }
}

async fn judge<S: Subject>(subject: &S, file: &Filed) -> Result<Verdict, CheckupError> {
    let id = file.id.clone();
    Ok(match filing::read(subject.blobs(), file).await {
        Ok(Found::Bytes(bytes)) if subject.is_whole(file, &bytes).await => Verdict::Whole,
        Ok(Found::Bytes(_)) => Verdict::Wrong(Fault::WrongContent { id }),
        Ok(Found::Missing) => Verdict::Wrong(Fault::Missing { id }),
        Ok(Found::Other(actual)) => Verdict::Wrong(Fault::WrongSize {
            id,
            expected: file.size(),
            actual,
        }),
        Err(BlobError::Failed(reason)) => Verdict::Unknown(Fault::Unreadable {
            id,
            reason: reason.to_string(),
        }),
        Err(error) => return Err(error.into()),
    })
}
