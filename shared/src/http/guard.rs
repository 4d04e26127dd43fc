//! Slows down direct clients that guess.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

/// How many clients are remembered at the same time; the least recent are forgotten beyond that.
const CLIENTS: u64 = 50_000;

/// Counts the "not found" answers per direct client within a window of time, in memory only.
///
/// Numeric file ids can be guessed in principle. A client that was told 404 too often gets 429 for everything until its
/// window is over, so that it learns nothing from a hit either. IPv6 clients are counted by their /64.
#[derive(Clone)]
pub struct MissLimiter {
    counts: Cache<IpAddr, Arc<AtomicU32>>,
    most: u32,
    window: Duration,
}

impl MissLimiter {
    /// At most `most` misses per client within `window`.
    #[must_use]
    pub fn new(most: u32, window: Duration) -> Self {
        let counts = Cache::builder().max_capacity(CLIENTS).time_to_live(window).build();
        Self { counts, most, window }
    }

    /// Whether the client has used up its misses.
    #[must_use]
    pub fn is_spent(&self, client: IpAddr) -> bool {
        self.counts
            .get(&network(client))
            .is_some_and(|count| count.load(Ordering::Relaxed) >= self.most)
    }

    /// Counts one more miss.
    pub fn count(&self, client: IpAddr) {
        self.counts
            .get_with(network(client), Arc::default)
            .fetch_add(1, Ordering::Relaxed);
    }

    /// The length of the window in seconds, for Retry-After.
    #[must_use]
    pub fn window_seconds(&self) -> u64 {
        self.window.as_secs()
    }
}

/// What one subscriber is usually given: an IPv4 address, or an IPv6 /64.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_client_is_stopped_and_another_is_not() {
        let limiter = MissLimiter::new(3, Duration::from_secs(60));
        for _ in 0..3 {
            assert!(!limiter.is_spent(ip("192.0.2.1")));
            limiter.count(ip("192.0.2.1"));
        }
        assert!(limiter.is_spent(ip("192.0.2.1")));
        assert!(!limiter.is_spent(ip("192.0.2.2")));
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let limiter = MissLimiter::new(1, Duration::from_secs(60));
        limiter.count(ip("2001:db8:1:2::1"));
        assert!(limiter.is_spent(ip("2001:db8:1:2:ffff::9")));
        assert!(!limiter.is_spent(ip("2001:db8:1:3::1")));
    }
}
