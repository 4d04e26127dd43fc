//! Locks of PostgreSQL on what a change decides on. SQLite runs one change at a time anyway.

use shared::crypto::UserId;
use shared::db::{DbError, PerDialect};
use shared::run;

use super::{ChangeError, Write, blinding};
use crate::model::{RoomNo, Scope};

/// There may be no row yet, so this is not a lock on a row.
const LOCK_PERSON: PerDialect = PerDialect {
    sqlite: "SELECT $1",
    postgres: "SELECT pg_advisory_xact_lock(hashtextextended($1, 15))",
};

/// Rows that refer to a room can still be added by others.
const LOCK_ROOM: PerDialect = PerDialect {
    sqlite: "SELECT id FROM rooms WHERE id = $1",
    postgres: "SELECT id FROM rooms WHERE id = $1 FOR NO KEY UPDATE",
};

/// In the order of their numbers, so that two such changes do not wait for each other.
const LOCK_ALL_ROOMS: PerDialect = PerDialect {
    sqlite: "SELECT id FROM rooms WHERE FALSE",
    postgres: "SELECT id FROM rooms ORDER BY id FOR NO KEY UPDATE",
};

impl Write {
    /// Waits until nobody else changes anything about this person, under whichever of their ids. One person in one
    /// change, before anything else is locked.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn lock_person(&mut self, id: &UserId) -> Result<(), DbError> {
        let key = blinding::person_key(self.blinding.as_deref(), id);
        run!(self.tx, execute, query, LOCK_PERSON, key)?;
        Ok(())
    }

    /// Waits until nobody else changes anything about these rooms. Answers whether all are there.
    pub(super) async fn lock_rooms(&mut self, rooms: &[RoomNo]) -> Result<bool, DbError> {
        let mut sorted = rooms.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut all = true;
        for room in sorted {
            let found = run!(self.tx, fetch_optional, query_scalar::<_, i64>, LOCK_ROOM, room.0)?;
            all &= found.is_some();
        }
        Ok(all)
    }

    /// The same for all rooms that there are.
    pub(super) async fn lock_all_rooms(&mut self) -> Result<(), DbError> {
        run!(self.tx, fetch_all, query_scalar::<_, i64>, LOCK_ALL_ROOMS)?;
        Ok(())
    }

    /// Locks a person and the rooms in which something about them is to be changed.
    pub(super) async fn lock(&mut self, id: &UserId, scope: &Scope) -> Result<(), ChangeError> {
        self.lock_person(id).await?;
        match scope {
            Scope::Server => Ok(()),
            Scope::Rooms(rooms) if self.lock_rooms(rooms).await? => Ok(()),
            Scope::Rooms(_) => Err(ChangeError::RoomGone),
        }
    }
}
