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
