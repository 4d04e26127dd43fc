//! Remembers that the upload allowance is spent, so that uploads can be refused before they are read.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use shared::clock::Timestamp;

/// The longest that anybody is told to wait: within a minute the whole allowance comes back.
const LONGEST: Duration = Duration::from_secs(60);

/// Until when the upload allowance is spent.
#[derive(Debug, Default)]
pub struct SpentUntil(AtomicI64);

impl SpentUntil {
    /// Notes that nothing more fits until then.
    pub fn until(&self, then: Timestamp) {
        self.0.store(then.as_nanos(), Ordering::Relaxed);
    }

    /// How long to wait; zero if there may be room. A clock that was set back makes nobody wait longer than a minute.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Duration {
        let wait = Timestamp::from_nanos(self.0.load(Ordering::Relaxed)).since(now);
        if wait > LONGEST { Duration::ZERO } else { wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_by_itself_and_when_the_clock_is_set_back() {
        let now = Timestamp::from_seconds(1_700_000_000);
        let spent = SpentUntil::default();
        assert_eq!(spent.wait(now), Duration::ZERO);
        spent.until(now.plus(Duration::from_secs(20)));
        assert_eq!(spent.wait(now.plus(Duration::from_secs(5))), Duration::from_secs(15));
        assert_eq!(spent.wait(now.plus(Duration::from_secs(20))), Duration::ZERO);
        assert_eq!(spent.wait(now.minus(Duration::from_secs(3600))), Duration::ZERO);
    }
}
