//! How often one person may do something.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use shared::clock::Clock;

use super::UserNo;

/// An allowance that each person has, and that refills steadily. All of it may be used at once.
pub struct Allowance {
    limiter: Option<RateLimiter<UserNo, DashMapStateStore<UserNo>, Clock, NoOpMiddleware<Nanos>>>,
    clock: Clock,
}

impl Allowance {
    /// So many times within `span`; zero means as often as they like.
    #[must_use]
    pub fn new(times: u32, span: Duration, clock: Clock) -> Self {
        let quota = NonZeroU32::new(times).and_then(|times| {
            let quota = Quota::with_period(span.checked_div(times.get())?)?;
            Some(quota.allow_burst(times))
        });
        let limiter = quota.map(|quota| RateLimiter::dashmap_with_clock(quota, clock.clone()));
        Self { limiter, clock }
    }

    /// Takes one time out of somebody's allowance.
    ///
    /// # Errors
    ///
    /// How long it takes until there is one again.
    pub fn take(&self, user: UserNo) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        limiter
            .check_key(&user)
            .map_err(|not_yet| not_yet.wait_time_from(governor::clock::Clock::now(&self.clock)))
    }

    /// Forgets those who have all of their allowance again.
    pub fn forget_idle(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::clock::Timestamp;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn allowance(times: u32) -> (Allowance, Clock) {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
        (Allowance::new(times, HOUR, clock.clone()), clock)
    }

    #[test]
    fn each_person_has_an_allowance_of_their_own() {
        let (allowance, _) = allowance(2);
        assert_eq!(allowance.take(UserNo(1)), Ok(()));
        assert_eq!(allowance.take(UserNo(1)), Ok(()));
        assert!(allowance.take(UserNo(1)).is_err());
        assert_eq!(allowance.take(UserNo(2)), Ok(()));
    }

    #[test]
    fn it_refills_steadily_and_says_when() {
        let (allowance, clock) = allowance(2);
        for _ in 0..2 {
            assert_eq!(allowance.take(UserNo(1)), Ok(()));
        }
        assert_eq!(allowance.take(UserNo(1)), Err(HOUR / 2));
        clock.advance(HOUR / 2);
        allowance.forget_idle();
        assert_eq!(allowance.take(UserNo(1)), Ok(()));
        assert!(allowance.take(UserNo(1)).is_err());
    }

    #[test]
    fn zero_means_no_limit() {
        let (allowance, _) = allowance(0);
        assert!((0..10_000).all(|_| allowance.take(UserNo(1)).is_ok()));
    }
}
