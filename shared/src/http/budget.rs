//! A budget of bytes for bodies in flight, so that many large requests wait instead of exhausting memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::spare::{Spare, Spares};

/// Bodies up to this many bytes have a budget of their own, so that large uploads cannot keep small requests out.
const SMALL: u64 = 64 * 1024;

/// No room was found in time: answer 503.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the byte budget for bodies in flight is spent")]
pub struct Exhausted;

/// Bytes that may be in memory for bodies at the same time, for the whole process.
#[derive(Clone, Debug)]
pub struct Budget {
    large: Arc<Semaphore>,
    small: Arc<Semaphore>,
    capacity: u32,
    small_capacity: u32,
    wait: Duration,
    spares: Arc<Spares>,
}

/// A part of the budget; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    permit: OwnedSemaphorePermit,
}

impl Permit {
    /// How many bytes it stands for.
    pub(super) fn bytes(&self) -> u64 {
        self.permit.num_permits() as u64
    }
}

impl Budget {
    /// A budget of `bytes` (at most 4 GiB). A quarter of it is kept for bodies up to 64 KiB. Callers wait up to `wait`
    /// for room.
    #[must_use]
    pub fn new(bytes: u64, wait: Duration) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let small_capacity = bytes / 4;
        let capacity = bytes - small_capacity;
        Self {
            large: Arc::new(Semaphore::new(capacity as usize)),
            small: Arc::new(Semaphore::new(small_capacity as usize)),
            capacity,
            small_capacity,
            wait,
            spares: Arc::default(),
        }
    }

    /// Takes `bytes` out of the budget, waiting for room. What is larger than the whole budget takes all of it, so that
    /// one such request at a time still gets through.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if there was no room within the budget's waiting time.
    pub async fn take(&self, bytes: u64) -> Result<Permit, Exhausted> {
        let (pool, capacity) = if bytes <= SMALL {
            (&self.small, self.small_capacity)
        } else {
            (&self.large, self.capacity)
        };
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX).min(capacity);
        if let Ok(permit) = Arc::clone(pool).try_acquire_many_owned(wanted) {
            return Ok(Permit { permit });
        }
        let _nothing_is_kept = self.spares.give_up();
        match tokio::time::timeout(self.wait, Arc::clone(pool).acquire_many_owned(wanted)).await {
            Ok(Ok(permit)) => Ok(Permit { permit }),
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("http_budget_exhausted_total").increment(1);
                Err(Exhausted)
            }
        }
    }

    /// An empty buffer with room for so many bytes, and the part of the budget that it takes up: one that has been used
    /// before, if there is any.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if there was no room within the budget's waiting time.
    pub(super) async fn buffer(&self, bytes: u64) -> Result<(Vec<u8>, Permit), Exhausted> {
        let room = usize::try_from(bytes).map_err(|_| Exhausted)?;
        if let Some(Spare { mut buffer, permit }) = self.spares.take(room) {
            buffer.clear();
            return Ok((buffer, permit));
        }
        let permit = self.take(bytes).await?;
        Ok((Vec::with_capacity(room), permit))
    }

    /// Bytes in a buffer, which somebody else may use when the last of them is dropped. They must be no secret.
    pub(super) fn lend(&self, buffer: Vec<u8>, permit: Permit) -> Bytes {
        self.spares.lend(Spare { buffer, permit })
    }

    /// Bytes that are taken at the moment. Buffers that wait to be used again do not count: whoever needs their room
    /// gets it.
    #[must_use]
    pub fn in_use(&self) -> u64 {
        let free = self.large.available_permits() + self.small.available_permits();
        let all = u64::from(self.capacity) + u64::from(self.small_capacity);
        all.saturating_sub(free as u64).saturating_sub(self.spares.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(bytes: u64) -> Budget {
        Budget::new(bytes, Duration::from_secs(3))
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_waits_for_room_and_is_refused_when_none_comes() {
        let budget = budget(1_000_000);
        let first = budget.take(800_000).await.unwrap();
        assert!(budget.take(800_000).await.is_err());
        drop(first);
        assert!(budget.take(800_000).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn small_bodies_get_through_while_large_ones_fill_the_budget() {
        let budget = budget(1_000_000);
        let _all = budget.take(10_000_000).await.unwrap();
        assert!(budget.take(65_536).await.is_ok());
        assert!(budget.take(65_537).await.is_err());
    }

    const LARGE: usize = 1_000_000;

    async fn used_buffer(budget: &Budget) -> *const u8 {
        let (mut buffer, permit) = budget.buffer(LARGE as u64).await.unwrap();
        buffer.extend_from_slice(b"bytes");
        let place = buffer.as_ptr();
        let bytes = budget.lend(buffer, permit);
        assert_eq!(&bytes[..], b"bytes");
        assert_eq!(budget.in_use(), LARGE as u64);
        place
    }

    #[tokio::test]
    async fn a_buffer_is_used_again_by_an_answer_of_about_its_size() {
        let budget = budget(64_000_000);
        let place = used_buffer(&budget).await;
        assert_eq!(budget.in_use(), 0);
        let (much_smaller, _permit) = budget.buffer(LARGE as u64 / 3).await.unwrap();
        assert_ne!(much_smaller.as_ptr(), place);
        let (larger, _permit) = budget.buffer(LARGE as u64 + 1).await.unwrap();
        assert_ne!(larger.as_ptr(), place);
        let (again, _permit) = budget.buffer(LARGE as u64 - 1).await.unwrap();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_buffer_that_waits_to_be_used_again_is_in_nobodys_way() {
        let budget = budget(4_000_000);
        used_buffer(&budget).await;
        assert_eq!(budget.in_use(), 0);
        let all = budget.take(3_000_000).await.unwrap();
        assert_eq!(budget.in_use(), 3_000_000);
        drop(all);
    }

    #[tokio::test(start_paused = true)]
    async fn a_buffer_is_not_kept_while_somebody_waits_for_room() {
        let budget = budget(4_000_000);
        let (buffer, permit) = budget.buffer(LARGE as u64).await.unwrap();
        let bytes = budget.lend(buffer, permit);
        let returned = async {
            tokio::task::yield_now().await;
            drop(bytes);
        };
        let (all, ()) = tokio::join!(budget.take(3_000_000), returned);
        assert!(all.is_ok());
    }

    #[tokio::test]
    async fn few_buffers_are_kept() {
        let budget = budget(64_000_000);
        let mut lent = Vec::new();
        for _ in 0..20 {
            let (buffer, permit) = budget.buffer(LARGE as u64).await.unwrap();
            lent.push(budget.lend(buffer, permit));
        }
        drop(lent);
        assert!(budget.spares.bytes() <= 4 * LARGE as u64);
    }

    #[tokio::test]
    async fn a_body_larger_than_the_budget_gets_through_alone() {
        let budget = budget(80_000);
        let permit = budget.take(10_000_000).await.unwrap();
        assert_eq!(budget.in_use(), 60_000);
        drop(permit);
        assert_eq!(budget.in_use(), 0);
    }
}
