//! People, and those who are there under several spellings of one id.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use shared::db::PerDialect;
use shared::run;

use super::copying::Copying;
use super::report::Check;
use super::rows::{nanos, without_nul};
use super::{ImportError, PAGE};
use crate::model::UserNo;

/// The number of the server itself, in the old database and here.
const SYSTEM: i64 = 0;

/// Who is who.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Numbers of people who are there twice, and the numbers that they have from now on.
    moved: HashMap<i64, i64>,
    /// The rights of people who were there twice.
    merged: HashMap<i64, Rights>,
    /// Ids of the server under earlier keys.
    former: HashSet<i64>,
}

/// What is kept about somebody, on the server or in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rights {
    pub(super) banned: bool,
    pub(super) moderator: bool,
    pub(super) admin: bool,
    pub(super) visible: bool,
}

#[derive(sqlx::FromRow)]
struct OldUser {
    id: i64,
    session_id: String,
    created: f64,
    last_active: f64,
    banned: i64,
    moderator: i64,
    admin: i64,
    visible_mod: i64,
}

#[derive(Serialize)]
struct NewUser {
    id: i64,
    session_id: String,
    created: i64,
    last_active: i64,
    banned: bool,
    moderator: bool,
    admin: bool,
    visible_mod: bool,
}

macro_rules! users {
    ($rest:literal) => {
        concat!(
            "SELECT id, CAST(session_id AS TEXT) AS session_id, COALESCE(",
            seconds!("created"),
            ", 0.0) AS created,
                COALESCE(",
            seconds!("last_active"),
            ", 0.0) AS last_active, ",
            flag!("banned"),
            " AS banned, ",
            flag!("moderator"),
            " AS moderator, ",
            flag!("admin"),
            " AS admin, ",
            flag!("visible_mod"),
            " AS visible_mod
            FROM users ",
            $rest
        )
    };
}

const USERS: &str = users!("WHERE id > $1 AND id <> 0 ORDER BY id LIMIT $2");

const IN_CAPITALS: &str = users!("WHERE id > $1 AND id <> 0 AND session_id <> LOWER(session_id) ORDER BY id LIMIT $2");

const NAMED: &str = users!("WHERE session_id = $1");

/// Pairs of ids that differ in the sign bit only, which is the highest of the last byte but one digit.
const TWINS: PerDialect = PerDialect {
    sqlite: "SELECT one.session_id
        FROM users AS one
        WHERE one.session_id LIKE '15%' AND INSTR('89abcdef', SUBSTR(one.session_id, 65, 1)) > 0
          AND EXISTS (SELECT 1 FROM users AS other
            WHERE other.session_id = SUBSTR(one.session_id, 1, 64)
                || SUBSTR('01234567', INSTR('89abcdef', SUBSTR(one.session_id, 65, 1)), 1)
                || SUBSTR(one.session_id, 66))",
    postgres: "SELECT one.session_id
        FROM users AS one
        WHERE one.session_id LIKE '15%' AND STRPOS('89abcdef', SUBSTR(one.session_id, 65, 1)) > 0
          AND EXISTS (SELECT 1 FROM users AS other
            WHERE other.session_id = SUBSTR(one.session_id, 1, 64)
                || SUBSTR('01234567', STRPOS('89abcdef', SUBSTR(one.session_id, 65, 1)), 1)
                || SUBSTR(one.session_id, 66))",
};

const WAITING: &str = r#"SELECT users.id, users.session_id
    FROM needs_blinding
    JOIN users ON users.id = needs_blinding."user"
    WHERE users.id > $1
    ORDER BY users.id
    LIMIT $2"#;

const NOT_WAITING: &str = concat!(
    r#"SELECT COUNT(*)
    FROM users
    WHERE session_id LIKE '05%' AND LENGTH(session_id) = 66
      AND NOT EXISTS (SELECT 1 FROM needs_blinding WHERE needs_blinding."user" = users.id)
      AND ("#,
    flag!("banned"),
    " <> 0 OR ",
    flag!("moderator"),
    " <> 0 OR ",
    flag!("admin"),
    " <> 0
        OR EXISTS (SELECT 1
            FROM user_permission_overrides AS differing
            WHERE differing.\"user\" = users.id))"
);

const INSERT: PerDialect = insert!(
    "users"; id int, session_id text, created int, last_active int, banned flag, moderator flag, admin flag,
    visible_mod flag; ""
);

impl Rights {
    fn of(user: &OldUser) -> Self {
        Self {
            banned: user.banned != 0,
            moderator: user.moderator != 0,
            admin: user.admin != 0,
            visible: user.visible_mod != 0,
        }
    }

    pub(super) const fn has_role(self) -> bool {
        self.moderator || self.admin
    }

    /// Those of somebody who has both.
    pub(super) const fn with(self, other: Self) -> Self {
        Self {
            banned: self.banned || other.banned,
            moderator: self.moderator || other.moderator,
            admin: self.admin || other.admin,
            // Whoever was seen to moderate still is.
            visible: match (self.has_role(), other.has_role()) {
                (true, false) => self.visible,
                (false, true) => other.visible,
                _ => self.visible || other.visible,
            },
        }
    }

    /// Those that can be, and what was wrong.
    pub(super) fn mended(mut self) -> (Self, Option<Check>) {
        let mut wrong = None;
        if self.admin && !self.moderator {
            self.moderator = true;
            wrong = Some(Check::AdminOnly);
        }
        if self.banned && self.moderator {
            self.banned = false;
            wrong = Some(Check::BannedModerator);
        }
        (self, wrong)
    }
}

impl People {
    /// The number that somebody has here.
    pub(super) fn number(&self, old: i64) -> i64 {
        self.moved.get(&old).copied().unwrap_or(old)
    }

    /// Whether somebody was there twice.
    pub(super) fn is_merged(&self, number: i64) -> bool {
        self.merged.contains_key(&number)
    }

    /// Whether this is the server under an earlier key, which is nobody to be given anything.
    pub(super) fn is_former_server(&self, old: i64) -> bool {
        self.former.contains(&old)
    }
}

/// An id of any kind as ids are written; what is none stays as it is.
fn spelled(id: &str) -> String {
    if id.len() == 66 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        id.to_ascii_lowercase()
    } else {
        id.to_owned()
    }
}

impl Copying<'_> {
    pub(super) async fn people(&mut self) -> Result<(), ImportError> {
        self.find_doubles().await?;
        let system = format!("ff{}", self.key);
        if let Some(write) = &mut self.write {
            write.install_system_user(&system).await?;
        }
        for twin in run!(self.old, fetch_all, query_scalar::<_, String>, TWINS)? {
            self.report.found(Check::TwinIds, twin);
        }
        let mut after = i64::MIN;
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldUser>, USERS, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let count = page.len();
            let mut rows = Vec::with_capacity(count);
            for user in page {
                rows.extend(self.person(&user, &system));
            }
            self.add("people", INSERT, &rows).await?;
            self.did(count);
        }
    }

    /// Finds people who are there in capitals and in small letters.
    async fn find_doubles(&mut self) -> Result<(), ImportError> {
        let mut spellings: HashMap<String, Vec<OldUser>> = HashMap::new();
        let mut after = i64::MIN;
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldUser>, IN_CAPITALS, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for user in page {
                let id = spelled(&user.session_id);
                if id != user.session_id {
                    spellings.entry(id).or_default().push(user);
                }
            }
        }
        for (id, users) in spellings {
            let twin = run!(self.old, fetch_optional, query_as::<_, OldUser>, NAMED, &id)?;
            let mut all = twin.into_iter().chain(users);
            let Some(first) = all.next() else { continue };
            let mut rights = Rights::of(&first);
            for other in all {
                rights = rights.with(Rights::of(&other));
                self.people.moved.insert(other.id, first.id);
                self.people.merged.insert(first.id, rights);
                self.report.found(Check::MergedId, &id);
            }
        }
        Ok(())
    }

    fn person(&mut self, user: &OldUser, system: &str) -> Option<NewUser> {
        if self.people.moved.contains_key(&user.id) {
            return None;
        }
        let mut session_id = spelled(&user.session_id);
        if session_id != user.session_id {
            self.report.found(Check::UpperCaseId, &user.session_id);
        }
        if session_id == system {
            self.people.moved.insert(user.id, SYSTEM);
            return None;
        }
        let mut rights = self
            .people
            .merged
            .get(&user.id)
            .copied()
            .unwrap_or_else(|| Rights::of(user));
        if session_id.parse::<shared::crypto::UserId>().is_err() {
            if session_id.len() == system.len() && session_id.starts_with("ff") {
                self.report.found(Check::FormerServerId, &session_id);
                self.people.former.insert(user.id);
                self.all_rooms_changed |= rights.has_role();
                rights = Rights::default();
            } else {
                self.report.found(Check::OpaqueId, &session_id);
            }
        }
        if session_id.contains('\0') {
            self.report.found(Check::Nul, format!("id of user {}", user.id));
            // What was told apart by it still is.
            session_id = format!("{} {}", without_nul(session_id), user.id);
        }
        let (mended, wrong) = rights.mended();
        if let Some(check) = wrong {
            self.report.found(check, &session_id);
        }
        // Those who moderate the whole server are listed in every room.
        self.all_rooms_changed |= mended.has_role() && (wrong.is_some() || session_id != user.session_id);
        Some(NewUser {
            id: user.id,
            session_id,
            created: nanos(user.created),
            last_active: nanos(user.last_active),
            banned: mended.banned,
            moderator: mended.moderator,
            admin: mended.admin,
            visible_mod: mended.visible,
        })
    }

    /// Notes who is waited for under a blinded id: those whom the old server waited for, and those it had not noted.
    pub(super) async fn pending(&mut self) -> Result<(), ImportError> {
        if !self.settings.users.require_blind_keys {
            return Ok(());
        }
        if self.shape.needs_blinding {
            let unnoted = self.old.number(NOT_WAITING).await?;
            self.report.found_many(Check::PendingBlinding, unnoted.unsigned_abs());
            self.waiting().await?;
        }
        if let Some(write) = &mut self.write {
            write.note_all_unblinded().await?;
        }
        Ok(())
    }

    async fn waiting(&mut self) -> Result<(), ImportError> {
        let mut after = i64::MIN;
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, (i64, String)>, WAITING, after, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (user, session_id) in &page {
                let number = self.people.number(*user);
                if let Some(write) = &mut self.write {
                    write.note_unblinded(UserNo(number), session_id).await?;
                }
            }
            self.report.took("accounts waiting for their blinded id", page.len());
        }
    }
}
