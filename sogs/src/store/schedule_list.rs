//! What is to happen to whom, for the operator.

use std::fmt;
use std::str::FromStr;

use shared::clock::Timestamp;
use shared::db::DbError;
use shared::run;

use super::{Store, Write};
use crate::model::{Action, RoomNo, UserNo};

/// What an appointment is called: bans and permissions are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppointmentNo {
    /// The beginning or the end of a ban: `b1`.
    Ban(i64),
    /// A change of permissions: `p1`.
    Permissions(i64),
}

impl fmt::Display for AppointmentNo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ban(no) => write!(formatter, "b{no}"),
            Self::Permissions(no) => write!(formatter, "p{no}"),
        }
    }
}

impl FromStr for AppointmentNo {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| digits.parse::<u32>().ok().map(i64::from);
        let ban = text.strip_prefix('b').and_then(number).map(Self::Ban);
        let permissions = || text.strip_prefix('p').and_then(number).map(Self::Permissions);
        ban.or_else(permissions)
            .ok_or("a number as `sogs schedule list` has it is needed, such as b1 or p1")
    }
}

/// Something that is to happen.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Appointment {
    /// Its number among those of its kind.
    id: i64,
    /// The token of the room; `None` is the whole server.
    pub room: Option<String>,
    /// To whom.
    pub session_id: String,
    /// When; nanoseconds.
    pub at: i64,
    /// Whether they are banned from then on; `None` if it is about permissions.
    pub banned: Option<bool>,
    /// The permission from then on.
    pub read: Option<bool>,
    /// The permission from then on.
    pub write: Option<bool>,
    /// The permission from then on.
    pub upload: Option<bool>,
}

impl Appointment {
    /// What it is called.
    #[must_use]
    pub const fn no(&self) -> AppointmentNo {
        match self.banned {
            Some(_) => AppointmentNo::Ban(self.id),
            None => AppointmentNo::Permissions(self.id),
        }
    }
}

const ALL: &str = "SELECT plan.id AS id, rooms.token AS room, users.session_id AS session_id, plan.at AS at,
        plan.banned AS banned, plan.read AS read, plan.write AS write, plan.upload AS upload
    FROM (
        SELECT id, room, person, at, banned, CAST(NULL AS BOOLEAN) AS read, CAST(NULL AS BOOLEAN) AS write,
            CAST(NULL AS BOOLEAN) AS upload
        FROM scheduled_bans
        UNION ALL
        SELECT id, room, person, at, CAST(NULL AS BOOLEAN), read, write, upload
        FROM scheduled_permissions
    ) AS plan
        JOIN users ON users.id = plan.person
        LEFT JOIN rooms ON rooms.id = plan.room
    ORDER BY plan.at, users.session_id, plan.id";

/// The room, the person and the time of what was taken off the schedule.
type Cancelled = (Option<i64>, i64, i64);

const CANCEL_BAN: &str = "DELETE FROM scheduled_bans WHERE id = $1 RETURNING room, person, at";

const CANCEL_PERMISSIONS: &str = "DELETE FROM scheduled_permissions WHERE id = $1 RETURNING room, person, at";

impl Store {
    /// All that is to happen, in the order of time.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn schedule(&self) -> Result<Vec<Appointment>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_as::<_, Appointment>, ALL)
    }
}

impl Write {
    /// Takes something off the schedule; false if it is not there (any more).
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn cancel(&mut self, appointment: AppointmentNo) -> Result<bool, DbError> {
        let (sql, no) = match appointment {
            AppointmentNo::Ban(no) => (CANCEL_BAN, no),
            AppointmentNo::Permissions(no) => (CANCEL_PERMISSIONS, no),
        };
        let cancelled = run!(self.tx, fetch_optional, query_as::<_, Cancelled>, sql, no)?;
        let Some((room, person, at)) = cancelled else {
            return Ok(false);
        };
        self.note(Action::ScheduleCancel, room.map(RoomNo), Some(UserNo(person)))
            .add("appointments", 1)
            .time("at", Some(Timestamp::from_nanos(at)));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_appointment_is_called_by_a_letter_and_a_number() {
        assert_eq!("b12".parse(), Ok(AppointmentNo::Ban(12)));
        assert_eq!("p7".parse(), Ok(AppointmentNo::Permissions(7)));
        assert_eq!(AppointmentNo::Permissions(7).to_string(), "p7");
        for bad in ["", "12", "b", "b-1", "x1", "b1x"] {
            assert!(bad.parse::<AppointmentNo>().is_err(), "{bad}");
        }
    }
}
