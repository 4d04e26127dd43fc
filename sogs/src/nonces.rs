//! Nonces that were used, in memory.
//!
//! A request that changes something records its nonce in the database together with the change, so it cannot take
//! effect twice, not after a crash and not on another machine. What is here spares that for requests that only read:
//! their nonces are remembered by this process alone, and the oldest are forgotten when there are too many.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use shared::clock::{Clock, Timestamp};
use shared::crypto::sogs_auth::{TOLERANCE, Verified};

/// How many nonces one of the two halves holds; some 10 MB each when full.
const HALF: usize = 900_000;

/// The longest that a nonce counts: a timestamp may be ahead by as much as it may be behind.
pub(crate) const LONGEST: Duration = TOLERANCE.saturating_mul(2);

/// Nonces that were used lately, by whom does not show: keyed hashes of id and nonce.
#[derive(Debug)]
pub struct Nonces {
    hasher: RandomState,
    clock: Clock,
    halves: Mutex<Halves>,
}

#[derive(Debug)]
struct Halves {
    newer: HashSet<u64>,
    older: HashSet<u64>,
    /// When the newer half was begun.
    begun: Timestamp,
}

impl Nonces {
    /// None used yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let begun = clock.now();
        Self {
            hasher: RandomState::new(),
            clock,
            halves: Mutex::new(Halves {
                newer: HashSet::new(),
                older: HashSet::new(),
                begun,
            }),
        }
    }

    /// Uses a nonce. False if this id has used it already.
    #[must_use]
    pub fn take(&self, verified: &Verified) -> bool {
        let hash = self.hash(verified);
        let now = self.clock.now();
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if halves.newer.len() >= HALF || now.since(halves.begun) >= LONGEST {
            halves.older = std::mem::take(&mut halves.newer);
            halves.begun = now;
        }
        !halves.older.contains(&hash) && halves.newer.insert(hash)
    }

    /// Gives a nonce back, for the request has failed through no fault of the client's and has changed nothing.
    pub fn give_back(&self, verified: &Verified) {
        let hash = self.hash(verified);
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        halves.newer.remove(&hash);
        halves.older.remove(&hash);
    }

    fn hash(&self, verified: &Verified) -> u64 {
        self.hasher.hash_one((verified.id, verified.nonce))
    }
}
