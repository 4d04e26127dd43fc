//! Bans, from a room and from the whole server (`community-behaviour.md` section 11). The two know nothing of each other.

use shared::clock::Timestamp;
use shared::crypto::UserId;
use shared::db::DbError;
use shared::run;

use super::{ChangeError, Store, Write};
use crate::model::{Action, Override, RoomNo, Scope, User};

/// A ban as the operator sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Ban {
    /// Who is banned.
    pub session_id: String,
    /// The token of the room; `None` is the whole server.
    pub room: Option<String>,
    /// When it ends; nanoseconds. `None` for one that lasts.
    pub until: Option<i64>,
    /// Why, if somebody wrote that down.
    pub reason: Option<String>,
}

const SET_BANNED: &str = "UPDATE users SET banned = $2, ban_reason = NULL WHERE id = $1";

const SET_REASON: &str = "UPDATE users SET ban_reason = $2 WHERE id = $1";

const SET_REASON_IN: &str = "UPDATE overrides SET ban_reason = $3 WHERE person = $1 AND room = $2";

/// Those from the whole server first, then room by room.
const BANS: &str = "SELECT session_id, room, until, reason
    FROM (
        SELECT session_id, NULL AS room, '' AS token_key, ban_reason AS reason,
            (SELECT MIN(at) FROM scheduled_bans WHERE person = users.id AND room IS NULL AND banned = $2) AS until
        FROM users
        WHERE banned = $1
        UNION ALL
        SELECT users.session_id, rooms.token, rooms.token_key, overrides.ban_reason,
            (SELECT MIN(at) FROM scheduled_bans
                WHERE person = users.id AND room = overrides.room AND banned = $2)
        FROM overrides
            JOIN rooms ON rooms.id = overrides.room
            JOIN users ON users.id = overrides.person
        WHERE overrides.banned = $1
    ) AS bans
    ORDER BY token_key, session_id";

const FORGET_ACTIVITY: &str = "DELETE FROM room_activity WHERE room = $1 AND person = $2";

const FORGET_SCHEDULED: &str = "DELETE FROM scheduled_bans
    WHERE person = $1 AND COALESCE(room, 0) = $2";

const BANNED: &str = "SELECT session_id FROM users WHERE banned = $1 ORDER BY session_id";

const BANNED_FROM: &str = "SELECT users.session_id
    FROM overrides JOIN users ON users.id = overrides.person
    WHERE overrides.room = $1 AND overrides.banned = $2
    ORDER BY users.session_id";

impl Store {
    /// All bans there are.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn bans(&self) -> Result<Vec<Ban>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_as::<_, Ban>, BANS, true, false)
    }

    /// The ids of everybody who is banned from a room, or from the whole server.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn banned(&self, room: Option<RoomNo>) -> Result<Vec<String>, DbError> {
        let mut tx = self.db.read().await?;
        match room {
            None => run!(tx, fetch_all, query_scalar::<_, String>, BANNED, true),
            Some(room) => run!(tx, fetch_all, query_scalar::<_, String>, BANNED_FROM, room.0, true),
        }
    }
}

impl Write {
    /// Bans whoever this id names, from each of the rooms or from the whole server, until some time or for good. In the
    /// rooms they lose their role. It replaces what was to become of earlier bans there.
    ///
    /// # Errors
    ///
    /// If they moderate the whole server, if a room is gone, and when the database fails.
    pub async fn ban(&mut self, id: &UserId, scope: &Scope, until: Option<Timestamp>) -> Result<User, ChangeError> {
        self.lock(id, scope).await?;
        let user = self.named(id).await?;
        if user.standing.moderator {
            return Err(ChangeError::Moderates);
        }
        match scope {
            Scope::Server => self.begin_ban(None, &user, until).await?,
            Scope::Rooms(rooms) => {
                for room in rooms {
                    self.begin_ban(Some(*room), &user, until).await?;
                }
            }
        }
        Ok(user)
    }

    async fn begin_ban(&mut self, room: Option<RoomNo>, user: &User, until: Option<Timestamp>) -> Result<(), DbError> {
        let before = match room {
            Some(room) => self.override_of(room, user.no).await?,
            None => Override::default(),
        };
        self.set_banned(room, user, true).await?;
        self.forget_scheduled_bans(room, user).await?;
        if let Some(reason) = self.reason() {
            self.note_reason(room, user, &reason).await?;
        }
        let detail = self.note(Action::BanSet, room, Some(user.no)).time("until", until);
        if before.moderator {
            detail.set("lost", if before.admin { "admin" } else { "moderator" });
        }
        match until {
            Some(until) => self.insert_scheduled_ban(room, user, until, false).await,
            None => Ok(()),
        }
    }

    /// Lifts the ban of whoever this id names, from each of the rooms or from the whole server, and of all others that
    /// the id stands for ([`Write::all_known`]). Answers whether there was one.
    ///
    /// # Errors
    ///
    /// If a room is gone, and when the database fails.
    pub async fn unban(&mut self, id: &UserId, scope: &Scope) -> Result<bool, ChangeError> {
        self.lock(id, scope).await?;
        let mut lifted = false;
        for user in self.all_known(id).await? {
            match scope {
                Scope::Server => {
                    lifted |= self.lift_ban(None, &user).await?;
                    self.forget_scheduled_bans(None, &user).await?;
                }
                Scope::Rooms(rooms) => {
                    for room in rooms {
                        lifted |= self.lift_ban(Some(*room), &user).await?;
                    }
                }
            }
        }
        Ok(lifted)
    }

    async fn lift_ban(&mut self, room: Option<RoomNo>, user: &User) -> Result<bool, DbError> {
        let lifted = self.set_banned(room, user, false).await?;
        if lifted {
            self.note(Action::BanLift, room, Some(user.no));
        }
        Ok(lifted)
    }

    /// Writes down why somebody is banned from a room, or from the whole server. It goes with the ban.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn note_reason(&mut self, room: Option<RoomNo>, user: &User, reason: &str) -> Result<(), DbError> {
        match room {
            None => run!(self.tx, execute, query, SET_REASON, user.no.0, reason)?,
            Some(room) => run!(self.tx, execute, query, SET_REASON_IN, user.no.0, room.0, reason)?,
        };
        Ok(())
    }

    /// Begins or ends a ban and nothing else; false if that changes nothing.
    pub(super) async fn set_banned(
        &mut self,
        room: Option<RoomNo>,
        user: &User,
        banned: bool,
    ) -> Result<bool, DbError> {
        let Some(room) = room else {
            return self.set_banned_everywhere(user, banned).await;
        };
        let local = self.override_of(room, user.no).await?;
        if banned {
            run!(self.tx, execute, query, FORGET_ACTIVITY, room.0, user.no.0)?;
            self.inactive(room, user.no);
        }
        if local.banned == banned {
            return Ok(false);
        }
        // Whoever is banned has no role, so there is none to lose when the ban ends.
        let new = Override {
            banned,
            moderator: false,
            admin: false,
            visible_mod: true,
            ..local
        };
        self.set_override(room, user, new).await?;
        Ok(true)
    }

    async fn set_banned_everywhere(&mut self, user: &User, banned: bool) -> Result<bool, DbError> {
        if banned {
            self.note_unblinded(user.no, &user.session_id).await?;
        }
        if user.standing.banned == banned {
            return Ok(false);
        }
        run!(self.tx, execute, query, SET_BANNED, user.no.0, banned)?;
        self.directory_changes();
        Ok(true)
    }

    async fn forget_scheduled_bans(&mut self, room: Option<RoomNo>, user: &User) -> Result<(), DbError> {
        let room = room.map_or(0, |room| room.0);
        run!(self.tx, execute, query, FORGET_SCHEDULED, user.no.0, room)?;
        Ok(())
    }
}
