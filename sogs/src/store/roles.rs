//! Roles: who moderates which room, and the whole server (`community-api.md` section 15).

use shared::crypto::UserId;
use shared::db::DbError;
use shared::run;

use super::{ChangeError, Store, UserRow, Write};
use crate::model::{Action, Override, Role, RoleChange, RoomNo, Scope, User};

/// What became of the role of one person in one place.
#[derive(Clone, Debug)]
pub struct RoleChanged {
    /// The id of the person.
    pub session_id: String,
    /// The room; `None` is the whole server.
    pub room: Option<RoomNo>,
    /// The role before.
    pub before: Role,
    /// The role now.
    pub now: Role,
}

/// Somebody with a role.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RoleHolder {
    /// The token of the room; `None` is the whole server.
    pub room: Option<String>,
    /// Who.
    pub session_id: String,
    /// Whether as an admin.
    pub admin: bool,
    /// Whether others can see it.
    pub visible: bool,
}

/// Those of the whole server first, then room by room; admins and visible ones first.
const HOLDERS: &str = "SELECT room, session_id, admin, visible
    FROM (
        SELECT NULL AS room, '' AS token_key, session_id, admin, visible_mod AS visible
        FROM users
        WHERE moderator = $1 AND id <> 0
        UNION ALL
        SELECT rooms.token, rooms.token_key, users.session_id, overrides.admin, overrides.visible_mod
        FROM overrides
            JOIN rooms ON rooms.id = overrides.room
            JOIN users ON users.id = overrides.person
        WHERE overrides.moderator = $1
    ) AS holders
    ORDER BY token_key, admin DESC, visible DESC, session_id";

const SET_ROLE: &str = "UPDATE users SET moderator = $2, admin = $3, visible_mod = $4 WHERE id = $1";

const WITH_ROLE: &str = "SELECT id, session_id, created, last_active, banned, moderator, admin, visible_mod
    FROM users
    WHERE moderator = $1 AND id <> 0
    ORDER BY session_id";

impl Store {
    /// The moderators and admins of the whole server, but for the server itself.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn global_moderators(&self) -> Result<Vec<UserRow>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_as::<_, UserRow>, WITH_ROLE, true)
    }

    /// Everybody with a role, on the whole server and in each room.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn role_holders(&self) -> Result<Vec<RoleHolder>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_as::<_, RoleHolder>, HOLDERS, true)
    }
}

impl Write {
    /// Changes the role of whoever this id names, in each of the rooms or on the whole server. Somebody who is to get one
    /// need not have shown up yet. What takes a role away takes it from all that the id stands for
    /// ([`Write::all_known`]).
    ///
    /// # Errors
    ///
    /// If the person is banned there, if a room is gone, and when the database fails.
    pub async fn change_role(
        &mut self,
        id: &UserId,
        scope: &Scope,
        change: RoleChange,
    ) -> Result<Vec<RoleChanged>, ChangeError> {
        self.lock(id, scope).await?;
        let people = if change.appoints() {
            vec![self.named(id).await?]
        } else {
            self.all_known(id).await?
        };
        let mut changed = Vec::new();
        for user in &people {
            match scope {
                Scope::Server => changed.push(self.change_global_role(user, change).await?),
                Scope::Rooms(rooms) => {
                    for room in rooms {
                        changed.push(self.change_room_role(*room, user, change).await?);
                    }
                }
            }
        }
        Ok(changed)
    }

    async fn change_room_role(
        &mut self,
        room: RoomNo,
        user: &User,
        change: RoleChange,
    ) -> Result<RoleChanged, ChangeError> {
        let local = self.override_of(room, user.no).await?;
        let before = Role {
            moderator: local.moderator,
            admin: local.admin,
            visible: local.visible_mod,
        };
        let now = change.apply(before, true);
        if now.moderator && local.banned {
            return Err(ChangeError::Banned);
        }
        let new = Override {
            moderator: now.moderator,
            admin: now.admin,
            visible_mod: now.visible,
            ..local
        };
        self.set_override(room, user, new).await?;
        self.note_role(Some(room), user, before, now);
        Ok(RoleChanged {
            session_id: user.session_id.clone(),
            room: Some(room),
            before,
            now,
        })
    }

    /// Whether a role that there is not is seen does not matter.
    fn note_role(&mut self, room: Option<RoomNo>, user: &User, before: Role, now: Role) {
        if before == now || !(before.moderator || now.moderator) {
            return;
        }
        let role = match (now.moderator, now.admin) {
            (_, true) => "admin",
            (true, false) => "moderator",
            (false, false) => "none",
        };
        let detail = self.note(Action::RoleChange, room, Some(user.no)).set("role", role);
        if now.moderator {
            detail.set("visible", now.visible);
        }
    }

    async fn change_global_role(&mut self, user: &User, change: RoleChange) -> Result<RoleChanged, ChangeError> {
        let before = Role {
            moderator: user.standing.moderator,
            admin: user.standing.admin,
            visible: user.visible_mod,
        };
        let now = change.apply(before, false);
        if now.moderator && user.standing.banned {
            return Err(ChangeError::Banned);
        }
        if before != now {
            self.tell_all_rooms().await?;
            let Role {
                moderator,
                admin,
                visible,
            } = now;
            run!(self.tx, execute, query, SET_ROLE, user.no.0, moderator, admin, visible)?;
            self.directory_changes();
            self.note_role(None, user, before, now);
        }
        if now.moderator {
            self.note_unblinded(user.no, &user.session_id).await?;
        }
        Ok(RoleChanged {
            session_id: user.session_id.clone(),
            room: None,
            before,
            now,
        })
    }
}
