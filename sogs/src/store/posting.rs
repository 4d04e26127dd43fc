//! Posting and editing messages (`community-behaviour.md` sections 5 and 14).

use std::time::Duration;

use shared::clock::Timestamp;
use shared::db::{DbError, Dialect, PerDialect, Runner};
use shared::run;

use super::deletion::AUTHOR;
use super::{Store, Write};
use crate::model::{RoomNo, UserNo};

/// A message that is about to be posted, by a person or by the server.
#[derive(Clone, Copy, Debug)]
pub struct NewMessage<'a> {
    /// Where.
    pub room: RoomNo,
    /// By whom.
    pub author: UserNo,
    /// The content as it was sent.
    pub data: &'a [u8],
    /// The author's signature of it.
    pub signature: &'a [u8],
    /// To be seen by this person only.
    pub whisper: Option<UserNo>,
    /// To be seen by moderators only, besides [`NewMessage::whisper`].
    pub whisper_mods: bool,
    /// To be seen by nobody.
    pub filtered: bool,
    /// How many posts the author may make; `None` for any number.
    pub limit: Option<RateLimit>,
}

/// So many posts of one person in a room within an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub size: i64,
    /// Within how long.
    pub interval: Duration,
}

/// A message that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its number.
    pub id: i64,
    /// When, in the count of the room.
    pub seqno: i64,
    /// When.
    pub posted: Timestamp,
}

/// Why a message was not posted or changed.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The room is gone.
    #[error("no such room")]
    NoRoom,
    /// The message is not there, or not of the kind that this can be done to.
    #[error("no such post")]
    Missing,
    /// The message is somebody else's.
    #[error("somebody else's post")]
    Foreign,
    /// The author has posted too much lately and may go on after this time.
    #[error("rate limited")]
    TooMany(Duration),
    /// The message has as many different reactions as one may have.
    #[error("too many different reactions")]
    TooManyReactions,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

#[derive(sqlx::FromRow)]
struct Current {
    author: i64,
    data: Option<Vec<u8>>,
    size: Option<i64>,
    signature: Option<Vec<u8>>,
}

/// The post before which so many others of the author came; counted under the lock of the room.
const NTH_LATEST: &str = "SELECT posted
    FROM messages
    WHERE author = $1 AND room = $2
    ORDER BY id DESC
    LIMIT 1 OFFSET $3";

/// When a message counts as posted: now, unless its author's latest in the room is of this millisecond. Apps know a
/// message by its author and millisecond (`client-usage.md` section 5). What a clock that was ahead has left counts for a
/// second at most.
macro_rules! posted {
    ($greatest:literal) => {
        concat!(
            "COALESCE((SELECT ",
            $greatest,
            "(latest.posted + 1000000, $3)
                FROM (SELECT posted FROM messages WHERE author = $2 AND room = $1 ORDER BY id DESC LIMIT 1) AS latest
                WHERE latest.posted BETWEEN $3 - 1000000 AND $3 + 1000000000), $3)"
        )
    };
}

/// Takes the next sequence number of the room, which locks it, and writes the message: one word with the database
/// instead of two. Nothing happens if the room is gone.
const POST: PerDialect = PerDialect {
    sqlite: concat!(
        "UPDATE rooms SET message_sequence = message_sequence + 1 WHERE id = $1;
        INSERT INTO messages (room, author, posted, seqno, seqno_data, seqno_creation, data, size, signature, filtered,
            whisper, whisper_mods)
        SELECT id, $2, ",
        posted!("MAX"),
        ", message_sequence, message_sequence, message_sequence, $4, $5, $6, $7, $8, $9
        FROM rooms
        WHERE id = $1
        RETURNING id, seqno, posted"
    ),
    postgres: concat!(
        "WITH room AS (UPDATE rooms
            SET message_sequence = message_sequence + 1
            WHERE id = $1
            RETURNING id, message_sequence)
        INSERT INTO messages (room, author, posted, seqno, seqno_data, seqno_creation, data, size, signature, filtered,
            whisper, whisper_mods)
        SELECT id, $2, ",
        posted!("GREATEST"),
        ", message_sequence, message_sequence, message_sequence, $4, $5, $6, $7, $8, $9
        FROM room
        RETURNING id, seqno, posted"
    ),
};

const CURRENT: &str = "SELECT author, data, size, signature FROM messages WHERE id = $1 AND room = $2";

const KEEP_HISTORY: &str = "INSERT INTO message_history (message, replaced, data, size, signature)
    SELECT id, $2, data, size, signature FROM messages WHERE id = $1";

const EDIT: &str = "UPDATE messages
    SET data = $2, size = $3, signature = $4, seqno_data = $5, seqno = $5, edited = $6
    WHERE id = $1";

/// The content without the zeros at its end, and its length with them.
fn trimmed(data: &[u8]) -> (&[u8], i64) {
    let end = data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let size = i64::try_from(data.len()).unwrap_or(i64::MAX);
    (data.get(..end).unwrap_or(data), size)
}

impl Store {
    /// Who wrote a message; `None` if it is not there, was deleted, or is none that this person, who moderates or not,
    /// can see.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn author(
        &self,
        room: RoomNo,
        message: i64,
        viewer: UserNo,
        moderates: bool,
    ) -> Result<Option<UserNo>, DbError> {
        let mut tx = self.db.read().await?;
        let author = run!(
            tx,
            fetch_optional,
            query_scalar::<_, i64>,
            AUTHOR,
            message,
            room.0,
            viewer.0,
            moderates
        )?;
        Ok(author.map(UserNo))
    }
}

impl Write {
    /// Posts a message.
    ///
    /// # Errors
    ///
    /// [`MessageError::TooMany`] if the limit is reached, [`MessageError::NoRoom`], and when the database fails.
    pub async fn post(&mut self, new: &NewMessage<'_>) -> Result<Posted, MessageError> {
        // So that of two simultaneous posts the second knows of the first. SQLite has no simultaneous ones.
        if self.tx.dialect() == Dialect::Postgres && !self.lock_rooms(&[new.room]).await? {
            return Err(MessageError::NoRoom);
        }
        if let Some(limit) = new.limit {
            self.check_rate(new.room, new.author, limit).await?;
        }
        let (data, size) = trimmed(new.data);
        let posted = run!(
            self.tx,
            fetch_optional,
            query_as::<_, (i64, i64, i64)>,
            POST,
            new.room.0,
            new.author.0,
            self.now.as_nanos(),
            data,
            size,
            new.signature,
            new.filtered,
            new.whisper.map(|user| user.0),
            new.whisper_mods
        )?;
        let (id, seqno, posted) = posted.ok_or(MessageError::NoRoom)?;
        self.reached(new.room, seqno);
        Ok(Posted {
            id,
            seqno,
            posted: Timestamp::from_nanos(posted),
        })
    }

    async fn check_rate(&mut self, room: RoomNo, author: UserNo, limit: RateLimit) -> Result<(), MessageError> {
        let RateLimit { size, interval } = limit;
        if size <= 0 || interval.is_zero() {
            return Ok(());
        }
        let nth = run!(
            self.tx,
            fetch_optional,
            query_scalar::<_, i64>,
            NTH_LATEST,
            author.0,
            room.0,
            size - 1
        )?;
        let Some(nth) = nth.map(Timestamp::from_nanos) else {
            return Ok(());
        };
        // Posts from a future that was taken back do not count for longer than others.
        let counts = nth >= self.now.minus(interval) && nth <= self.now.plus(interval);
        if counts {
            Err(MessageError::TooMany(nth.plus(interval).since(self.now)))
        } else {
            Ok(())
        }
    }

    /// Replaces the content of somebody's own message. Nothing happens if content and signature are what they were.
    ///
    /// # Errors
    ///
    /// [`MessageError::Missing`], [`MessageError::Foreign`], and when the database fails.
    pub async fn edit(
        &mut self,
        room: RoomNo,
        message: i64,
        author: UserNo,
        content: &[u8],
        signature: &[u8],
    ) -> Result<(), MessageError> {
        if !self.lock_rooms(&[room]).await? {
            return Err(MessageError::NoRoom);
        }
        let current = run!(
            self.tx,
            fetch_optional,
            query_as::<_, Current>,
            CURRENT,
            message,
            room.0
        )?;
        let current = current
            .filter(|current| current.data.is_some())
            .ok_or(MessageError::Missing)?;
        if current.author != author.0 {
            return Err(MessageError::Foreign);
        }
        let (data, size) = trimmed(content);
        let same = current.data.as_deref() == Some(data)
            && current.size == Some(size)
            && current.signature.as_deref() == Some(signature);
        if same {
            return Ok(());
        }
        let now = self.now.as_nanos();
        let seqno = self.next_seqno(room).await?.ok_or(MessageError::NoRoom)?;
        run!(self.tx, execute, query, KEEP_HISTORY, message, now)?;
        run!(
            self.tx, execute, query, EDIT, message, data, size, signature, seqno, now
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::plans::assert_indexed;
    use super::*;

    #[tokio::test]
    async fn the_rate_is_counted_without_reading_all_posts() {
        assert_indexed(NTH_LATEST, false).await;
    }

    #[test]
    fn only_the_zeros_at_the_end_are_left_out() {
        for (content, stored) in [
            (&b"abc\x80\0\0"[..], &b"abc\x80"[..]),
            (b"\0a\0b", b"\0a\0b"),
            (b"\0\0", b""),
            (b"", b""),
        ] {
            assert_eq!(trimmed(content), (stored, i64::try_from(content.len()).unwrap()));
        }
    }
}
