//! How many bytes all files together may have.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A quota for the bytes of all files. What is counted and what is on its way are kept apart, so that a count, which
/// finds nothing of what is on its way, never makes room that is not there.
#[derive(Debug)]
pub struct Quota {
    limit: u64,
    used: Mutex<Used>,
    /// One count at a time: of two the older might be noted last.
    counting: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Used {
    /// Bytes as of the last count, and what has come to stay since.
    counted: u64,
    /// Bytes that have come to stay since the start.
    stayed: u64,
    /// Bytes of uploads that are on their way.
    reserved: u64,
}

impl Quota {
    /// A quota of so many bytes, of which none are taken yet; zero means any number.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            used: Mutex::default(),
            counting: tokio::sync::Mutex::default(),
        }
    }

    /// Sets room aside, so that uploads at the same time do not all count on the same. `None` if there is not enough.
    #[must_use]
    pub fn reserve(&self, bytes: u64) -> Option<Room<'_>> {
        let mut used = self.used();
        let after = used.counted.saturating_add(used.reserved).saturating_add(bytes);
        (self.limit == 0 || after <= self.limit).then(|| {
            used.reserved += bytes;
            Room { quota: self, bytes }
        })
    }

    /// Takes over what a count of the bytes of all files says, which is only made if there is a quota. What comes to stay
    /// while it is being made may be counted twice, until the next count, but is never left out.
    ///
    /// # Errors
    ///
    /// When the count fails; then all stays as it is.
    pub async fn recount<E>(&self, count: impl Future<Output = Result<u64, E>>) -> Result<(), E> {
        if self.limit == 0 {
            return Ok(());
        }
        let _alone = self.counting.lock().await;
        let before = self.used().stayed;
        let counted = count.await?;
        let mut used = self.used();
        used.counted = counted.saturating_add(used.stayed - before);
        Ok(())
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room within the quota; given back when dropped, unless it is kept.
#[derive(Debug)]
pub struct Room<'quota> {
    quota: &'quota Quota,
    bytes: u64,
}

impl Room<'_> {
    /// The bytes are there to stay.
    pub fn keep(mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut used = self.quota.used();
        used.reserved -= bytes;
        used.counted = used.counted.saturating_add(bytes);
        used.stayed = used.stayed.saturating_add(bytes);
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.quota.used().reserved -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::ready;

    use super::*;

    async fn recount(quota: &Quota, bytes: u64) {
        quota.recount(ready(Ok::<_, Infallible>(bytes))).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_set_aside_stays_so_when_a_count_does_not_find_it() {
        let quota = Quota::new(1000);
        let room = quota.reserve(600).unwrap();
        recount(&quota, 0).await;
        assert!(quota.reserve(401).is_none());
        room.keep();
        assert!(quota.reserve(401).is_none());
        assert!(quota.reserve(400).is_some());
    }

    #[tokio::test]
    async fn what_comes_to_stay_during_a_count_is_not_forgotten() {
        let quota = Quota::new(1000);
        let room = quota.reserve(600).unwrap();
        let count = async {
            room.keep();
            Ok::<_, Infallible>(0)
        };
        quota.recount(count).await.unwrap();
        assert!(quota.reserve(401).is_none());
        recount(&quota, 600).await;
        assert!(quota.reserve(400).is_some());
    }

    #[tokio::test]
    async fn what_is_given_up_or_deleted_makes_room() {
        let quota = Quota::new(1000);
        drop(quota.reserve(1000).unwrap());
        quota.reserve(1000).unwrap().keep();
        assert!(quota.reserve(1).is_none());
        recount(&quota, 0).await;
        assert!(quota.reserve(1000).is_some());
    }
}
