//! How many reactions one person may add within a minute.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use shared::clock::Clock;

use super::UserNo;

/// After so many reactions those people are forgotten who have added none for a while.
const FORGET_AFTER: u32 = 4096;

/// Counts reactions, for each person apart. A minute's worth may be added at once.
#[derive(Debug)]
pub struct ReactionLimit {
    limiter: Option<RateLimiter<UserNo, DashMapStateStore<UserNo>, Clock, NoOpMiddleware<Nanos>>>,
    taken: AtomicU32,
    clock: Clock,
}

impl ReactionLimit {
    /// So many reactions per minute; zero means any number.
    #[must_use]
    pub fn per_minute(count: u32, clock: Clock) -> Self {
        let limiter = NonZeroU32::new(count)
            .map(|count| RateLimiter::dashmap_with_clock(Quota::per_minute(count), clock.clone()));
        Self {
            limiter,
            taken: AtomicU32::new(0),
            clock,
        }
    }

    /// Counts a reaction of somebody.
    ///
    /// # Errors
    ///
    /// How long until they may add one again; this one is not counted then.
    pub fn take(&self, user: UserNo) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        if self.taken.fetch_add(1, Ordering::Relaxed) % FORGET_AFTER == FORGET_AFTER - 1 {
            limiter.retain_recent();
        }
        limiter
            .check_key(&user)
            .map_err(|not_yet| not_yet.wait_time_from(governor::clock::Clock::now(&self.clock)))
    }
}

#[cfg(test)]
mod tests {
    use shared::clock::Timestamp;

    use super::*;

    #[test]
    fn everybody_has_a_minutes_worth_of_their_own() {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
        let limit = ReactionLimit::per_minute(3, clock.clone());
        let (one, other) = (UserNo(1), UserNo(2));
        assert!((0..3).all(|_| limit.take(one).is_ok()));
        assert_eq!(limit.take(one), Err(Duration::from_secs(20)));
        assert_eq!(limit.take(other), Ok(()));
        clock.advance(Duration::from_secs(20));
        assert_eq!(limit.take(one), Ok(()));
        assert!(limit.take(one).is_err());
    }

    #[test]
    fn zero_means_no_limit() {
        let limit = ReactionLimit::per_minute(0, Clock::system());
        assert!((0..1000).all(|_| limit.take(UserNo(1)).is_ok()));
    }
}
