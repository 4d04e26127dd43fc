//! What differs for one person in one room.

use shared::db::DbError;
use shared::run;

use super::Write;
use crate::model::{Override, RoomNo, User, UserNo};

#[derive(sqlx::FromRow)]
pub(super) struct Columns {
    banned: bool,
    moderator: bool,
    admin: bool,
    visible_mod: bool,
    read: Option<bool>,
    accessible: Option<bool>,
    write: Option<bool>,
    upload: Option<bool>,
}

impl From<Columns> for Override {
    fn from(columns: Columns) -> Self {
        Self {
            banned: columns.banned,
            moderator: columns.moderator,
            admin: columns.admin,
            visible_mod: columns.visible_mod,
            read: columns.read,
            accessible: columns.accessible,
            write: columns.write,
            upload: columns.upload,
        }
    }
}

pub(super) const FIND: &str = "SELECT banned, moderator, admin, visible_mod, read, accessible, write, upload
    FROM overrides
    WHERE room = $1 AND person = $2";

const SET: &str = "INSERT INTO overrides
        (room, person, banned, moderator, admin, visible_mod, read, accessible, write, upload)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (room, person) DO UPDATE
    SET banned = $3, moderator = $4, admin = $5, visible_mod = $6, read = $7, accessible = $8, write = $9, upload = $10,
        ban_reason = CASE WHEN $3 THEN overrides.ban_reason END";

const DELETE: &str = "DELETE FROM overrides WHERE room = $1 AND person = $2";

const TELL_ROOM: &str = "UPDATE rooms SET info_updates = info_updates + 1 WHERE id = $1";

const TELL_ALL_ROOMS: &str = "UPDATE rooms SET info_updates = info_updates + 1";

impl Write {
    /// What differs for a person in a room; the default if nothing does.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn override_of(&mut self, room: RoomNo, user: UserNo) -> Result<Override, DbError> {
        let row = run!(self.tx, fetch_optional, query_as::<_, Columns>, FIND, room.0, user.0)?;
        Ok(row.map(Into::into).unwrap_or_default())
    }

    /// Changes what differs for a person in a room. One that says nothing any more is removed. A change of a role, or of
    /// whether it is seen, is told to the clients.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn set_override(&mut self, room: RoomNo, user: &User, new: Override) -> Result<(), DbError> {
        let old = self.override_of(room, user.no).await?;
        if old == new {
            return Ok(());
        }
        let role = |of: &Override| (of.moderator, of.admin, of.moderator && of.visible_mod);
        if role(&old) != role(&new) {
            self.tell_room(room).await?;
        }
        if new.is_empty() {
            run!(self.tx, execute, query, DELETE, room.0, user.no.0)?;
        } else {
            run!(
                self.tx,
                execute,
                query,
                SET,
                room.0,
                user.no.0,
                new.banned,
                new.moderator,
                new.admin,
                new.visible_mod,
                new.read,
                new.accessible,
                new.write,
                new.upload
            )?;
            self.note_unblinded(user.no, &user.session_id).await?;
        }
        self.directory_changes();
        Ok(())
    }

    /// Tells clients that there is something new to show about a room: `info_updates` grows by one.
    pub(super) async fn tell_room(&mut self, room: RoomNo) -> Result<(), DbError> {
        run!(self.tx, execute, query, TELL_ROOM, room.0)?;
        self.directory_changes();
        Ok(())
    }

    /// The same for all rooms.
    pub(super) async fn tell_all_rooms(&mut self) -> Result<(), DbError> {
        self.lock_all_rooms().await?;
        run!(self.tx, execute, query, TELL_ALL_ROOMS)?;
        self.directory_changes();
        Ok(())
    }
}
