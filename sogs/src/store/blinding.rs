//! People who are named by their account's id before they show up with the blinded one (`community-behaviour.md`
//! section 3).

use shared::crypto::{BlindedId, BlindingFactor, SessionId, UserId};
use shared::db::DbError;
use shared::run;

use super::Write;
use crate::model::{RoomNo, User, UserNo};

const NOTE: &str = "INSERT INTO needs_blinding (blinded, person)
    VALUES ($1, $2)
    ON CONFLICT DO NOTHING";

const WAITING: &str = "SELECT person FROM needs_blinding WHERE blinded = $1";

const FORGET: &str = "DELETE FROM needs_blinding WHERE blinded = $1";

const COPY_USER: &str = "UPDATE users
    SET created = old.created,
        banned = old.banned,
        moderator = old.moderator,
        admin = old.admin,
        visible_mod = old.visible_mod,
        ban_reason = old.ban_reason
    FROM (SELECT created, banned, moderator, admin, visible_mod, ban_reason FROM users WHERE id = $2) AS old
    WHERE users.id = $1";

const CLEAR_USER: &str = "UPDATE users
    SET banned = $2, moderator = $2, admin = $2, ban_reason = NULL
    WHERE id = $1";

const MOVE_OVERRIDES: &str = "UPDATE overrides SET person = $1 WHERE person = $2";

const MOVE_PERMISSIONS: &str = "UPDATE scheduled_permissions SET person = $1 WHERE person = $2";

const MOVE_BANS: &str = "UPDATE scheduled_bans SET person = $1 WHERE person = $2";

const ROOMS_MODERATED: &str = "SELECT room FROM overrides WHERE person = $1 AND moderator = $2 ORDER BY room";

/// Accounts with something kept for them and no note yet, a page at a time.
const WITHOUT_NOTE: &str = "SELECT id, session_id
    FROM users
    WHERE id > $1
      AND session_id LIKE '05%'
      AND NOT EXISTS (SELECT 1 FROM needs_blinding WHERE person = users.id)
      AND (banned = $2 OR moderator = $2
        OR EXISTS (SELECT 1 FROM overrides WHERE person = users.id)
        OR EXISTS (SELECT 1 FROM scheduled_permissions WHERE person = users.id)
        OR EXISTS (SELECT 1 FROM scheduled_bans WHERE person = users.id))
    ORDER BY id
    LIMIT 100";

/// The ids to look somebody up by, in this order: for an account its two possible blinded ids first.
pub(super) fn candidates(blinding: Option<&BlindingFactor>, id: &UserId) -> Vec<UserId> {
    match (blinding, id) {
        (Some(factor), UserId::Session(account)) => match positive(factor, account) {
            Some(positive) => vec![UserId::Blinded(positive), UserId::Blinded(positive.negative()), *id],
            None => vec![*id],
        },
        _ => vec![*id],
    }
}

/// What all ids of one person have in common.
pub(super) fn person_key(blinding: Option<&BlindingFactor>, id: &UserId) -> String {
    match (blinding, id) {
        (Some(factor), UserId::Session(account)) => {
            positive(factor, account).map_or_else(|| id.to_string(), |positive| positive.to_string())
        }
        (Some(_), UserId::Blinded(blinded)) => blinded.absolute().to_string(),
        (None, _) => id.to_string(),
    }
}

/// The positive form of an account's blinded id; `None` if the id is that of no account.
fn positive(factor: &BlindingFactor, account: &SessionId) -> Option<BlindedId> {
    factor.blind(account).ok().map(BlindedId::absolute)
}

impl Write {
    /// Notes that what is kept for an account is for its blinded id, once that shows up. Nothing happens for ids of
    /// other kinds and where ids are not blinded.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub(crate) async fn note_unblinded(&mut self, user: UserNo, session_id: &str) -> Result<(), DbError> {
        let Some(factor) = self.blinding.clone() else {
            return Ok(());
        };
        let Ok(UserId::Session(account)) = session_id.parse() else {
            return Ok(());
        };
        if let Some(positive) = positive(&factor, &account) {
            run!(self.tx, execute, query, NOTE, positive.to_string(), user.0)?;
        }
        Ok(())
    }

    /// Hands a blinded id that has just shown up what was kept for its account.
    pub(super) async fn take_over(&mut self, id: &UserId) -> Result<(), DbError> {
        let UserId::Blinded(blinded) = id else {
            return Ok(());
        };
        let key = blinded.absolute().to_string();
        let Some(old) = run!(self.tx, fetch_optional, query_scalar::<_, i64>, WAITING, &key)? else {
            return Ok(());
        };
        let Some(new) = self.user_row(id).await? else {
            return Ok(());
        };
        self.tell_rooms_of(UserNo(old)).await?;
        run!(self.tx, execute, query, COPY_USER, new.id, old)?;
        run!(self.tx, execute, query, CLEAR_USER, old, false)?;
        run!(self.tx, execute, query, MOVE_OVERRIDES, new.id, old)?;
        run!(self.tx, execute, query, MOVE_PERMISSIONS, new.id, old)?;
        run!(self.tx, execute, query, MOVE_BANS, new.id, old)?;
        run!(self.tx, execute, query, FORGET, &key)?;
        self.directory_changes();
        Ok(())
    }

    /// Clients show the new id of a moderator only when they fetch the details of the room again.
    async fn tell_rooms_of(&mut self, user: UserNo) -> Result<(), DbError> {
        if self.user(user).await?.is_some_and(|user| user.standing.moderator) {
            return self.tell_all_rooms().await;
        }
        for room in run!(
            self.tx,
            fetch_all,
            query_scalar::<_, i64>,
            ROOMS_MODERATED,
            user.0,
            true
        )? {
            self.tell_room(RoomNo(room)).await?;
        }
        Ok(())
    }

    /// Everybody that an id stands for, whom it names first. Beside somebody with a blinded id there may be their
    /// account, from the time before blinded ids were asked for.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn all_known(&mut self, id: &UserId) -> Result<Vec<User>, DbError> {
        let mut people = Vec::new();
        for candidate in candidates(self.blinding.as_deref(), id) {
            people.extend(self.user_row(&candidate).await?.map(User::from));
        }
        if let UserId::Blinded(blinded) = id {
            let key = blinded.absolute().to_string();
            if let Some(account) = run!(self.tx, fetch_optional, query_scalar::<_, i64>, WAITING, key)? {
                people.extend(self.user(UserNo(account)).await?);
            }
        }
        Ok(people)
    }

    /// The pass at start: notes all accounts that have something kept for them and no note yet, so that blinded ids can
    /// be asked for later. Answers how many.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn note_all_unblinded(&mut self) -> Result<usize, DbError> {
        let (mut last, mut noted) = (-1, 0);
        loop {
            let page = run!(
                self.tx,
                fetch_all,
                query_as::<_, (i64, String)>,
                WITHOUT_NOTE,
                last,
                true
            )?;
            let Some((end, _)) = page.last() else {
                return Ok(noted);
            };
            last = *end;
            for (user, session_id) in &page {
                self.note_unblinded(UserNo(*user), session_id).await?;
                noted += 1;
            }
        }
    }
}
