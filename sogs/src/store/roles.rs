//! Roles: who moderates which room, and the whole server (`community-api.md` section 15).

use shared::crypto::UserId;
use shared::db::DbError;
use shared::run;

use super::{ChangeError, Store, UserRow, Write};
use crate::model::{Override, Role, RoleChange, RoomNo, Scope, User};

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
        Ok(RoleChanged {
            session_id: user.session_id.clone(),
            room: Some(room),
            before,
            now,
        })
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
