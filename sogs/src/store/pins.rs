//! Pins (`community-behaviour.md` section 7).

use std::time::Duration;

use shared::run;

use super::{MessageError, Write};
use crate::model::{Action, RoomNo, UserNo};

const PIN: &str = "INSERT INTO pins (room, message, pinned_by, pinned_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (room, message) DO UPDATE SET pinned_by = $3, pinned_at = $4";

const UNPIN: &str = "DELETE FROM pins WHERE room = $1 AND message = $2";

const UNPIN_ALL: &str = "DELETE FROM pins WHERE room = $1 RETURNING message";

impl Write {
    /// Pins a message, or pins it again, and keeps its files for ever. Answers the room's `info_updates`.
    ///
    /// # Errors
    ///
    /// [`MessageError::Missing`] if it is no message that everybody can see, and when the database fails.
    pub async fn pin(&mut self, room: RoomNo, message: i64, by: UserNo) -> Result<i64, MessageError> {
        self.regular(room, message).await?;
        run!(self.tx, execute, query, PIN, room.0, message, by.0, self.now.as_nanos())?;
        self.keep_attachments(message).await?;
        self.tell_room(room).await?;
        self.note(Action::PinSet, Some(room), None).set("message", message);
        Ok(self.info_updates(room).await?)
    }

    /// Takes the pin off a message. Answers whether there was one, and the room's `info_updates`.
    ///
    /// # Errors
    ///
    /// [`MessageError::NoRoom`], and when the database fails.
    pub async fn unpin(
        &mut self,
        room: RoomNo,
        message: i64,
        lifetime: Option<Duration>,
    ) -> Result<(bool, i64), MessageError> {
        if !self.lock_rooms(&[room]).await? {
            return Err(MessageError::NoRoom);
        }
        let unpinned = run!(self.tx, execute, query, UNPIN, room.0, message)? > 0;
        if unpinned {
            self.release_attachments(message, lifetime).await?;
            self.tell_room(room).await?;
            self.note(Action::PinRemove, Some(room), None).message(message);
        }
        Ok((unpinned, self.info_updates(room).await?))
    }

    /// Takes all pins off. Answers how many there were, and the room's `info_updates`.
    ///
    /// # Errors
    ///
    /// As for [`Write::unpin`].
    pub async fn unpin_all(&mut self, room: RoomNo, lifetime: Option<Duration>) -> Result<(usize, i64), MessageError> {
        if !self.lock_rooms(&[room]).await? {
            return Err(MessageError::NoRoom);
        }
        let messages = run!(self.tx, fetch_all, query_scalar::<_, i64>, UNPIN_ALL, room.0)?;
        for message in &messages {
            self.release_attachments(*message, lifetime).await?;
            self.tell_room(room).await?;
            self.note(Action::PinRemove, Some(room), None).message(*message);
        }
        Ok((messages.len(), self.info_updates(room).await?))
    }
}
