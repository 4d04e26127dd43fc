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

    /// The same for several people who are changed together, and for the rooms in which they are changed.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn lock_people(&mut self, ids: &[UserId], scope: &Scope) -> Result<(), DbError> {
        let key = |id: &UserId| blinding::person_key(self.blinding.as_deref(), id);
        let mut keys: Vec<String> = ids.iter().map(key).collect();
        keys.sort_unstable();
        for key in keys {
            run!(self.tx, execute, query, LOCK_PERSON, key)?;
        }
        self.lock_places(ids, scope).await?;
        Ok(())
    }

    /// Locks the rooms that a change of these people concerns. Whoever is named by a blinded id for the first time may
    /// take over roles, which concerns other rooms too: all are locked together, so that it is in their order. Answers
    /// whether the rooms of the scope are there.
    async fn lock_places(&mut self, ids: &[UserId], scope: &Scope) -> Result<bool, DbError> {
        let mut concerned = Vec::new();
        for id in ids {
            match self.rooms_taken_over(id).await? {
                Scope::Server => {
                    self.lock_all_rooms().await?;
                    break;
                }
                Scope::Rooms(rooms) => concerned.extend(rooms),
            }
        }
        match scope {
            Scope::Rooms(rooms) => {
                concerned.extend(rooms);
                self.lock_rooms(&concerned).await?;
                self.lock_rooms(rooms).await
            }
            Scope::Server if concerned.is_empty() => Ok(true),
            Scope::Server => self.lock_all_rooms().await.map(|()| true),
        }
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
        if self.lock_places(std::slice::from_ref(id), scope).await? {
            Ok(())
        } else {
            Err(ChangeError::RoomGone)
        }
    }
}
