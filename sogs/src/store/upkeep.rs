//! What time makes superfluous, taken away in bounded steps.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect};
use shared::run;

use super::{Store, Write};
use crate::activity::Seen;
use crate::model::{RoomNo, UserNo};

/// How many rows one step takes away, so that others get their turn in between.
const STEP: i64 = 1000;

const HISTORY: PerDialect = PerDialect {
    sqlite: "DELETE FROM message_history
        WHERE rowid IN (SELECT rowid FROM message_history WHERE replaced < $1 LIMIT $2)",
    postgres: "DELETE FROM message_history
        WHERE ctid IN (SELECT ctid FROM message_history WHERE replaced < $1 LIMIT $2)",
};

const DIRECT: &str = "DELETE FROM direct_messages
    WHERE id IN (SELECT id FROM direct_messages WHERE expiry <= $1 ORDER BY expiry LIMIT $2)";

const NONCES: &str = "DELETE FROM nonces
    WHERE (identity, nonce) IN (SELECT identity, nonce FROM nonces WHERE expiry < $1 LIMIT $2)";

const ACTIVITY: &str = "DELETE FROM room_activity
    WHERE (room, person) IN (SELECT room, person FROM room_activity WHERE last_active < $1 LIMIT $2)";

/// Times that far ahead come from a clock that was wrong.
const AHEAD: Duration = Duration::from_secs(60 * 60);

const MEND_USERS: &str = "UPDATE users
    SET last_active = $1, created = CASE WHEN created > $1 THEN $1 ELSE created END
    WHERE last_active > $2";

const MEND_ACTIVITY: &str = "UPDATE room_activity SET last_active = $1 WHERE last_active > $2";

const MEND_DIRECT: &str = "UPDATE direct_messages
    SET posted_at = $1, expiry = CASE WHEN expiry > $3 THEN $3 ELSE expiry END
    WHERE posted_at > $2";

const AUDIT: &str = "DELETE FROM audit
    WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)";

const COUNTS: &str = "SELECT rooms.id, rooms.active_users,
        (SELECT COUNT(*) FROM room_activity WHERE room = rooms.id AND last_active >= $1)
    FROM rooms
    ORDER BY rooms.id";

const SET_COUNT: &str = "UPDATE rooms SET active_users = $2 WHERE id = $1";

const SEEN_IN_ROOM: PerDialect = PerDialect {
    sqlite: "INSERT INTO room_activity (room, person, last_active)
        SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM rooms WHERE id = $1)
        ON CONFLICT (room, person) DO UPDATE SET last_active = MAX(last_active, excluded.last_active)",
    postgres: "INSERT INTO room_activity (room, person, last_active)
        SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM rooms WHERE id = $1)
        ON CONFLICT (room, person) DO UPDATE
        SET last_active = GREATEST(room_activity.last_active, excluded.last_active)",
};

/// What has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// What messages said before they were changed.
    History,
    /// Direct messages.
    DirectMessages,
    /// Nonces of requests that nobody can send again.
    Nonces,
    /// That somebody read in a room.
    Activity,
    /// Who changed what.
    Audit,
}

impl Store {
    /// Deletes what has run out before `before`, step by step; answers how many rows.
    ///
    /// # Errors
    ///
    /// When the database fails; what was deleted by then stays deleted.
    pub async fn delete_stale(&self, what: Stale, before: Timestamp) -> Result<u64, DbError> {
        let mut total = 0;
        loop {
            let mut write = self.write(before).await?;
            let before = before.as_nanos();
            let deleted = match what {
                Stale::History => run!(write.tx, execute, query, HISTORY, before, STEP)?,
                Stale::DirectMessages => run!(write.tx, execute, query, DIRECT, before, STEP)?,
                Stale::Nonces => run!(write.tx, execute, query, NONCES, before, STEP)?,
                Stale::Activity => run!(write.tx, execute, query, ACTIVITY, before, STEP)?,
                Stale::Audit => run!(write.tx, execute, query, AUDIT, before, STEP)?,
            };
            if deleted == 0 {
                return Ok(total);
            }
            if what == Stale::DirectMessages {
                write.direct_messages_deleted();
            }
            write.commit().await?;
            total += deleted;
            if deleted < STEP.unsigned_abs() {
                return Ok(total);
            }
        }
    }

    /// Brings back to now what lies in the future since the clock was ahead: when people were seen, and direct messages,
    /// which live for `lifetime` from now at most. Otherwise it would stay until that time has come. Answers how much
    /// that was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn mend_future(&self, now: Timestamp, lifetime: Duration) -> Result<u64, DbError> {
        let mut write = self.write(now).await?;
        let ahead = now.plus(AHEAD).as_nanos();
        let end = now.plus(lifetime).as_nanos();
        let now = now.as_nanos();
        let mut mended = run!(write.tx, execute, query, MEND_USERS, now, ahead)?;
        mended += run!(write.tx, execute, query, MEND_ACTIVITY, now, ahead)?;
        mended += run!(write.tx, execute, query, MEND_DIRECT, now, ahead, end)?;
        if mended > 0 {
            write.commit().await?;
        }
        Ok(mended)
    }

    /// Counts anew who read in each room since `since`. Only rooms whose count has changed are written. Answers the
    /// counts that have changed.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recount_active_users(&self, now: Timestamp, span: Duration) -> Result<Vec<(RoomNo, i64)>, DbError> {
        let mut tx = self.db.read().await?;
        let since = now.minus(span).as_nanos();
        let counts = run!(tx, fetch_all, query_as::<_, (i64, i64, i64)>, COUNTS, since)?;
        drop(tx);
        let changed: Vec<(RoomNo, i64)> = counts
            .into_iter()
            .filter(|(_, known, count)| known != count)
            .map(|(room, _, count)| (RoomNo(room), count))
            .collect();
        if changed.is_empty() {
            return Ok(changed);
        }
        let mut write = self.write(now).await?;
        for (room, count) in &changed {
            run!(write.tx, execute, query, SET_COUNT, room.0, *count)?;
        }
        write.tx.announce().await?;
        write.commit().await?;
        Ok(changed)
    }

    /// Writes down who was seen when.
    ///
    /// # Errors
    ///
    /// When the database fails; nothing is written then.
    pub async fn write_activity(&self, seen: &Seen, now: Timestamp) -> Result<(), DbError> {
        let mut write = self.write(now).await?;
        // In one order everywhere, so that two processes do not wait for each other.
        let mut users: Vec<(UserNo, Timestamp)> = seen.users.iter().map(|(user, at)| (*user, *at)).collect();
        users.sort_unstable_by_key(|(user, _)| *user);
        write.touch_users(&users).await?;
        let mut rooms: Vec<_> = seen.rooms.iter().collect();
        rooms.sort_unstable_by_key(|(key, _)| **key);
        for ((room, user), at) in rooms {
            write.seen_in_room(*room, *user, *at).await?;
        }
        write.commit().await?;
        Ok(())
    }
}

impl Write {
    async fn seen_in_room(&mut self, room: RoomNo, user: UserNo, at: Timestamp) -> Result<(), DbError> {
        run!(self.tx, execute, query, SEEN_IN_ROOM, room.0, user.0, at.as_nanos())?;
        Ok(())
    }
}
