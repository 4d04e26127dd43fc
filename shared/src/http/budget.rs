//! A budget of bytes for bodies in flight, so that many large requests wait instead of exhausting memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
}

/// A part of the budget; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _permit: OwnedSemaphorePermit,
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
        match tokio::time::timeout(self.wait, Arc::clone(pool).acquire_many_owned(wanted)).await {
            Ok(Ok(permit)) => Ok(Permit { _permit: permit }),
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("http_budget_exhausted_total").increment(1);
                Err(Exhausted)
            }
        }
    }

    /// Bytes that are taken at the moment.
    #[must_use]
    pub fn in_use(&self) -> u64 {
        let free = self.large.available_permits() + self.small.available_permits();
        (u64::from(self.capacity) + u64::from(self.small_capacity)).saturating_sub(free as u64)
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

    #[tokio::test]
    async fn a_body_larger_than_the_budget_gets_through_alone() {
        let budget = budget(80_000);
        let permit = budget.take(10_000_000).await.unwrap();
        assert_eq!(budget.in_use(), 60_000);
        drop(permit);
        assert_eq!(budget.in_use(), 0);
    }
}
