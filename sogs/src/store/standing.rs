//! What people are on the whole server.

use shared::db::DbError;
use shared::run;

use super::{Store, Write};
use crate::model::{Standing, User};

const SET: &str = "UPDATE users SET banned = $2, moderator = $3, admin = $4, visible_mod = $5 WHERE id = $1";

const SYSTEM: &str = "SELECT session_id FROM users WHERE id = 0";

impl Store {
    /// The id of the server itself, under the key that it last started with; `None` before its first start.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn system_user(&self) -> Result<Option<String>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_optional, query_scalar::<_, String>, SYSTEM)
    }
}

impl Write {
    /// Changes what somebody is on the whole server. A change of a role, or of whether it is seen, is told to the
    /// clients in all rooms.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn set_standing(&mut self, user: &User, new: Standing, visible_mod: bool) -> Result<(), DbError> {
        let old = user.standing;
        let role = |of: Standing, visible: bool| (of.moderator, of.admin, of.moderator && visible);
        if role(old, user.visible_mod) != role(new, visible_mod) {
            self.tell_all_rooms().await?;
        }
        let Standing {
            banned,
            moderator,
            admin,
        } = new;
        run!(
            self.tx,
            execute,
            query,
            SET,
            user.no.0,
            banned,
            moderator,
            admin,
            visible_mod
        )?;
        self.note_unblinded(user.no, &user.session_id).await?;
        self.directory_changes();
        Ok(())
    }
}
