//! People who are named by their account's id before they show up with the blinded one (`community-behaviour.md`
//! section 3).

use shared::crypto::{BlindedId, BlindingFactor, SessionId, UserId};
use shared::db::DbError;
use shared::run;

use super::Write;
use crate::model::{RoomNo, Scope, User, UserNo};

const NOTE: &str = "INSERT INTO needs_blinding (blinded, person)
    VALUES ($1, $2)
    ON CONFLICT DO NOTHING";

const WAITING: &str = "SELECT person FROM needs_blinding WHERE blinded = $1";

const FORGET: &str = "DELETE FROM needs_blinding WHERE person = $1";

const COPY_USER: &str = "UPDATE users
    SET created = old.created,
        last_active = CASE WHEN users.last_active > old.last_active THEN users.last_active ELSE old.last_active END,
        banned = old.banned,
        moderator = old.moderator,
        admin = old.admin,
        visible_mod = old.visible_mod,
        ban_reason = old.ban_reason
    FROM (SELECT created, last_active, banned, moderator, admin, visible_mod, ban_reason FROM users WHERE id = $2) AS old
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

/// Accounts with a note, a page at a time.
const NOTED: &str = "SELECT needs_blinding.blinded, users.session_id
    FROM needs_blinding JOIN users ON users.id = needs_blinding.person
    WHERE needs_blinding.blinded > $1
    ORDER BY needs_blinding.blinded
    LIMIT 100";

/// What both are, unless one is banned and the other moderates.
const MERGE_USER: &str = "UPDATE users
    SET banned = (users.banned OR old.banned),
        moderator = (users.moderator OR old.moderator),
        admin = (users.admin OR old.admin),
        visible_mod = CASE WHEN users.moderator THEN users.visible_mod ELSE old.visible_mod END,
        ban_reason = COALESCE(users.ban_reason, old.ban_reason)
    FROM (SELECT banned, moderator, admin, visible_mod, ban_reason FROM users WHERE id = $2) AS old
    WHERE users.id = $1 AND NOT ((users.banned OR old.banned) AND (users.moderator OR old.moderator))";

/// The same room by room. Where both have a permission that of the blinded id counts.
const MERGE_OVERRIDES: &str = "INSERT INTO overrides
        (room, person, banned, moderator, admin, visible_mod, read, accessible, write, upload, ban_reason)
    SELECT room, $1, banned, moderator, admin, visible_mod, read, accessible, write, upload, ban_reason
    FROM overrides
    WHERE person = $2
    ON CONFLICT (room, person) DO UPDATE
    SET banned = (overrides.banned OR excluded.banned),
        moderator = (overrides.moderator OR excluded.moderator),
        admin = (overrides.admin OR excluded.admin),
        visible_mod = CASE WHEN overrides.moderator THEN overrides.visible_mod ELSE excluded.visible_mod END,
        read = COALESCE(overrides.read, excluded.read),
        accessible = COALESCE(overrides.accessible, excluded.accessible),
        write = COALESCE(overrides.write, excluded.write),
        upload = COALESCE(overrides.upload, excluded.upload),
        ban_reason = COALESCE(overrides.ban_reason, excluded.ban_reason)
    WHERE NOT ((overrides.banned OR excluded.banned) AND (overrides.moderator OR excluded.moderator))";

const FORGET_MERGED: &str = "DELETE FROM overrides
    WHERE person = $2 AND NOT EXISTS (SELECT 1
        FROM overrides AS other
        WHERE other.room = overrides.room AND other.person = $1
          AND ((other.banned AND overrides.moderator) OR (other.moderator AND overrides.banned)))";

const LEFT: &str = "SELECT COUNT(*) FROM overrides WHERE person = $1";

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

    /// The rooms whose moderators change if somebody with this id shows up now; the whole server for all of them.
    pub(super) async fn rooms_taken_over(&mut self, id: &UserId) -> Result<Scope, DbError> {
        let none = Scope::Rooms(Vec::new());
        if self.user_row(id).await?.is_some() {
            return Ok(none);
        }
        match self.waiting(id).await? {
            Some(account) => self.rooms_moderated(account).await,
            None => Ok(none),
        }
    }

    /// The account whose blinded id this is, if something is kept for it until that shows up. Nothing waits while ids are
    /// not blinded.
    async fn waiting(&mut self, id: &UserId) -> Result<Option<UserNo>, DbError> {
        let (Some(_), UserId::Blinded(blinded)) = (&self.blinding, id) else {
            return Ok(None);
        };
        let key = blinded.absolute().to_string();
        let account = run!(self.tx, fetch_optional, query_scalar::<_, i64>, WAITING, key)?;
        Ok(account.map(UserNo))
    }

    async fn rooms_moderated(&mut self, user: UserNo) -> Result<Scope, DbError> {
        if self.user(user).await?.is_some_and(|user| user.standing.moderator) {
            return Ok(Scope::Server);
        }
        let rooms = run!(
            self.tx,
            fetch_all,
            query_scalar::<_, i64>,
            ROOMS_MODERATED,
            user.0,
            true
        )?;
        Ok(Scope::Rooms(rooms.into_iter().map(RoomNo).collect()))
    }

    /// Hands a blinded id that has just shown up what was kept for its account.
    pub(super) async fn take_over(&mut self, id: &UserId) -> Result<(), DbError> {
        let Some(UserNo(old)) = self.waiting(id).await? else {
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
        run!(self.tx, execute, query, FORGET, old)?;
        self.directory_changes();
        Ok(())
    }

    /// Clients show the new id of a moderator only when they fetch the details of the room again.
    async fn tell_rooms_of(&mut self, user: UserNo) -> Result<(), DbError> {
        match self.rooms_moderated(user).await? {
            Scope::Server => self.tell_all_rooms().await,
            Scope::Rooms(rooms) => {
                for room in rooms {
                    self.tell_room(room).await?;
                }
                Ok(())
            }
        }
    }

    /// The person whose blinded id belongs to an account, if they have shown up.
    async fn blinded_twin(&mut self, account: &SessionId) -> Result<Option<User>, DbError> {
        let known = self.known(&UserId::Session(*account)).await?;
        Ok(known.filter(|user| user.session_id != account.to_string()))
    }

    /// Hands somebody who has shown up with a blinded id what was kept for their account since, while blinded ids were not
    /// asked for. Where they are banned by one id and moderate by the other, both stay as they are: that is for the
    /// operator to decide.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn carry_over(&mut self, account: &SessionId) -> Result<(), DbError> {
        let id = UserId::Session(*account);
        self.lock_person(&id).await?;
        let (Some(old), Some(new)) = (self.user_row(&id).await?, self.blinded_twin(account).await?) else {
            return Ok(());
        };
        let (old, new) = (old.id, new.no.0);
        self.tell_rooms_of(UserNo(old)).await?;
        let merged = run!(self.tx, execute, query, MERGE_USER, new, old)? > 0;
        if merged {
            run!(self.tx, execute, query, CLEAR_USER, old, false)?;
        }
        run!(self.tx, execute, query, MERGE_OVERRIDES, new, old)?;
        run!(self.tx, execute, query, FORGET_MERGED, new, old)?;
        if !merged || run!(self.tx, fetch_one, query_scalar::<_, i64>, LEFT, old)? > 0 {
            tracing::warn!(
                "somebody is banned by one of their two ids and moderates by the other; `sogs user show` tells"
            );
            tracing::debug!(%account, "banned by one id, moderating by the other");
        }
        run!(self.tx, execute, query, MOVE_PERMISSIONS, new, old)?;
        run!(self.tx, execute, query, MOVE_BANS, new, old)?;
        run!(self.tx, execute, query, FORGET, old)?;
        self.directory_changes();
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
        if let Some(account) = self.waiting(id).await? {
            people.extend(self.user(account).await?);
        }
        Ok(people)
    }

    /// The pass at start: notes all accounts that have something kept for them and no note yet, so that blinded ids can
    /// be asked for later. Answers those whose blinded ids have shown up already: see [`Write::carry_over`].
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn note_all_unblinded(&mut self) -> Result<Vec<SessionId>, DbError> {
        let mut there = self.noted_and_there().await?;
        let mut last = -1;
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
                return Ok(there);
            };
            last = *end;
            for (user, session_id) in &page {
                match session_id.parse() {
                    Ok(account) if self.blinded_twin(&account).await?.is_some() => there.push(account),
                    _ => self.note_unblinded(UserNo(*user), session_id).await?,
                }
            }
        }
    }

    /// Accounts that have a note, and whose blinded id has shown up all the same, while ids were not blinded.
    async fn noted_and_there(&mut self) -> Result<Vec<SessionId>, DbError> {
        let (mut last, mut there) = (String::new(), Vec::new());
        if self.blinding.is_none() {
            return Ok(there);
        }
        loop {
            let page = run!(self.tx, fetch_all, query_as::<_, (String, String)>, NOTED, &last)?;
            let Some((end, _)) = page.last() else {
                return Ok(there);
            };
            last.clone_from(end);
            for (blinded, account) in &page {
                let (Ok(positive), Ok(account)) = (blinded.parse::<BlindedId>(), account.parse()) else {
                    continue;
                };
                for form in [positive, positive.negative()] {
                    if self.user_row(&UserId::Blinded(form)).await?.is_some() {
                        there.push(account);
                        break;
                    }
                }
            }
        }
    }
}
