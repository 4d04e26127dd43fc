//! Permissions and bans that change at a time (`community-behaviour.md` section 11).

use shared::clock::Timestamp;
use shared::crypto::UserId;
use shared::db::{DbError, PerDialect};
use shared::run;

use super::permissions::differences;
use super::{ChangeError, Store, Write};
use crate::model::{Action, LaterFlags, Override, RoomNo, Scope, User, UserNo};

/// Something that is to happen in a room.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Planned {
    /// To whom.
    pub session_id: String,
    /// When; nanoseconds.
    pub at: i64,
    /// The permission from then on.
    pub read: Option<bool>,
    /// The permission from then on.
    pub write: Option<bool>,
    /// The permission from then on.
    pub upload: Option<bool>,
    /// Whether they are banned from then on.
    pub banned: Option<bool>,
}

/// Something that is due.
#[derive(sqlx::FromRow)]
struct Due {
    id: i64,
    /// 0 is the whole server.
    room: i64,
    at: i64,
    read: Option<bool>,
    write: Option<bool>,
    upload: Option<bool>,
    banned: Option<bool>,
    ends_timeout: bool,
    /// The permission before the timeout.
    write_before: Option<bool>,
}

const PLANNED: &str = "SELECT users.session_id AS session_id, plan.at AS at, plan.read AS read, plan.write AS write,
        plan.upload AS upload, plan.banned AS banned
    FROM (
        SELECT person, at, read, write, upload, CAST(NULL AS BOOLEAN) AS banned
        FROM scheduled_permissions
        WHERE room = $1
        UNION ALL
        SELECT person, at, CAST(NULL AS BOOLEAN), CAST(NULL AS BOOLEAN), CAST(NULL AS BOOLEAN), banned
        FROM scheduled_bans
        WHERE room = $1
    ) AS plan JOIN users ON users.id = plan.person
    WHERE $2 < 0 OR users.id = $2
    ORDER BY plan.at, users.session_id";

const INSERT_PERMISSIONS: &str = "INSERT INTO scheduled_permissions (room, person, at, read, write, upload)
    VALUES ($1, $2, $3, $4, $5, $6)";

const INSERT_BAN: &str = "INSERT INTO scheduled_bans (room, person, at, banned)
    VALUES ($1, $2, $3, $4)";

macro_rules! next_person {
    ($skipped:literal) => {
        concat!(
            "SELECT person, at
            FROM (SELECT person, at
                FROM scheduled_permissions
                WHERE at <= $1 AND person NOT IN ",
            $skipped,
            " ORDER BY at LIMIT 1) AS permission
            UNION ALL
            SELECT person, at
            FROM (SELECT person, at
                FROM scheduled_bans
                WHERE at <= $1 AND person NOT IN ",
            $skipped,
            " ORDER BY at LIMIT 1) AS ban
            ORDER BY at
            LIMIT 1"
        )
    };
}

const NEXT_PERSON: PerDialect = PerDialect {
    sqlite: next_person!("(SELECT value FROM json_each($2))"),
    postgres: next_person!("(SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($2::jsonb) AS value)"),
};

const ROOMS_OF: &str = "SELECT room FROM scheduled_permissions WHERE person = $1 AND at <= $2
    UNION
    SELECT room FROM scheduled_bans WHERE person = $1 AND at <= $2 AND room IS NOT NULL";

const TAKE_PERMISSIONS: &str = "DELETE FROM scheduled_permissions
    WHERE person = $1 AND at <= $2
    RETURNING id, room, at, read, write, upload, CAST(NULL AS BOOLEAN) AS banned, ends_timeout, write_before";

const TAKE_BANS: &str = "DELETE FROM scheduled_bans
    WHERE person = $1 AND at <= $2
    RETURNING id, COALESCE(room, 0) AS room, at, CAST(NULL AS BOOLEAN) AS read, CAST(NULL AS BOOLEAN) AS write,
        CAST(NULL AS BOOLEAN) AS upload, banned, CAST(FALSE AS BOOLEAN) AS ends_timeout,
        CAST(NULL AS BOOLEAN) AS write_before";

impl Store {
    /// What is to happen in a room, to everybody or to one person, in the order of time.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn planned(&self, room: RoomNo, user: Option<UserNo>) -> Result<Vec<Planned>, DbError> {
        let mut tx = self.db.read().await?;
        let user = user.map_or(-1, |user| user.0);
        run!(tx, fetch_all, query_as::<_, Planned>, PLANNED, room.0, user)
    }

    /// For whom something is due, the one who has waited longest first; `None` if nothing is due for anybody but those
    /// who are to be skipped.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn next_due(&self, now: Timestamp, skipped: &[UserNo]) -> Result<Option<UserNo>, DbError> {
        let mut tx = self.db.read().await?;
        let skipped: Vec<i64> = skipped.iter().map(|user| user.0).collect();
        let next = run!(
            tx,
            fetch_optional,
            query_as::<_, (i64, i64)>,
            NEXT_PERSON,
            now.as_nanos(),
            super::json(&skipped)
        )?;
        Ok(next.map(|(person, _)| UserNo(person)))
    }
}

impl Write {
    /// Schedules a change of permissions of whoever this id names.
    ///
    /// # Errors
    ///
    /// If the room is gone, and when the database fails.
    pub async fn schedule_permissions(
        &mut self,
        room: RoomNo,
        id: &UserId,
        at: Timestamp,
        flags: LaterFlags,
    ) -> Result<User, ChangeError> {
        self.lock(id, &Scope::Rooms(vec![room])).await?;
        let user = self.named(id).await?;
        run!(
            self.tx,
            execute,
            query,
            INSERT_PERMISSIONS,
            room.0,
            user.no.0,
            at.as_nanos(),
            flags.read,
            flags.write,
            flags.upload
        )?;
        self.note_unblinded(user.no, &user.session_id).await?;
        let detail = self.note(Action::PermissionSchedule, Some(room), Some(user.no));
        detail.time("at", Some(at));
        for (name, flag) in [("read", flags.read), ("write", flags.write), ("upload", flags.upload)] {
            if let Some(flag) = flag {
                detail.set(name, flag);
            }
        }
        Ok(user)
    }

    /// Schedules the beginning or the end of a ban, from a room or from the whole server.
    ///
    /// # Errors
    ///
    /// If the room is gone, and when the database fails.
    pub async fn schedule_ban(
        &mut self,
        room: Option<RoomNo>,
        id: &UserId,
        at: Timestamp,
        banned: bool,
    ) -> Result<User, ChangeError> {
        let scope = room.map_or(Scope::Server, |room| Scope::Rooms(vec![room]));
        self.lock(id, &scope).await?;
        let user = self.named(id).await?;
        self.insert_scheduled_ban(room, &user, at, banned).await?;
        self.note(Action::BanSchedule, room, Some(user.no))
            .time("at", Some(at))
            .set("banned", banned);
        Ok(user)
    }

    pub(super) async fn insert_scheduled_ban(
        &mut self,
        room: Option<RoomNo>,
        user: &User,
        at: Timestamp,
        banned: bool,
    ) -> Result<(), DbError> {
        let room = room.map(|room| room.0);
        run!(
            self.tx,
            execute,
            query,
            INSERT_BAN,
            room,
            user.no.0,
            at.as_nanos(),
            banned
        )?;
        self.note_unblinded(user.no, &user.session_id).await
    }

    /// Does everything that is due for one person, one thing after the other in the order of time. Answers how many
    /// things that were.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn apply_due(&mut self, person: UserNo) -> Result<usize, DbError> {
        let Some(user) = self.user(person).await? else {
            return Ok(0);
        };
        if let Ok(id) = user.session_id.parse::<UserId>() {
            self.lock_person(&id).await?;
        }
        let due = self.take_due(user.no).await?;
        for one in &due {
            // What came before may have changed it.
            if let Some(user) = self.user(user.no).await? {
                self.apply_one(&user, one).await?;
            }
        }
        Ok(due.len())
    }

    /// Takes what is due for a person off the schedule.
    async fn take_due(&mut self, user: UserNo) -> Result<Vec<Due>, DbError> {
        let now = self.now.as_nanos();
        let rooms = run!(self.tx, fetch_all, query_scalar::<_, i64>, ROOMS_OF, user.0, now)?;
        let rooms: Vec<RoomNo> = rooms.into_iter().map(RoomNo).collect();
        self.lock_rooms(&rooms).await?;
        let mut due = run!(self.tx, fetch_all, query_as::<_, Due>, TAKE_PERMISSIONS, user.0, now)?;
        due.extend(run!(self.tx, fetch_all, query_as::<_, Due>, TAKE_BANS, user.0, now)?);
        due.sort_by_key(|one| (one.at, one.banned.is_some(), one.id));
        Ok(due)
    }

    async fn apply_one(&mut self, user: &User, due: &Due) -> Result<(), DbError> {
        let room = (due.room != 0).then_some(RoomNo(due.room));
        match (due.banned, room) {
            (Some(banned), _) => self.apply_ban(room, user, banned).await,
            (None, Some(room)) => self.apply_permissions(room, user, due).await,
            (None, None) => Ok(()),
        }
    }

    /// A ban does not hit somebody who moderates meanwhile.
    async fn apply_ban(&mut self, room: Option<RoomNo>, user: &User, banned: bool) -> Result<(), DbError> {
        let moderates = match room {
            Some(room) => user.standing.moderator || self.override_of(room, user.no).await?.moderator,
            None => user.standing.moderator,
        };
        if banned && moderates {
            tracing::warn!("a scheduled ban is left out, for the person moderates now");
            tracing::debug!(user = %user.session_id, room = ?room, "a scheduled ban is left out");
            return Ok(());
        }
        if self.set_banned(room, user, banned).await? {
            let action = if banned { Action::BanSet } else { Action::BanLift };
            self.note(action, room, Some(user.no));
        }
        Ok(())
    }

    /// What is as the room grants it to everybody needs no permission of one's own. The end of a timeout brings back what
    /// there was before, unless the timeout was undone otherwise meanwhile.
    async fn apply_permissions(&mut self, room: RoomNo, user: &User, due: &Due) -> Result<(), DbError> {
        let Some(defaults) = self.defaults_of(room).await? else {
            return Ok(());
        };
        let flag = |due: Option<bool>, own: Option<bool>, default: bool| match due {
            None => own,
            Some(value) => (value != default).then_some(value),
        };
        let local = self.override_of(room, user.no).await?;
        let new = Override {
            read: flag(due.read, local.read, defaults.read),
            write: match local.write {
                Some(false) if due.ends_timeout => due.write_before,
                own if due.ends_timeout => own,
                own => flag(due.write, own, defaults.write),
            },
            upload: flag(due.upload, local.upload, defaults.upload),
            ..local
        };
        self.set_override(room, user, new).await?;
        if new != local {
            let detail = self.note(Action::PermissionChange, Some(room), Some(user.no));
            differences(detail, &local, &new);
        }
        Ok(())
    }
}
