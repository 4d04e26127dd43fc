//! People: finding them, and the first time they show up.

use shared::clock::Timestamp;
use shared::crypto::{Ed25519Public, UserId, X25519Public};
use shared::db::DbError;
use shared::run;

use super::{ChangeError, Store, Write};
use crate::model::{Member, Override, RoomNo, Standing, User, UserNo};

/// A row of the table.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct UserRow {
    /// The person's number.
    pub id: i64,
    /// Their id.
    pub session_id: String,
    /// When they first showed up or were named; nanoseconds.
    pub created: i64,
    /// When they last signed a request; nanoseconds, a few seconds late. 0 for who was only named.
    pub last_active: i64,
    /// Banned from the whole server.
    pub banned: bool,
    /// Moderator of the whole server.
    pub moderator: bool,
    /// Admin of the whole server.
    pub admin: bool,
    /// Whether others can see that they moderate the whole server.
    pub visible_mod: bool,
}

impl UserRow {
    /// When they were first here, if they ever were: of who was only named, `created` is when that was. There are people
    /// who posted on another server, which did not say when.
    #[must_use]
    pub fn first_seen(&self, posts: i64) -> Option<Timestamp> {
        let was_here = self.last_active != 0 || posts > 0;
        (was_here && self.created != 0).then(|| Timestamp::from_nanos(self.created))
    }

    /// When they last signed a request, if they ever did.
    #[must_use]
    pub fn last_seen(&self) -> Option<Timestamp> {
        (self.last_active != 0).then(|| Timestamp::from_nanos(self.last_active))
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            no: UserNo(row.id),
            session_id: row.session_id,
            standing: Standing {
                banned: row.banned,
                moderator: row.moderator,
                admin: row.admin,
            },
            visible_mod: row.visible_mod,
        }
    }
}

#[derive(sqlx::FromRow)]
struct OverrideRow {
    room: i64,
    #[sqlx(flatten)]
    columns: super::overrides::Columns,
}

const FIND: &str = "SELECT id, session_id, created, last_active, banned, moderator, admin, visible_mod
    FROM users
    WHERE session_id = $1";

const BEGINNING: &str = "SELECT session_id
    FROM users
    WHERE session_id >= $1 AND session_id < $2 AND id <> 0
    ORDER BY session_id
    LIMIT $3";

const FIND_BY_NUMBER: &str = "SELECT id, session_id, created, last_active, banned, moderator, admin, visible_mod
    FROM users
    WHERE id = $1";

const OVERRIDES: &str = "SELECT room, banned, moderator, admin, visible_mod, read, accessible, write, upload
    FROM overrides
    WHERE person = $1";

const INSERT: &str = "INSERT INTO users (session_id, created, last_active)
    VALUES ($1, $2, $3)
    ON CONFLICT (session_id) DO NOTHING
    RETURNING id, session_id, created, last_active, banned, moderator, admin, visible_mod";

/// The server itself, under its current key. It is an admin that nobody sees.
const SYSTEM: &str = "INSERT INTO users (id, session_id, created, last_active, moderator, admin, visible_mod)
    VALUES (0, $1, $2, $2, $3, $3, $4)
    ON CONFLICT (id) DO UPDATE SET session_id = $1, moderator = $3, admin = $3, visible_mod = $4";

const SYSTEM_ID: &str = "SELECT session_id FROM users WHERE id = 0";

const TOUCH: &str = "UPDATE users
    SET last_active = $2
    WHERE id = $1 AND last_active < $2";

impl Store {
    /// The person with this id, and all that differs for them.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn member(&self, id: &UserId) -> Result<Option<Member>, DbError> {
        let mut tx = self.db.read().await?;
        let Some(row) = run!(tx, fetch_optional, query_as::<_, UserRow>, FIND, id.to_string())? else {
            return Ok(None);
        };
        let overrides = run!(tx, fetch_all, query_as::<_, OverrideRow>, OVERRIDES, row.id)?;
        Ok(Some(Member {
            id: *id,
            user: row.into(),
            overrides: overrides
                .into_iter()
                .map(|row| (RoomNo(row.room), Override::from(row.columns)))
                .collect(),
        }))
    }

    /// Everybody that an id stands for, whom it names first: by a 05 id those whose blinded ids belong to it, and the
    /// account itself from the time before blinded ids were asked for.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn find_all(&self, id: &UserId) -> Result<Vec<User>, DbError> {
        let mut tx = self.db.read().await?;
        let mut people = Vec::new();
        for candidate in super::blinding::candidates(self.blinding.as_deref(), id) {
            let row = run!(tx, fetch_optional, query_as::<_, UserRow>, FIND, candidate.to_string())?;
            people.extend(row.map(User::from));
        }
        Ok(people)
    }

    /// The person that an id names: by a 05 id, the one whose blinded id belongs to it if there is one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn find_user(&self, id: &UserId) -> Result<Option<User>, DbError> {
        let mut tx = self.db.read().await?;
        for candidate in super::blinding::candidates(self.blinding.as_deref(), id) {
            if let Some(row) = run!(tx, fetch_optional, query_as::<_, UserRow>, FIND, candidate.to_string())? {
                return Ok(Some(row.into()));
            }
        }
        Ok(None)
    }

    /// Up to `most` ids that begin with these digits, in their order.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn ids_beginning(&self, digits: &str, most: i64) -> Result<Vec<String>, DbError> {
        let mut tx = self.db.read().await?;
        // Above every digit.
        let end = format!("{digits}g");
        run!(tx, fetch_all, query_scalar::<_, String>, BEGINNING, digits, end, most)
    }

    /// The row of a person.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn user_row(&self, no: UserNo) -> Result<Option<UserRow>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_optional, query_as::<_, UserRow>, FIND_BY_NUMBER, no.0)
    }

    /// The id of the server itself, under the key that it last started with; `None` before its first start.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn system_user(&self) -> Result<Option<String>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_optional, query_scalar::<_, String>, SYSTEM_ID)
    }
}

impl Write {
    /// Puts the server itself among the people, under the id of its current key.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn install_system_user(&mut self, id: &str) -> Result<(), DbError> {
        run!(self.tx, execute, query, SYSTEM, id, self.now.as_nanos(), true, false)?;
        self.directory_changes();
        Ok(())
    }

    /// The person who has just signed a request with this id, as a new row if need be. Somebody who was named by the
    /// account's id before takes over what was kept for them (`community-behaviour.md` section 3).
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn appear(&mut self, id: &UserId) -> Result<User, DbError> {
        self.make(id, self.now.as_nanos()).await
    }

    /// The same for somebody who was last here at that time, 0 if never.
    async fn make(&mut self, id: &UserId, last_active: i64) -> Result<User, DbError> {
        if let Some(row) = self.user_row(id).await? {
            return Ok(row.into());
        }
        self.lock_person(id).await?;
        let inserted = run!(
            self.tx,
            fetch_optional,
            query_as::<_, UserRow>,
            INSERT,
            id.to_string(),
            self.now.as_nanos(),
            last_active
        )?;
        if inserted.is_some() {
            self.take_over(id).await?;
        }
        let row = run!(self.tx, fetch_one, query_as::<_, UserRow>, FIND, id.to_string())?;
        Ok(row.into())
    }

    /// The person that a moderator names, as a new row if need be: by a 05 id the one whose blinded id belongs to it,
    /// if there is one.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Nobody`] if nobody can ever come with this id, and when the database fails.
    pub async fn named(&mut self, id: &UserId) -> Result<User, ChangeError> {
        self.lock_person(id).await?;
        match self.known(id).await? {
            Some(user) => Ok(user),
            None if is_possible(id) => Ok(self.make(id, 0).await?),
            None => Err(ChangeError::Nobody),
        }
    }

    /// The same, but nobody is made.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn known(&mut self, id: &UserId) -> Result<Option<User>, DbError> {
        for candidate in super::blinding::candidates(self.blinding.as_deref(), id) {
            if let Some(row) = self.user_row(&candidate).await? {
                return Ok(Some(row.into()));
            }
        }
        Ok(None)
    }

    /// The person with this number.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn user(&mut self, no: UserNo) -> Result<Option<User>, DbError> {
        let row = run!(self.tx, fetch_optional, query_as::<_, UserRow>, FIND_BY_NUMBER, no.0)?;
        Ok(row.map(Into::into))
    }

    pub(super) async fn user_row(&mut self, id: &UserId) -> Result<Option<UserRow>, DbError> {
        run!(self.tx, fetch_optional, query_as::<_, UserRow>, FIND, id.to_string())
    }

    /// Takes note of when people last signed a request.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn touch_users(&mut self, seen: &[(UserNo, Timestamp)]) -> Result<(), DbError> {
        // In one order, so that two processes do not wait for each other.
        let mut seen = seen.to_vec();
        seen.sort_unstable();
        for (user, at) in &seen {
            run!(self.tx, execute, query, TOUCH, user.0, at.as_nanos())?;
        }
        Ok(())
    }
}

/// Whether an id is that of a key (`identity-and-crypto.md` section 5). Of those with a wrong digit one in sixteen is.
fn is_possible(id: &UserId) -> bool {
    match id {
        UserId::Session(account) => X25519Public::from_bytes(*account.key()).to_ed25519().is_ok(),
        UserId::Blinded(blinded) => Ed25519Public::from_bytes(*blinded.key()).is_ok(),
    }
}
