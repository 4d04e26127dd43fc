//! The least speed of bodies, in either direction.

use std::time::Duration;

/// The least speed at which a body must move, in bytes per millisecond, after the time that any pause may take: that of a
/// bad telephone line. Whoever is slow holds on to a part of the byte budget.
const LEAST_RATE: u64 = 64;

/// The time that a body of which so much has been moved may have taken.
pub(super) const fn earned(bytes: u64) -> Duration {
    Duration::from_millis(bytes / LEAST_RATE)
}
