//! Deleting messages, one or all of somebody's (`community-behaviour.md` sections 5 and 9). What stays is the row, which
//! tells clients that the message is gone.

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect};
use shared::run;

use super::{MessageError, Store, Write};
use crate::model::{Action, RoomNo, UserNo};

/// How many messages of one person are deleted in one transaction.
const STEP: i64 = 1000;

/// One step of deleting all that somebody posted in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// How many messages were deleted.
    pub messages: i64,
    /// What to give to [`Write::purge`] next, in another transaction; `None` if nothing is left.
    pub next: Option<i64>,
}

/// Whoever does not moderate learns nothing about messages that they cannot see.
pub(super) const AUTHOR: &str = "SELECT author
    FROM messages
    WHERE id = $1 AND room = $2 AND data IS NOT NULL
      AND ($4 OR author = $3
        OR (NOT filtered AND (whisper = $3 OR (whisper IS NULL AND NOT whisper_mods))))";

const ROOMS_OF: &str = "SELECT id
    FROM rooms
    WHERE EXISTS (SELECT 1 FROM messages WHERE author = $1 AND room = rooms.id AND data IS NOT NULL)
       OR EXISTS (SELECT 1 FROM files
            WHERE uploader = $1 AND room = rooms.id AND (expiry IS NULL OR expiry > $2))";

const NEXT_OF: &str = "SELECT id
    FROM messages
    WHERE author = $1 AND room = $2 AND id > $3 AND data IS NOT NULL
    ORDER BY id
    LIMIT $4";

/// What is deleted already, or of another room, is passed over.
const STANDING: PerDialect = PerDialect {
    sqlite: "SELECT messages.id, messages.author
        FROM json_each($1) AS list CROSS JOIN messages ON messages.id = list.value
        WHERE messages.room = $2 AND messages.data IS NOT NULL
        ORDER BY messages.id",
    postgres: "SELECT messages.id, messages.author
        FROM jsonb_array_elements_text($1::jsonb) AS list (id)
        JOIN messages ON messages.id = CAST(list.id AS BIGINT)
        WHERE messages.room = $2 AND messages.data IS NOT NULL
        ORDER BY messages.id",
};

macro_rules! reactor_counts {
    ($from:literal) => {
        concat!(
            "SELECT messages.id,
                CASE WHEN messages.seqno_reactions = 0 THEN 0
                ELSE (SELECT COUNT(*)
                    FROM reactions JOIN reactors ON reactors.reaction = reactions.id
                    WHERE reactions.message = messages.id)
                END ",
            $from,
            " ORDER BY messages.id"
        )
    };
}

const REACTOR_COUNTS: PerDialect = PerDialect {
    sqlite: reactor_counts!("FROM json_each($1) AS list CROSS JOIN messages ON messages.id = list.value"),
    postgres: reactor_counts!(
        "FROM jsonb_array_elements_text($1::jsonb) AS list (id)
        JOIN messages ON messages.id = CAST(list.id AS BIGINT)"
    ),
};

const KEEP_HISTORY: PerDialect = PerDialect {
    sqlite: "INSERT INTO message_history (message, replaced, data, size, signature)
        SELECT messages.id, $2, messages.data, messages.size, messages.signature
        FROM json_each($1) AS list CROSS JOIN messages ON messages.id = list.value",
    postgres: "INSERT INTO message_history (message, replaced, data, size, signature)
        SELECT messages.id, $2, messages.data, messages.size, messages.signature
        FROM jsonb_array_elements_text($1::jsonb) AS list (id)
        JOIN messages ON messages.id = CAST(list.id AS BIGINT)",
};

/// Takes a list of `[id, seqno_data, seqno_reactions]`, where the last is null for messages without reactions.
const ERASE: PerDialect = PerDialect {
    sqlite: "UPDATE messages
        SET data = NULL, size = NULL, signature = NULL, edited = $2,
            seqno_data = plan.seqno_data,
            seqno_reactions = COALESCE(plan.seqno_reactions, messages.seqno_reactions),
            seqno = COALESCE(plan.seqno_reactions, plan.seqno_data)
        FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS seqno_data,
                json_extract(value, '$[2]') AS seqno_reactions
            FROM json_each($1)) AS plan
        WHERE messages.id = plan.id",
    postgres: "UPDATE messages
        SET data = NULL, size = NULL, signature = NULL, edited = $2,
            seqno_data = plan.seqno_data,
            seqno_reactions = COALESCE(plan.seqno_reactions, messages.seqno_reactions),
            seqno = COALESCE(plan.seqno_reactions, plan.seqno_data)
        FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, CAST(value ->> 1 AS BIGINT) AS seqno_data,
                CAST(value ->> 2 AS BIGINT) AS seqno_reactions
            FROM jsonb_array_elements($1::jsonb) AS value) AS plan
        WHERE messages.id = plan.id",
};

const UNPIN: PerDialect = PerDialect {
    sqlite: "DELETE FROM pins WHERE message IN (SELECT value FROM json_each($1))",
    postgres: "DELETE FROM pins
        WHERE message IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)",
};

/// Takes those who reacted with it.
const FORGET_REACTIONS: PerDialect = PerDialect {
    sqlite: "DELETE FROM reactions WHERE message IN (SELECT value FROM json_each($1))",
    postgres: "DELETE FROM reactions
        WHERE message IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)",
};

impl Store {
    /// The rooms in which there is something that somebody posted or uploaded.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn rooms_of_author(&self, author: UserNo, now: Timestamp) -> Result<Vec<RoomNo>, DbError> {
        let mut tx = self.db.read().await?;
        let rooms = run!(
            tx,
            fetch_all,
            query_scalar::<_, i64>,
            ROOMS_OF,
            author.0,
            now.as_nanos()
        )?;
        Ok(rooms.into_iter().map(RoomNo).collect())
    }
}

impl Write {
    /// Deletes a message. `by` must be its author if given.
    ///
    /// # Errors
    ///
    /// [`MessageError::Missing`], [`MessageError::Foreign`], and when the database fails.
    pub async fn delete_message(&mut self, room: RoomNo, message: i64, by: Option<UserNo>) -> Result<(), MessageError> {
        if !self.lock_rooms(&[room]).await? {
            return Err(MessageError::NoRoom);
        }
        let author = run!(
            self.tx,
            fetch_optional,
            query_scalar::<_, i64>,
            AUTHOR,
            message,
            room.0,
            by.map_or(-1, |by| by.0),
            by.is_none()
        )?;
        let author = author.ok_or(MessageError::Missing)?;
        if by.is_some_and(|by| by.0 != author) {
            return Err(MessageError::Foreign);
        }
        self.erase(room, &[message]).await?;
        let author = UserNo(author);
        if !self.is_own(author).await? {
            self.note(Action::MessageDelete, Some(room), Some(author))
                .message(message);
        }
        Ok(())
    }

    /// Deletes messages of a room and answers which: those that are not deleted already. To be called with a thousand
    /// at most.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn delete_messages(&mut self, room: RoomNo, messages: &[i64]) -> Result<Vec<i64>, DbError> {
        if !self.lock_rooms(&[room]).await? {
            return Ok(Vec::new());
        }
        let list = super::json(messages);
        let mut standing = run!(self.tx, fetch_all, query_as::<_, (i64, i64)>, STANDING, list, room.0)?;
        standing.dedup();
        for (message, author) in &standing {
            self.note(Action::MessageDelete, Some(room), Some(UserNo(*author)))
                .message(*message);
        }
        let messages: Vec<i64> = standing.into_iter().map(|(message, _)| message).collect();
        self.erase(room, &messages).await?;
        Ok(messages)
    }

    /// Deletes the messages that somebody posted in a room, some at a time, beginning after the number `after`, and lets
    /// expire all that they uploaded there. To be called until nothing is left, in one transaction or in several.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn purge(&mut self, room: RoomNo, author: UserNo, after: i64) -> Result<Purged, DbError> {
        let mut purged = Purged {
            messages: 0,
            next: None,
        };
        if !self.lock_rooms(&[room]).await? {
            return Ok(purged);
        }
        let messages = run!(
            self.tx,
            fetch_all,
            query_scalar::<_, i64>,
            NEXT_OF,
            author.0,
            room.0,
            after,
            STEP
        )?;
        self.erase(room, &messages).await?;
        let files = self.expire_uploads(room, author).await?;
        purged.messages = i64::try_from(messages.len()).unwrap_or(STEP);
        if (purged.messages > 0 || files > 0) && !self.is_own(author).await? {
            self.note(Action::MessagePurge, Some(room), Some(author))
                .add("messages", purged.messages)
                .add("files", files);
        }
        if purged.messages == STEP {
            purged.next = messages.last().copied();
        }
        Ok(purged)
    }

    /// Deletes messages of a room that is locked; none of them may be deleted already. Each takes one sequence number,
    /// and one for each person whose reaction goes with it.
    async fn erase(&mut self, room: RoomNo, messages: &[i64]) -> Result<(), DbError> {
        if messages.is_empty() {
            return Ok(());
        }
        let list = super::json(messages);
        let counts = run!(self.tx, fetch_all, query_as::<_, (i64, i64)>, REACTOR_COUNTS, &list)?;
        let reactors: i64 = counts.iter().map(|(_, reactors)| reactors).sum();
        let total = reactors.saturating_add(i64::try_from(counts.len()).unwrap_or(0));
        let last = self.next_seqnos(room, total).await?.unwrap_or_default();
        let mut seqno = last - total;
        let plan: Vec<(i64, i64, Option<i64>)> = counts
            .into_iter()
            .map(|(id, reactors)| {
                let data = seqno + 1;
                seqno = data + reactors;
                (id, data, (reactors > 0).then_some(seqno))
            })
            .collect();
        let now = self.now.as_nanos();
        run!(self.tx, execute, query, KEEP_HISTORY, &list, now)?;
        run!(self.tx, execute, query, ERASE, super::json(&plan), now)?;
        for _ in 0..run!(self.tx, execute, query, UNPIN, &list)? {
            self.tell_room(room).await?;
        }
        self.expire_attachments(&list).await?;
        if reactors > 0 {
            run!(self.tx, execute, query, FORGET_REACTIONS, &list)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::plans::assert_indexed;
    use super::*;

    #[tokio::test]
    async fn a_step_costs_as_much_as_it_deletes() {
        assert_indexed(NEXT_OF, false).await;
        for text in [STANDING, REACTOR_COUNTS, KEEP_HISTORY, ERASE, UNPIN, FORGET_REACTIONS] {
            assert_indexed(text.sqlite, true).await;
        }
    }
}
