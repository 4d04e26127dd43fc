//! What somebody has left everywhere, and taking it away: for the operator. Messages and uploads are for
//! [`Write::purge`].

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect};
use shared::run;

use super::{Amount, Store, Write};
use crate::model::{Action, RoomNo, UserNo};

/// How much one step takes away, so that others get their turn in between.
const STEP: i64 = 1000;

/// What somebody has left in a room.
#[derive(Clone, Copy, Debug)]
pub struct Belongings {
    /// Messages that are not deleted.
    pub messages: Amount,
    /// Files that have not expired.
    pub files: Amount,
    /// Reactions.
    pub reactions: i64,
}

const MESSAGES: &str = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM messages
    WHERE author = $1 AND room = $2 AND data IS NOT NULL";

const FILES: &str = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM files
    WHERE uploader = $1 AND room = $2 AND (expiry IS NULL OR expiry > $3)";

const REACTIONS: &str = "SELECT COUNT(*)
    FROM reactors
        JOIN reactions ON reactions.id = reactors.reaction
        JOIN messages ON messages.id = reactions.message
    WHERE reactors.person = $1 AND messages.room = $2";

const DIRECT: &str = "SELECT
        (SELECT COUNT(*) FROM direct_messages WHERE sender = $1),
        (SELECT COUNT(*) FROM direct_messages WHERE recipient = $1)";

const OWN_REACTIONS: &str = "SELECT reactions.message, reactions.id
    FROM reactors
        JOIN reactions ON reactions.id = reactors.reaction
        JOIN messages ON messages.id = reactions.message
    WHERE reactors.person = $1 AND messages.room = $2
    ORDER BY reactions.message, reactions.id
    LIMIT $3";

const REMOVE: PerDialect = PerDialect {
    sqlite: "DELETE FROM reactors WHERE person = $1 AND reaction IN (SELECT value FROM json_each($2))",
    postgres: "DELETE FROM reactors
        WHERE person = $1
          AND reaction IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($2::jsonb) AS value)",
};

const FORGET_UNUSED: PerDialect = PerDialect {
    sqlite: "DELETE FROM reactions
        WHERE id IN (SELECT value FROM json_each($1))
          AND NOT EXISTS (SELECT 1 FROM reactors WHERE reactors.reaction = reactions.id)",
    postgres: "DELETE FROM reactions
        WHERE id IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)
          AND NOT EXISTS (SELECT 1 FROM reactors WHERE reactors.reaction = reactions.id)",
};

/// Takes a list of `[id, seqno]`.
const MOVE_ON: PerDialect = PerDialect {
    sqlite: "UPDATE messages
        SET seqno_reactions = plan.seqno, seqno = plan.seqno
        FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS seqno
            FROM json_each($1)) AS plan
        WHERE messages.id = plan.id",
    postgres: "UPDATE messages
        SET seqno_reactions = plan.seqno, seqno = plan.seqno
        FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, CAST(value ->> 1 AS BIGINT) AS seqno
            FROM jsonb_array_elements($1::jsonb) AS value) AS plan
        WHERE messages.id = plan.id",
};

const DELETE_DIRECT: &str = "DELETE FROM direct_messages
    WHERE id IN (SELECT id FROM direct_messages WHERE sender = $1 OR recipient = $1 LIMIT $2)";

impl Store {
    /// What somebody has left in a room.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn belongings(&self, user: UserNo, room: RoomNo, now: Timestamp) -> Result<Belongings, DbError> {
        let (user, room, now) = (user.0, room.0, now.as_nanos());
        let mut tx = self.db.read().await?;
        Ok(Belongings {
            messages: run!(tx, fetch_one, query_as::<_, Amount>, MESSAGES, user, room)?,
            files: run!(tx, fetch_one, query_as::<_, Amount>, FILES, user, room, now)?,
            reactions: run!(tx, fetch_one, query_scalar::<_, i64>, REACTIONS, user, room)?,
        })
    }

    /// How many direct messages there are that somebody sent, and that they received.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn count_direct(&self, user: UserNo) -> Result<(i64, i64), DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_one, query_as::<_, (i64, i64)>, DIRECT, user.0)
    }
}

impl Write {
    /// Takes away reactions of somebody in a room, some at a time, and answers how many: to be called, each time in a
    /// transaction of its own, until there are none. Messages move on as when each was removed by itself.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn purge_reactions(&mut self, room: RoomNo, user: UserNo) -> Result<i64, DbError> {
        if !self.lock_rooms(&[room]).await? {
            return Ok(0);
        }
        let found = run!(
            self.tx,
            fetch_all,
            query_as::<_, (i64, i64)>,
            OWN_REACTIONS,
            user.0,
            room.0,
            STEP
        )?;
        let count = i64::try_from(found.len()).unwrap_or(STEP);
        if count == 0 {
            return Ok(0);
        }
        let last = self.next_seqnos(room, count).await?.unwrap_or_default();
        // The last of its numbers is the one that a message keeps.
        let moved: std::collections::BTreeMap<i64, i64> = found
            .iter()
            .map(|(message, _)| *message)
            .zip(last - count + 1..)
            .collect();
        let plan: Vec<(i64, i64)> = moved.into_iter().collect();
        let kinds: Vec<i64> = found.iter().map(|(_, kind)| *kind).collect();
        let kinds = super::json(&kinds);
        run!(self.tx, execute, query, REMOVE, user.0, &kinds)?;
        run!(self.tx, execute, query, FORGET_UNUSED, &kinds)?;
        run!(self.tx, execute, query, MOVE_ON, super::json(&plan))?;
        if !self.is_own(user).await? {
            self.note(Action::ReactionPurge, Some(room), Some(user))
                .add("reactions", count);
        }
        Ok(count)
    }

    /// Deletes direct messages that somebody sent or received, some at a time, and answers how many: to be called, each
    /// time in a transaction of its own, until there are none.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn purge_direct(&mut self, user: UserNo) -> Result<i64, DbError> {
        let deleted = run!(self.tx, execute, query, DELETE_DIRECT, user.0, STEP)?;
        let count = i64::try_from(deleted).unwrap_or(STEP);
        if count > 0 {
            self.direct_messages_deleted();
            self.note(Action::DirectPurge, None, Some(user)).add("messages", count);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plans::assert_indexed;
    use super::*;

    #[tokio::test]
    async fn a_step_looks_only_at_what_somebody_left() {
        for text in [MESSAGES, FILES, REACTIONS, DIRECT, OWN_REACTIONS, DELETE_DIRECT] {
            assert_indexed(text, true).await;
        }
        for text in [REMOVE, FORGET_UNUSED, MOVE_ON] {
            assert_indexed(text.sqlite, true).await;
        }
    }
}
