//! Deleting many sets of bytes, of which some may resist.

use futures_util::{StreamExt, stream};

use crate::blob::{BlobError, BlobStore};

/// How many blobs are deleted at the same time.
const AT_ONCE: usize = 8;

/// After so many failures in a row to reach the store, no more is deleted this time.
const FAILURES_IN_A_ROW: usize = 3;

/// Deletes the bytes at these places, several at the same time. The answer is those that are gone; one that cannot be
/// deleted keeps no other from it, unless it looks as if the store were away.
pub(super) async fn delete(blobs: &BlobStore, places: Vec<String>, failures: &mut Failures) -> Vec<String> {
    let deletions = places.into_iter().map(|blob| async {
        let outcome = match blob.parse() {
            Ok(key) => blobs.delete(&key).await,
            Err(_) => Ok(()),
        };
        (blob, outcome)
    });
    let mut outcomes = stream::iter(deletions).buffered(AT_ONCE);
    let mut gone = Vec::new();
    while let Some((blob, outcome)) = outcomes.next().await {
        if failures.note(outcome) {
            gone.push(blob);
        } else if failures.are_of_the_store() {
            break;
        }
    }
    gone
}

/// What went wrong while one set of bytes after the other was deleted.
#[derive(Default)]
pub(super) struct Failures {
    first: Option<BlobError>,
    count: usize,
    in_a_row: usize,
}

impl Failures {
    /// Whether it went well.
    fn note(&mut self, outcome: Result<(), BlobError>) -> bool {
        match outcome {
            Ok(()) => self.in_a_row = 0,
            Err(error) => {
                self.count += 1;
                self.in_a_row += usize::from(error.is_unavailable());
                self.first.get_or_insert(error);
                return false;
            }
        }
        true
    }

    /// Whether it looks as if the store were away, so that each further attempt would only cost its patience.
    pub(super) const fn are_of_the_store(&self) -> bool {
        self.in_a_row >= FAILURES_IN_A_ROW
    }

    /// Says that some could not be deleted, if that is so.
    pub(super) fn report(self, what: &str) {
        if let Some(error) = self.first {
            let left = self.count;
            tracing::warn!(%error, left, "{what}");
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::blob::{BlobKey, BlobOptions};

    #[tokio::test]
    async fn one_that_cannot_be_deleted_keeps_no_other_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(&BlobOptions::at(folder.path().display().to_string())).unwrap();
        let mut keys: Vec<BlobKey> = (0..20).map(|_| BlobKey::random()).collect();
        keys.sort();
        for key in &keys[1..] {
            blobs.put(key, Bytes::from_static(b"bytes")).await.unwrap();
        }
        // A folder is in its place.
        std::fs::create_dir_all(folder.path().join(keys[0].as_str()).join("full")).unwrap();
        let mut failures = Failures::default();
        let places = keys.iter().map(BlobKey::to_string).collect();
        let gone = delete(&blobs, places, &mut failures).await;
        assert_eq!(gone.len(), 19);
        assert_eq!(failures.count, 1);
        for key in &keys[1..] {
            assert_eq!(blobs.size(key).await.unwrap(), None);
        }
    }
}
