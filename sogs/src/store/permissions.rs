//! Permissions of single people in a room (`community-api.md` section 14).

use serde_json::Value;
use shared::crypto::UserId;
use shared::db::DbError;
use shared::run;

use super::audit::Detail;
use super::overrides::{Columns, FIND};
use super::{ChangeError, Store, Write};
use crate::model::{Action, FlagChange, Override, PermissionChange, RoomNo, Scope, UserNo};

#[derive(sqlx::FromRow)]
struct NamedColumns {
    session_id: String,
    #[sqlx(flatten)]
    columns: Columns,
}

const OF_ROOM: &str = "SELECT users.session_id, overrides.banned, overrides.moderator, overrides.admin,
        overrides.visible_mod, overrides.read, overrides.accessible, overrides.write, overrides.upload
    FROM overrides JOIN users ON users.id = overrides.person
    WHERE overrides.room = $1
    ORDER BY users.session_id";

const UNSCHEDULE: &str = "UPDATE scheduled_permissions
    SET read = CASE WHEN $3 THEN NULL ELSE read END,
        write = CASE WHEN $4 THEN NULL ELSE write END,
        upload = CASE WHEN $5 THEN NULL ELSE upload END
    WHERE room = $1 AND person = $2
      AND (($3 AND read IS NOT NULL) OR ($4 AND write IS NOT NULL) OR ($5 AND upload IS NOT NULL))";

pub(super) const FORGET_EMPTY: &str = "DELETE FROM scheduled_permissions
    WHERE room = $1 AND person = $2 AND read IS NULL AND write IS NULL AND upload IS NULL";

impl Store {
    /// What differs for whom in a room, in the order of their ids.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn overrides_in(&self, room: RoomNo) -> Result<Vec<(String, Override)>, DbError> {
        let mut tx = self.db.read().await?;
        let rows = run!(tx, fetch_all, query_as::<_, NamedColumns>, OF_ROOM, room.0)?;
        Ok(rows
            .into_iter()
            .map(|row| (row.session_id, row.columns.into()))
            .collect())
    }

    /// What differs for a person in a room; the default if nothing does.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn override_of(&self, room: RoomNo, user: UserNo) -> Result<Override, DbError> {
        let mut tx = self.db.read().await?;
        let row = run!(tx, fetch_optional, query_as::<_, Columns>, FIND, room.0, user.0)?;
        Ok(row.map(Into::into).unwrap_or_default())
    }
}

impl Write {
    /// Changes what whoever this id names may in a room, and answers what differs for them then. The same permissions are
    /// taken out of what was scheduled, unless that is to be kept.
    ///
    /// # Errors
    ///
    /// If the room is gone, and when the database fails.
    pub async fn change_permissions(
        &mut self,
        room: RoomNo,
        id: &UserId,
        change: &PermissionChange,
        keep_scheduled: bool,
    ) -> Result<Override, ChangeError> {
        self.lock(id, &Scope::Rooms(vec![room])).await?;
        let known = self.known(id).await?;
        let user = match known {
            Some(user) => user,
            None if change.sets() => self.named(id).await?,
            None => return Ok(Override::default()),
        };
        let local = self.override_of(room, user.no).await?;
        let new = Override {
            read: change.read.apply(local.read),
            accessible: change.accessible.apply(local.accessible),
            write: change.write.apply(local.write),
            upload: change.upload.apply(local.upload),
            ..local
        };
        self.set_override(room, &user, new).await?;
        let unscheduled = if keep_scheduled {
            0
        } else {
            self.unschedule(room, user.no, change).await?
        };
        if new != local || unscheduled > 0 {
            let detail = self.note(Action::PermissionChange, Some(room), Some(user.no));
            differences(detail, &local, &new).add("unscheduled", unscheduled);
        }
        Ok(new)
    }

    /// Answers in how many places of the schedule there was something.
    async fn unschedule(&mut self, room: RoomNo, user: UserNo, change: &PermissionChange) -> Result<i64, DbError> {
        let touched = |flag: FlagChange| flag != FlagChange::Keep;
        let changed = run!(
            self.tx,
            execute,
            query,
            UNSCHEDULE,
            room.0,
            user.0,
            touched(change.read),
            touched(change.write),
            touched(change.upload)
        )?;
        run!(self.tx, execute, query, FORGET_EMPTY, room.0, user.0)?;
        Ok(i64::try_from(changed).unwrap_or(i64::MAX))
    }
}

/// Says which permissions of somebody are others now.
pub(super) fn differences<'a>(detail: &'a mut Detail, before: &Override, now: &Override) -> &'a mut Detail {
    let flags = [
        ("read", before.read, now.read),
        ("accessible", before.accessible, now.accessible),
        ("write", before.write, now.write),
        ("upload", before.upload, now.upload),
    ];
    for (name, before, now) in flags {
        if before != now {
            detail.set(name, now.map_or_else(|| "default".into(), Value::from));
        }
    }
    detail
}
