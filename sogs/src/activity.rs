//! When people were last seen, gathered in memory and written every few seconds, so that a read writes nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::clock::Timestamp;

use crate::model::{RoomNo, UserNo};

/// How many entries are gathered at most; what comes beyond them is lost, which nobody will notice.
const MOST: usize = 200_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Activity(Mutex<Seen>);

/// What was gathered.
#[derive(Debug, Default)]
pub struct Seen {
    /// When people last signed a request.
    pub users: HashMap<UserNo, Timestamp>,
    /// When they last read in a room.
    pub rooms: HashMap<(RoomNo, UserNo), Timestamp>,
}

impl Seen {
    /// The same in parts of so many entries, each in the same order everywhere, so that two processes that write do not
    /// wait for each other.
    pub fn parts(self, most: usize) -> impl Iterator<Item = Self> {
        let mut users: Vec<_> = self.users.into_iter().collect();
        let mut rooms: Vec<_> = self.rooms.into_iter().collect();
        users.sort_unstable_by_key(|(user, _)| *user);
        rooms.sort_unstable_by_key(|(key, _)| *key);
        std::iter::from_fn(move || {
            let users: Vec<_> = users.drain(..most.min(users.len())).collect();
            let rooms: Vec<_> = rooms.drain(..most.min(rooms.len())).collect();
            (!users.is_empty() || !rooms.is_empty()).then(|| Self {
                users: users.into_iter().collect(),
                rooms: rooms.into_iter().collect(),
            })
        })
    }
}

impl Activity {
    /// Somebody signed a request.
    pub fn saw(&self, user: UserNo, at: Timestamp) {
        let mut seen = self.lock();
        if seen.users.len() < MOST {
            seen.users.insert(user, at);
        }
    }

    /// Somebody read in a room.
    pub fn read_in(&self, room: RoomNo, user: UserNo, at: Timestamp) {
        let mut seen = self.lock();
        if seen.rooms.len() < MOST {
            seen.rooms.insert((room, user), at);
        }
    }

    /// All that was gathered since the last time.
    #[must_use]
    pub fn take(&self) -> Seen {
        std::mem::take(&mut self.lock())
    }

    /// Forgets that somebody read in a room.
    pub fn forget(&self, room: RoomNo, user: UserNo) {
        self.lock().rooms.remove(&(room, user));
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
