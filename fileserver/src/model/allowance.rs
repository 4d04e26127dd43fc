//! How many bytes may be uploaded per minute, by everybody together.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use shared::clock::Clock;

/// Bytes are counted in pieces of this size, so that a minute's worth fits the limiter's counter.
const PIECE: u64 = 1024;

/// The allowance of the minute is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upload allowance is spent for another {} s", retry.as_secs())]
pub struct Spent {
    /// How long until this upload would fit.
    pub retry: Duration,
}

/// An allowance of bytes that refills steadily. A minute's worth may be used at once.
pub struct Allowance {
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, Clock, NoOpMiddleware<Nanos>>>,
    clock: Clock,
}

impl Allowance {
    /// So many bytes per minute; zero means any number.
    #[must_use]
    pub fn per_minute(bytes: u64, clock: Clock) -> Self {
        let pieces = NonZeroU32::new(u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX));
        let limiter = pieces.map(|pieces| RateLimiter::direct_with_clock(Quota::per_minute(pieces), clock.clone()));
        Self { limiter, clock }
    }

    /// Takes an upload of so many bytes out of the allowance.
    ///
    /// # Errors
    ///
    /// [`Spent`] if it does not fit; nothing is taken then.
    pub fn take(&self, bytes: u64) -> Result<(), Spent> {
        let pieces = NonZeroU32::new(u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX));
        let (Some(limiter), Some(pieces)) = (&self.limiter, pieces) else {
            return Ok(());
        };
        match limiter.check_n(pieces) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_yet)) => Err(Spent {
                retry: not_yet.wait_time_from(governor::clock::Clock::now(&self.clock)),
            }),
            Err(_larger_than_a_minutes_worth) => Err(Spent {
                retry: Duration::from_secs(60),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::clock::Timestamp;

    use super::*;

    #[test]
    fn what_is_spent_comes_back_within_the_minute() {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
        let allowance = Allowance::per_minute(60 * 1024 * 1024, clock.clone());
        assert_eq!(allowance.take(60 * 1024 * 1024), Ok(()));
        let Spent { retry } = allowance.take(10 * 1024 * 1024).unwrap_err();
        assert!(
            retry > Duration::from_secs(9) && retry < Duration::from_secs(11),
            "{retry:?}"
        );
        clock.advance(Duration::from_secs(11));
        assert_eq!(allowance.take(10 * 1024 * 1024), Ok(()));
    }

    #[test]
    fn it_refills_also_when_the_time_is_set_back() {
        let start = Timestamp::from_seconds(1_700_000_000);
        let clock = Clock::manual(start);
        let allowance = Allowance::per_minute(60 * 1024 * 1024, clock.clone());
        assert_eq!(allowance.take(60 * 1024 * 1024), Ok(()));
        clock.correct(start.minus(Duration::from_secs(3600)));
        clock.advance(Duration::from_secs(11));
        assert_eq!(allowance.take(10 * 1024 * 1024), Ok(()));
    }

    #[test]
    fn zero_means_no_limit() {
        let allowance = Allowance::per_minute(0, Clock::system());
        assert_eq!(allowance.take(u64::MAX), Ok(()));
    }

    #[test]
    fn more_than_a_minutes_worth_is_refused() {
        assert!(Allowance::per_minute(1024, Clock::system()).take(1025).is_err());
    }
}
