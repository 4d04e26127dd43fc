//! Rooms and people as the handlers see them: read from the database and kept in memory until something changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use shared::clock::Timestamp;
use shared::crypto::UserId;

use super::{Defaults, Override, Permissions, Standing, WebParts, resolve};

/// The number of a room in the database; clients never see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomNo(pub i64);

/// The number of a person in the database; clients never see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserNo(pub i64);

impl UserNo {
    /// The server itself, on whose behalf the command line acts.
    pub const SYSTEM: Self = Self(0);
}

/// A room.
#[derive(Debug)]
pub struct Room {
    /// Its number.
    pub no: RoomNo,
    /// Its token, as it was chosen.
    pub token: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// The file that is its image.
    pub image: Option<i64>,
    /// When it was made.
    pub created: Timestamp,
    /// Grows with every change of what clients show about the room.
    pub info_updates: i64,
    /// What everybody may.
    pub defaults: Defaults,
    /// Posts of one person within [`Room::rate_limit_interval`]; 0 for as many as they like.
    pub rate_limit_size: i64,
    /// See [`Room::rate_limit_size`].
    pub rate_limit_interval: Duration,
    /// What of it browsers can see.
    pub web: WebParts,
    /// Who moderates it.
    pub moderators: Moderators,
    /// What is pinned, oldest pin first.
    pub pins: Vec<Pin>,
    /// What changes all the time.
    pub counters: Arc<Counters>,
}

/// What of a room changes all the time.
#[derive(Debug, Default)]
pub struct Counters {
    /// The latest sequence number that is committed.
    message_sequence: AtomicI64,
    /// How many people read in the room lately.
    active_users: AtomicI64,
}

impl Counters {
    /// The latest sequence number that is committed. Another process may be ahead by a second at most.
    #[must_use]
    pub fn message_sequence(&self) -> i64 {
        self.message_sequence.load(Ordering::Acquire)
    }

    /// Takes note of a committed sequence number. Numbers never go down.
    pub fn reached(&self, seqno: i64) {
        self.message_sequence.fetch_max(seqno, Ordering::AcqRel);
    }

    /// How many people read in the room lately.
    #[must_use]
    pub fn active_users(&self) -> i64 {
        self.active_users.load(Ordering::Relaxed)
    }

    /// Takes note of a new count.
    pub fn set_active_users(&self, count: i64) {
        self.active_users.store(count, Ordering::Relaxed);
    }
}

/// Who moderates a room, here or on the whole server, without the server itself; each list in the order of the ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moderators {
    /// Moderators that everybody can see.
    pub moderators: Vec<String>,
    /// Admins that everybody can see.
    pub admins: Vec<String>,
    /// Moderators that only moderators can see.
    pub hidden_moderators: Vec<String>,
    /// Admins that only moderators can see.
    pub hidden_admins: Vec<String>,
}

/// A pinned message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The message.
    pub message: i64,
    /// When it was pinned, or pinned again.
    pub pinned_at: Timestamp,
    /// By whom.
    pub pinned_by: String,
}

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    /// Their number.
    pub no: UserNo,
    /// Their id: 05 or 15 and 64 digits, except for people from very old databases.
    pub session_id: String,
    /// What they are on the whole server.
    pub standing: Standing,
    /// Whether others can see that they moderate the whole server.
    pub visible_mod: bool,
}

/// A person with all that differs for them in any room.
#[derive(Clone, Debug)]
pub struct Member {
    /// The id that they sign with.
    pub id: UserId,
    /// The person.
    pub user: User,
    /// Where something differs.
    pub overrides: HashMap<RoomNo, Override>,
}

impl Member {
    /// What they are and may in a room.
    #[must_use]
    pub fn permissions(&self, room: &Room) -> Permissions {
        resolve(self.user.standing, self.overrides.get(&room.no), room.defaults)
    }
}

impl Room {
    /// What somebody may here; `None` is somebody who did not sign.
    #[must_use]
    pub fn permissions(&self, member: Option<&Member>) -> Permissions {
        member.map_or_else(
            || resolve(Standing::default(), None, self.defaults),
            |member| member.permissions(self),
        )
    }
}
