//! What every request asks for, kept in memory: rooms, who moderates them, people and what differs for them, and the
//! ids of the latest direct messages.
//!
//! Everything is stamped with the generation of the database that it was read at. A change in this process raises the
//! generation before its answer is sent, so nothing that a moderator has taken away is granted afterwards. What other
//! processes change, [`Directory::catch_up`] finds out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::RwLock;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwapOption;
use moka::sync::Cache;
use shared::crypto::UserId;
use shared::db::DbError;
use tokio::sync::Mutex;

use crate::model::{Counters, Member, Room, RoomNo, UserNo};
use crate::store::{Committed, Latest, Store};

/// How many people are kept in memory; the least recent are read again beyond that.
const MEMBERS: u64 = 50_000;

/// What is no epoch: of this person it is only known that there are messages up to some.
const NO_EPOCH: i64 = -1;

/// The state of all rooms at one generation.
#[derive(Debug)]
pub struct Rooms {
    generation: i64,
    /// In the order of their tokens, without regard to case.
    sorted: Vec<Arc<Room>>,
    by_key: HashMap<String, Arc<Room>>,
    by_number: HashMap<RoomNo, Arc<Room>>,
}

impl Rooms {
    /// The room of this token, whatever its case.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<&Arc<Room>> {
        self.by_key
            .get(token)
            .or_else(|| self.by_key.get(&token.to_ascii_lowercase()))
    }

    /// The room of this number.
    #[must_use]
    pub fn by_number(&self, no: RoomNo) -> Option<&Arc<Room>> {
        self.by_number.get(&no)
    }

    /// Grows with every change of rooms, moderators or pins.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.generation
    }

    /// All rooms, in the order of their tokens.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.sorted.iter()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Directory {
    store: Store,
    generation: AtomicI64,
    rooms: ArcSwapOption<Rooms>,
    loading: Mutex<()>,
    counters: RwLock<HashMap<RoomNo, Arc<Counters>>>,
    members: Cache<UserId, (i64, Arc<Member>)>,
    direct_epoch: AtomicI64,
    direct_latest: AtomicI64,
    direct: Cache<UserNo, (i64, Latest)>,
}

impl Directory {
    /// A directory of what is in this store; nothing is read yet.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            generation: AtomicI64::new(0),
            rooms: ArcSwapOption::empty(),
            loading: Mutex::new(()),
            counters: RwLock::default(),
            members: Cache::new(MEMBERS),
            direct_epoch: AtomicI64::new(0),
            direct_latest: AtomicI64::new(0),
            direct: Cache::new(MEMBERS),
        }
    }

    /// All rooms.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn rooms(&self) -> Result<Arc<Rooms>, DbError> {
        if let Some(rooms) = self.current() {
            return Ok(rooms);
        }
        let _one_at_a_time = self.loading.lock().await;
        if let Some(rooms) = self.current() {
            return Ok(rooms);
        }
        let (generation, loaded) = self.store.rooms().await?;
        let sorted: Vec<Arc<Room>> = loaded
            .into_iter()
            .map(|loaded| {
                let counters = self.counters(loaded.room.no);
                counters.reached(loaded.message_sequence);
                counters.set_active_users(loaded.active_users);
                Arc::new(Room {
                    counters,
                    ..loaded.room
                })
            })
            .collect();
        let rooms = Arc::new(Rooms {
            generation,
            by_key: sorted
                .iter()
                .map(|room| (room.token.to_ascii_lowercase(), Arc::clone(room)))
                .collect(),
            by_number: sorted.iter().map(|room| (room.no, Arc::clone(room))).collect(),
            sorted,
        });
        self.generation.fetch_max(generation, Ordering::AcqRel);
        self.rooms.store(Some(Arc::clone(&rooms)));
        Ok(rooms)
    }

    fn current(&self) -> Option<Arc<Rooms>> {
        let rooms = self.rooms.load_full()?;
        (rooms.generation >= self.generation.load(Ordering::Acquire)).then_some(rooms)
    }

    /// The person who signs with this id, if they are known.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn member(&self, id: &UserId) -> Result<Option<Arc<Member>>, DbError> {
        let generation = self.generation.load(Ordering::Acquire);
        if let Some((stamp, member)) = self.members.get(id)
            && stamp == generation
        {
            return Ok(Some(member));
        }
        let Some(member) = self.store.member(id).await? else {
            return Ok(None);
        };
        let member = Arc::new(member);
        self.members.insert(*id, (generation, Arc::clone(&member)));
        Ok(Some(member))
    }

    /// The ids of somebody's latest direct messages. Expired ones may count until they are deleted.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn latest_direct(&self, user: UserNo) -> Result<Latest, DbError> {
        let epoch = self.direct_epoch.load(Ordering::Acquire);
        if let Some((stamp, latest)) = self.direct.get(&user)
            && stamp == epoch
        {
            return Ok(latest);
        }
        let latest = self.store.latest_direct(user).await?;
        self.raise_direct(user, Some(epoch), latest);
        Ok(latest)
    }

    /// Takes note of messages. Ids never go down, so what was found out in between is kept; an id that is too large costs
    /// no more than a look into the database. Without an epoch nothing is known but that there are these.
    fn raise_direct(&self, user: UserNo, epoch: Option<i64>, latest: Latest) {
        let _ = self.direct.entry(user).and_upsert_with(|known| {
            let (stamp, known) = known.map_or((NO_EPOCH, Latest::default()), moka::Entry::into_value);
            let latest = Latest {
                inbox: known.inbox.max(latest.inbox),
                outbox: known.outbox.max(latest.outbox),
            };
            (epoch.unwrap_or(stamp), latest)
        });
    }

    /// Takes note of a change that this process has committed; to be called before the answer is sent.
    pub fn apply(&self, committed: &Committed) {
        if let Some(generation) = committed.generation {
            self.generation.fetch_max(generation, Ordering::AcqRel);
        }
        for (room, seqno) in &committed.sequences {
            self.counters(*room).reached(*seqno);
        }
        if let Some((id, sender, recipient)) = committed.direct {
            // If another process has sent one in between, the next look at the database has to find that out.
            let _ = self
                .direct_latest
                .compare_exchange(id - 1, id, Ordering::AcqRel, Ordering::Acquire);
            let sent = Latest { inbox: 0, outbox: id };
            let received = Latest { inbox: id, outbox: 0 };
            self.raise_direct(sender, None, sent);
            self.raise_direct(recipient, None, received);
        }
        if committed.direct_deleted {
            self.forget_direct();
        }
    }

    /// Takes note of what other processes have committed.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn catch_up(&self) -> Result<(), DbError> {
        let pulse = self.store.pulse().await?;
        self.generation.fetch_max(pulse.generation, Ordering::AcqRel);
        for room in &pulse.rooms {
            let counters = self.counters(RoomNo(room.id));
            counters.reached(room.message_sequence);
            counters.set_active_users(room.active_users);
        }
        if self.direct_latest.swap(pulse.direct_message_sequence, Ordering::AcqRel) != pulse.direct_message_sequence {
            self.forget_direct();
        }
        Ok(())
    }

    /// Forgets everything, for what other processes have done cannot be known.
    pub fn forget(&self) {
        self.rooms.store(None);
        self.members.invalidate_all();
        self.forget_direct();
    }

    /// Takes note of new counts of active users.
    pub fn set_active_users(&self, counts: &[(RoomNo, i64)]) {
        for (room, count) in counts {
            self.counters(*room).set_active_users(*count);
        }
    }

    /// Forgets what it knows of direct messages.
    pub fn forget_direct(&self) {
        self.direct_epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// The counters of a room, which stay the same object for as long as the process lives.
    fn counters(&self, room: RoomNo) -> Arc<Counters> {
        let known = self.counters.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(counters) = known.get(&room) {
            return Arc::clone(counters);
        }
        drop(known);
        let mut known = self.counters.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(known.entry(room).or_default())
    }
}

#[cfg(test)]
mod tests {
    use shared::db::DbOptions;

    use super::*;

    #[tokio::test]
    async fn a_message_that_comes_while_older_ones_are_read_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("sogs.db").display());
        let store = Store::open(&DbOptions::at(url), None).await.unwrap();
        let directory = Directory::new(store);
        let (ann, bob) = (UserNo(1), UserNo(2));
        let epoch = directory.direct_epoch.load(Ordering::Acquire);
        let committed = Committed {
            direct: Some((7, ann, bob)),
            ..Committed::default()
        };
        directory.apply(&committed);
        // What was read before it was committed comes in only now.
        directory.raise_direct(bob, Some(epoch), Latest { inbox: 3, outbox: 4 });
        let latest = directory.latest_direct(bob).await.unwrap();
        assert_eq!(latest, Latest { inbox: 7, outbox: 4 });
    }
}
