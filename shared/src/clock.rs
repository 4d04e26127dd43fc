//! The time, passed in wherever it matters so that tests can set it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A moment, in whole nanoseconds since the Unix epoch.
///
/// It is stored as that integer and goes over the wire as a JSON number of seconds with a fraction, which is what
/// [`Serialize`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment so many nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The moment so many whole seconds after the epoch; the far future beyond the year 2262.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// Seconds since the epoch with their fraction, as on the wire.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a double of seconds is the form on the wire")]
    pub fn as_seconds_f64(self) -> f64 {
        // Nanoseconds alone would not fit the 53 bits of a double; whole seconds and the fraction each do.
        self.as_seconds() as f64 + self.0.rem_euclid(NANOS_PER_SECOND) as f64 / NANOS_PER_SECOND as f64
    }

    /// This moment and a while, or the last representable moment.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// This moment less a while, or the first representable moment.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }

    /// How long after `earlier` this is; zero if it is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(
            time.duration_since(UNIX_EPOCH)
                .map_or_else(|before| -nanos(before.duration()), nanos),
        )
    }
}

impl From<Timestamp> for SystemTime {
    /// Moments before the epoch become the epoch.
    fn from(time: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_nanos(u64::try_from(time.0).unwrap_or(0))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_seconds_f64())
    }
}

/// Where the time comes from: the machine, or a test. Clones of a manual clock show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    now: AtomicI64,
    uptime: AtomicI64,
}

/// What the uptime of the machine's clock is counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Manual {
            now: AtomicI64::new(start.0),
            uptime: AtomicI64::new(0),
        })))
    }

    /// What time it is. The machine's time may be set back meanwhile, so spans are measured with [`Clock::uptime`].
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => SystemTime::now().into(),
            Source::Manual(manual) => Timestamp(manual.now.load(Ordering::SeqCst)),
        }
    }

    /// How long the process has been counting. Never goes back, whatever is done to the machine's time.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        match &self.0 {
            Source::System => START.elapsed(),
            Source::Manual(manual) => {
                Duration::from_nanos(u64::try_from(manual.uptime.load(Ordering::SeqCst)).unwrap_or(0))
            }
        }
    }

    /// Moves a manual clock forward; the machine's clock is left alone.
    pub fn advance(&self, span: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.now.fetch_add(nanos(span), Ordering::SeqCst);
            manual.uptime.fetch_add(nanos(span), Ordering::SeqCst);
        }
    }

    /// Corrects the time that a manual clock shows, forward or back, as a time service does it: no time passes by that.
    /// The machine's clock is left alone.
    pub fn correct(&self, now: Timestamp) {
        if let Source::Manual(manual) = &self.0 {
            manual.now.store(now.0, Ordering::SeqCst);
        }
    }
}

/// Lets rate limiters count by this clock.
impl governor::clock::Clock for Clock {
    type Instant = governor::nanos::Nanos;

    fn now(&self) -> Self::Instant {
        self.uptime().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_on_the_wire_keep_their_fraction() {
        let json = serde_json::to_string(&Timestamp::from_nanos(1_754_863_793_186_137_000)).unwrap();
        assert_eq!(json, "1754863793.186137");
    }

    #[test]
    fn whole_seconds_round_down_also_before_the_epoch() {
        assert_eq!(Timestamp::from_nanos(-1).as_seconds(), -1);
        assert_eq!(Timestamp::from_nanos(1_999_999_999).as_seconds(), 1);
    }

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
        let other = clock.clone();
        clock.advance(Duration::from_secs(5));
        assert_eq!(other.now(), Timestamp::from_seconds(1_700_000_005));
    }

    #[test]
    fn a_correction_of_the_time_is_no_time_passed() {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
        clock.advance(Duration::from_secs(5));
        clock.correct(Timestamp::from_seconds(1_600_000_000));
        assert_eq!(clock.now(), Timestamp::from_seconds(1_600_000_000));
        assert_eq!(clock.uptime(), Duration::from_secs(5));
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let last = Timestamp::from_nanos(i64::MAX);
        assert_eq!(last.plus(Duration::MAX), last);
        assert_eq!(
            Timestamp::from_seconds(1).since(Timestamp::from_seconds(2)),
            Duration::ZERO
        );
    }
}
