//! Pages that were made a moment ago, and how many are made at the same time.
//!
//! Readers come in crowds, and none of them may get in the way of the apps. A page is made once for all who ask within a
//! few seconds, unless something in it has changed; and only a few are made at once, whatever is asked for.

use std::future::Future;
use std::time::Duration;

use moka::sync::Cache;
use shared::clock::{Clock, Timestamp};
use tokio::sync::Semaphore;

use super::answer::{Content, NoPage};
use crate::model::{Room, RoomNo};

/// How long a page is good for when nothing in it has changed that is known of: counts of readers, files that expire.
pub(crate) const LIFE: Duration = Duration::from_secs(10);

/// How many bytes of pages are kept.
const CAPACITY: u64 = 4 * 1024 * 1024;

/// How many pages are made at the same time.
const AT_ONCE: usize = 2;

/// How many readers wait for a turn, so that they do not take all connections.
const WAITING: usize = 30;

/// How long a reader waits for a turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Index,
    Room(RoomNo, Place),
    Feed(RoomNo),
    Invite(RoomNo),
}

/// Which messages of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Latest,
    Before(i64),
    After(i64),
}

/// The state of things that a page was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    generation: i64,
    sequence: i64,
}

impl Stamp {
    /// The state of all rooms, and of the messages of one.
    pub(super) fn new(generation: i64, room: Option<&Room>) -> Self {
        Self {
            generation,
            sequence: room.map_or(0, |room| room.counters.message_sequence()),
        }
    }
}

#[derive(Clone, Debug)]
struct Made {
    stamp: Stamp,
    at: Timestamp,
    content: Content,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Shelf {
    clock: Clock,
    made: Cache<Key, Made>,
    turns: Semaphore,
    /// Those who have a turn and those who wait for one.
    queue: Semaphore,
    patience: Duration,
}

impl Shelf {
    pub(super) fn new(clock: Clock) -> Self {
        let weigher = |_: &Key, made: &Made| made.content.weight();
        Self {
            clock,
            made: Cache::builder().max_capacity(CAPACITY).weigher(weigher).build(),
            turns: Semaphore::new(AT_ONCE),
            queue: Semaphore::new(AT_ONCE + WAITING),
            patience: PATIENCE,
        }
    }

    /// The page if it is there and still good, or a new one.
    pub(super) async fn page<F>(&self, key: Key, stamp: Stamp, make: impl FnOnce() -> F) -> Result<Content, NoPage>
    where
        F: Future<Output = Result<Content, NoPage>>,
    {
        if let Some(content) = self.find(key, stamp) {
            return Ok(content);
        }
        let Ok(_place) = self.queue.try_acquire() else {
            return Err(NoPage::Busy);
        };
        let turn = tokio::time::timeout(self.patience, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(NoPage::Busy);
        };
        // Whoever went before may have made it.
        if let Some(content) = self.find(key, stamp) {
            return Ok(content);
        }
        let at = self.clock.now();
        let content = make().await?;
        let made = Made {
            stamp,
            at,
            content: content.clone(),
        };
        self.made.insert(key, made);
        Ok(content)
    }

    fn find(&self, key: Key, stamp: Stamp) -> Option<Content> {
        let made = self.made.get(&key)?;
        let is_good = made.stamp == stamp && self.clock.now() < made.at.plus(LIFE);
        is_good.then_some(made.content)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;

    use super::*;

    async fn ask(shelf: &Shelf, made: &AtomicUsize, sequence: i64) {
        let stamp = Stamp {
            generation: 1,
            sequence,
        };
        let make = async || {
            made.fetch_add(1, Ordering::Relaxed);
            Ok(Content::new(mime::TEXT_HTML_UTF_8, "page"))
        };
        shelf.page(Key::Index, stamp, make).await.unwrap();
    }

    #[tokio::test]
    async fn a_page_is_made_again_when_something_changes_or_time_has_passed() {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
        let shelf = Shelf::new(clock.clone());
        let made = AtomicUsize::new(0);
        for (sequence, passes, expected) in [(1, 0, 1), (1, 9, 1), (2, 0, 2), (2, 10, 3), (2, 0, 3)] {
            clock.advance(Duration::from_secs(passes));
            ask(&shelf, &made, sequence).await;
            assert_eq!(made.load(Ordering::Relaxed), expected, "{sequence} {passes}");
        }
    }

    #[tokio::test]
    async fn whoever_finds_no_turn_is_asked_to_come_back() {
        let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
        let mut shelf = Shelf::new(clock);
        shelf.patience = Duration::ZERO;
        let _turns = shelf.turns.acquire_many(2).await.unwrap();
        let stamp = Stamp {
            generation: 1,
            sequence: 1,
        };
        let make = async || Ok(Content::new(mime::TEXT_HTML_UTF_8, "page"));
        assert!(matches!(shelf.page(Key::Index, stamp, make).await, Err(NoPage::Busy)));

        // When as many wait as may, the next one is not kept at all.
        shelf.patience = Duration::MAX;
        let _queue = shelf.queue.acquire_many(32).await.unwrap();
        let refused = shelf.page(Key::Index, stamp, make).now_or_never();
        assert!(matches!(refused, Some(Err(NoPage::Busy))));
    }
}
