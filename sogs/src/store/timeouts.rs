//! Timeouts: for a while somebody may not post in a room. To all others it is nothing but a permission taken away and a
//! scheduled one that gives it back, so every client shows and honours it. What is scheduled knows besides that it ends a
//! timeout and what permission there was before, for the room may be open to fewer by then: who had no permission of
//! their own has none afterwards.

use shared::clock::Timestamp;
use shared::crypto::UserId;
use shared::db::DbError;
use shared::run;

use super::permissions::FORGET_EMPTY;
use super::{ChangeError, Write};
use crate::model::{Action, Need, Override, RoomNo, Scope, User, UserNo, resolve};

/// What became of a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimedOut {
    /// They may not post from now on.
    Begun,
    /// They might not post until this time, and now until another.
    Moved(Timestamp),
    /// They may not post there anyway, with no end to it. Nothing was changed.
    Silent,
    /// They moderate, so nothing keeps them from posting. Nothing was changed.
    Moderates,
}

/// What ends a timeout.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
struct End {
    at: i64,
    /// Whether `write_before` says how it was. If not, it was scheduled by other means than a timeout.
    ends_timeout: bool,
    write_before: Option<bool>,
}

const END: &str = "SELECT at, ends_timeout, write_before
    FROM scheduled_permissions
    WHERE room = $1 AND person = $2 AND write = $3
    ORDER BY at, id
    LIMIT 1";

const FORGET_END: &str = "UPDATE scheduled_permissions SET write = NULL WHERE room = $1 AND person = $2 AND write = $3";

const INSERT_END: &str = "INSERT INTO scheduled_permissions (room, person, at, write, ends_timeout, write_before)
    VALUES ($1, $2, $3, $4, $5, $6)";

impl End {
    /// The permission to write once the timeout is over, in a room that grants so much to everybody.
    fn write(self, default: bool) -> Option<bool> {
        if self.ends_timeout {
            return self.write_before;
        }
        // As it is when the time has come of what is scheduled by other means.
        (!default).then_some(true)
    }
}

impl Write {
    /// Keeps whoever this id names from posting in a room until some time.
    ///
    /// # Errors
    ///
    /// If the room is gone, and when the database fails.
    pub async fn time_out(
        &mut self,
        room: RoomNo,
        id: &UserId,
        until: Timestamp,
    ) -> Result<(User, TimedOut), ChangeError> {
        self.lock(id, &Scope::Rooms(vec![room])).await?;
        let user = self.named(id).await?;
        let local = self.override_of(room, user.no).await?;
        let defaults = self.defaults_of(room).await?.ok_or(ChangeError::RoomGone)?;
        let may = resolve(user.standing, Some(&local), defaults);
        if may.moderator {
            return Ok((user, TimedOut::Moderates));
        }
        let end = self.timeout_end(room, user.no, &local).await?;
        let (outcome, end) = match end {
            Some(end) => {
                self.forget_timeout_end(room, user.no).await?;
                (TimedOut::Moved(Timestamp::from_nanos(end.at)), end)
            }
            None if !may.without_ban().allows(Need::Write) => return Ok((user, TimedOut::Silent)),
            None => {
                let write = Some(false);
                self.set_override(room, &user, Override { write, ..local }).await?;
                let end = End {
                    at: until.as_nanos(),
                    ends_timeout: true,
                    write_before: local.write,
                };
                (TimedOut::Begun, end)
            }
        };
        run!(
            self.tx,
            execute,
            query,
            INSERT_END,
            room.0,
            user.no.0,
            until.as_nanos(),
            true,
            end.ends_timeout,
            end.write_before
        )?;
        self.note(Action::TimeoutSet, Some(room), Some(user.no))
            .time("until", Some(until));
        Ok((user, outcome))
    }

    /// Lets whoever this id names post again before a timeout ends, and all others that the id stands for. Answers
    /// whether there was one.
    ///
    /// # Errors
    ///
    /// If the room is gone, and when the database fails.
    pub async fn end_timeout(&mut self, room: RoomNo, id: &UserId) -> Result<bool, ChangeError> {
        self.lock(id, &Scope::Rooms(vec![room])).await?;
        let defaults = self.defaults_of(room).await?.ok_or(ChangeError::RoomGone)?;
        let mut ended = false;
        for user in self.all_known(id).await? {
            let local = self.override_of(room, user.no).await?;
            let Some(end) = self.timeout_end(room, user.no, &local).await? else {
                continue;
            };
            self.forget_timeout_end(room, user.no).await?;
            let write = end.write(defaults.write);
            self.set_override(room, &user, Override { write, ..local }).await?;
            self.note(Action::TimeoutLift, Some(room), Some(user.no));
            ended = true;
        }
        Ok(ended)
    }

    /// What lets somebody post again who may not now; `None` for those who may and those who never will.
    async fn timeout_end(&mut self, room: RoomNo, user: UserNo, local: &Override) -> Result<Option<End>, DbError> {
        if local.write != Some(false) {
            return Ok(None);
        }
        run!(self.tx, fetch_optional, query_as::<_, End>, END, room.0, user.0, true)
    }

    async fn forget_timeout_end(&mut self, room: RoomNo, user: UserNo) -> Result<(), DbError> {
        run!(self.tx, execute, query, FORGET_END, room.0, user.0, true)?;
        run!(self.tx, execute, query, FORGET_EMPTY, room.0, user.0)?;
        Ok(())
    }
}
