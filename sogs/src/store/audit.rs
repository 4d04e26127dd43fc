//! Who changed what about rooms and people, and why. It is written down in the transaction of the change itself. What
//! was said is no part of it.

use serde_json::{Map, Value};
use shared::clock::Timestamp;
use shared::crypto::UserId;
use shared::db::{DbError, PerDialect};
use shared::run;

use super::{Store, Write, blinding};
use crate::model::{Action, Actor, RoomNo, UserNo};

/// What the database knows of a change.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Record {
    /// When; nanoseconds.
    pub at: i64,
    /// Who: an id, `operator` or `server`.
    pub actor: String,
    /// What, as [`Action::name`] calls it.
    pub action: String,
    /// The token of the room; `None` is the whole server.
    pub room: Option<String>,
    /// The id of whom it was done to.
    pub target: Option<String>,
    /// A JSON object with what it came to.
    pub detail: Option<String>,
    /// Why, if somebody wrote that down.
    pub reason: Option<String>,
}

/// Which changes are asked for; those to which all applies that is given.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// In the room of this token, whatever its case.
    pub room: Option<String>,
    /// Done to somebody with one of these ids.
    pub targets: Option<Vec<String>>,
    /// Done by one of these.
    pub actors: Option<Vec<String>>,
    /// Of this name, or of those that begin with it and a dot.
    pub action: Option<String>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
}

/// A change that goes on over several transactions and is written down as one. See [`Write::go_on`].
#[derive(Clone, Debug)]
pub struct Recorded {
    id: i64,
    entry: Entry,
}

/// What is written down with a change once it is committed.
#[derive(Clone, Debug)]
struct Entry {
    action: Action,
    place: Place,
    target: Option<UserNo>,
    detail: Detail,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Server,
    Room(RoomNo),
    /// A room that is gone.
    Token(String),
}

/// What a change came to, under names: numbers, flags, new values.
#[derive(Clone, Debug, Default)]
pub(super) struct Detail(Map<String, Value>);

/// All that one transaction has to write down.
#[derive(Debug, Default)]
pub(super) struct Audit {
    actor: Actor,
    reason: Option<String>,
    entries: Vec<Entry>,
    earlier: Vec<Recorded>,
}

const INSERT: &str = "INSERT INTO audit (at, actor, action, room, target, detail, reason)
    VALUES ($1, $2, $3, COALESCE($4, (SELECT token FROM rooms WHERE id = $5)),
        (SELECT session_id FROM users WHERE id = $6), $7, $8)
    RETURNING id";

const ADD: &str = "UPDATE audit SET detail = $2 WHERE id = $1";

macro_rules! select {
    ($targets:literal, $actors:literal) => {
        concat!(
            "SELECT at, actor, action, room, target, detail, reason
            FROM audit
            WHERE ($1 = '' OR LOWER(room) = $1)
                AND ($2 = '' OR target IN ",
            $targets,
            ")
                AND ($3 = '' OR actor IN ",
            $actors,
            ")
                AND ($4 = '' OR action = $4 OR action LIKE $4 || '.%')
                AND at >= $5
            ORDER BY id DESC
            LIMIT $6"
        )
    };
}

const SELECT: PerDialect = PerDialect {
    sqlite: select!(
        "(SELECT value FROM json_each(NULLIF($2, '')))",
        "(SELECT value FROM json_each(NULLIF($3, '')))"
    ),
    postgres: select!(
        "(SELECT jsonb_array_elements_text(NULLIF($2, '')::jsonb))",
        "(SELECT jsonb_array_elements_text(NULLIF($3, '')::jsonb))"
    ),
};

const ACCOUNT_OF: &str = "SELECT users.session_id
    FROM needs_blinding JOIN users ON users.id = needs_blinding.person
    WHERE needs_blinding.blinded = $1";

impl Store {
    /// What was written down of changes, the latest first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn audit(&self, sought: &Sought, limit: i64) -> Result<Vec<Record>, DbError> {
        let mut tx = self.db.read().await?;
        let list = |ids: &Option<Vec<String>>| ids.as_deref().map(super::json).unwrap_or_default();
        run!(
            tx,
            fetch_all,
            query_as::<_, Record>,
            SELECT,
            sought.room.as_deref().unwrap_or_default().to_ascii_lowercase(),
            list(&sought.targets),
            list(&sought.actors),
            sought.action.as_deref().unwrap_or_default(),
            sought.since.map_or(i64::MIN, Timestamp::as_nanos),
            limit
        )
    }

    /// All ids by which somebody may have been written down: those that belong to the given one, be they known or not.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn ids_of(&self, id: &UserId) -> Result<Vec<String>, DbError> {
        let mut ids: Vec<String> = blinding::candidates(self.blinding.as_deref(), id)
            .iter()
            .map(ToString::to_string)
            .collect();
        if let UserId::Blinded(blinded) = id {
            let mut tx = self.db.read().await?;
            let key = blinded.absolute().to_string();
            ids.extend(run!(tx, fetch_optional, query_scalar::<_, String>, ACCOUNT_OF, key)?);
        }
        Ok(ids)
    }
}

impl Detail {
    /// Says what something is now.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Says when something is to happen, in seconds since the epoch.
    pub(super) fn time(&mut self, name: &str, at: Option<Timestamp>) -> &mut Self {
        if let Some(at) = at {
            self.set(name, at.as_seconds_f64());
        }
        self
    }

    /// Says how many there were, together with those before; nothing if there were none.
    pub(super) fn add(&mut self, name: &str, count: i64) -> &mut Self {
        if count != 0 {
            let before = self.0.get(name).and_then(Value::as_i64).unwrap_or(0);
            self.set(name, before.saturating_add(count));
        }
        self
    }

    /// Names a message; of several only their number is kept.
    pub(super) fn message(&mut self, id: i64) -> &mut Self {
        if self.0.remove("message").is_some() {
            return self.set("messages", 2);
        }
        if self.0.contains_key("messages") {
            return self.add("messages", 1);
        }
        self.set("message", id)
    }

    /// Adds what a later step of the same change came to.
    fn merge(&mut self, later: Self) {
        for (name, value) in later.0 {
            match (name.as_str(), value.as_i64()) {
                ("message", Some(id)) => self.message(id),
                ("messages", Some(count)) if self.0.remove("message").is_some() => self.add("messages", count + 1),
                (_, Some(count)) => self.add(&name, count),
                (_, None) => self.set(&name, value),
            };
        }
    }

    fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| super::json(&self.0))
    }
}

impl Entry {
    /// Whether both tell of the same change.
    fn is_part_of(&self, other: &Self) -> bool {
        self.action == other.action && self.place == other.place && self.target == other.target
    }
}

impl Audit {
    fn entry(&mut self, action: Action, place: Place, target: Option<UserNo>) -> &mut Detail {
        let new = Entry {
            action,
            place,
            target,
            detail: Detail::default(),
        };
        let known = self.entries.iter().position(|entry| entry.is_part_of(&new));
        let index = known.unwrap_or_else(|| {
            self.entries.push(new);
            self.entries.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found there or just added")]
        &mut self.entries[index].detail
    }
}

impl Write {
    /// Says who makes the change; the server itself if nothing is said.
    pub fn set_actor(&mut self, actor: Actor) {
        self.audit.actor = actor;
    }

    /// Says why. It is written down with the change, and with a ban.
    pub fn set_reason(&mut self, reason: Option<&str>) {
        self.audit.reason = reason.map(str::to_owned);
    }

    /// Why the change is made.
    pub(super) fn reason(&self) -> Option<String> {
        self.audit.reason.clone()
    }

    /// Says that this change goes on with one that was committed, so that both are written down as one.
    pub fn go_on(&mut self, earlier: Vec<Recorded>) {
        self.audit.earlier = earlier;
    }

    /// Notes what is done to a room or somebody, or to somebody in a room. Without a room it is done on the whole server.
    /// The same again in one change is one change. The answer takes what it came to.
    pub(super) fn note(&mut self, action: Action, room: Option<RoomNo>, target: Option<UserNo>) -> &mut Detail {
        self.audit
            .entry(action, room.map_or(Place::Server, Place::Room), target)
    }

    /// The same for a room that is gone by then.
    pub(super) fn note_gone(&mut self, action: Action, token: String) -> &mut Detail {
        self.audit.entry(action, Place::Token(token), None)
    }

    /// Whether whoever makes the change does it to themselves, under whichever of their ids.
    pub(super) async fn is_own(&mut self, user: UserNo) -> Result<bool, DbError> {
        let Actor::Person(actor) = self.audit.actor else {
            return Ok(false);
        };
        let Some(user) = self.user(user).await? else {
            return Ok(false);
        };
        let key = |id: &UserId| blinding::person_key(self.blinding.as_deref(), id);
        Ok(user.session_id.parse().is_ok_and(|id: UserId| key(&id) == key(&actor)))
    }

    /// Writes it all down. Answers what later steps may add to.
    pub(super) async fn write_audit(&mut self) -> Result<Vec<Recorded>, DbError> {
        let mut recorded = std::mem::take(&mut self.audit.earlier);
        for entry in std::mem::take(&mut self.audit.entries) {
            if let Some(earlier) = recorded.iter_mut().find(|earlier| entry.is_part_of(&earlier.entry)) {
                earlier.entry.detail.merge(entry.detail);
                run!(self.tx, execute, query, ADD, earlier.id, earlier.entry.detail.text())?;
            } else {
                let id = self.insert_record(&entry).await?;
                recorded.push(Recorded { id, entry });
            }
        }
        Ok(recorded)
    }

    async fn insert_record(&mut self, entry: &Entry) -> Result<i64, DbError> {
        let (token, room) = match &entry.place {
            Place::Server => (None, None),
            Place::Room(room) => (None, Some(room.0)),
            Place::Token(token) => (Some(token), None),
        };
        run!(
            self.tx,
            fetch_one,
            query_scalar::<_, i64>,
            INSERT,
            self.now.as_nanos(),
            self.audit.actor.to_string(),
            entry.action.name(),
            token,
            room,
            entry.target.map(|target| target.0),
            entry.detail.text(),
            &self.audit.reason
        )
    }
}
