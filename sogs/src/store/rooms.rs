//! Rooms: reading them all, making and deleting them.

use std::collections::HashMap;
use std::time::Duration;

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect, Tx};
use shared::run;

use super::{Store, Write};
use crate::model::{Action, Counters, Defaults, Moderators, Pin, Room, RoomNo, RoomToken, WebParts};

/// A row of the table.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RoomRow {
    /// The room's number.
    pub id: i64,
    /// Its token, as it was chosen.
    pub token: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// The file that is its image.
    pub image: Option<i64>,
    /// When it was made; nanoseconds.
    pub created: i64,
    /// The latest sequence number.
    pub message_sequence: i64,
    /// Grows with every change of what clients show about the room.
    pub info_updates: i64,
    /// How many people read in it lately.
    pub active_users: i64,
    /// Default permission.
    pub read: bool,
    /// Default permission.
    pub accessible: bool,
    /// Default permission.
    pub write: bool,
    /// Default permission.
    pub upload: bool,
    /// Posts of one person within the interval.
    pub rate_limit_size: i64,
    /// Nanoseconds.
    pub rate_limit_interval: i64,
    /// Part of [`RoomRow::web`].
    pub web_index: bool,
    /// Part of [`RoomRow::web`].
    pub web_page: bool,
    /// Part of [`RoomRow::web`].
    pub web_messages: bool,
    /// Part of [`RoomRow::web`].
    pub web_feed: bool,
}

/// A room that is about to be made.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Its token.
    pub token: RoomToken,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// What everybody may.
    pub defaults: Defaults,
}

/// A room as it stands in the database, with its counters.
#[derive(Debug)]
pub struct LoadedRoom {
    /// The room; its counters are to be replaced by the ones that are kept.
    pub room: Room,
    /// The latest sequence number.
    pub message_sequence: i64,
    /// How many people read in it lately.
    pub active_users: i64,
}

#[derive(sqlx::FromRow)]
struct RoleRow {
    room: i64,
    session_id: String,
    admin: bool,
    visible: bool,
}

#[derive(sqlx::FromRow)]
struct PinRow {
    room: i64,
    message: i64,
    pinned_at: i64,
    session_id: String,
}

const GENERATION: &str = "SELECT generation FROM server";

pub(super) const ALL: &str =
    "SELECT id, token, name, description, image, created, message_sequence, info_updates, active_users,
        read, accessible, write, upload, rate_limit_size, rate_limit_interval,
        web_index, web_page, web_messages, web_feed
    FROM rooms
    ORDER BY token_key";

pub(super) const FIND: &str =
    "SELECT id, token, name, description, image, created, message_sequence, info_updates, active_users,
        read, accessible, write, upload, rate_limit_size, rate_limit_interval,
        web_index, web_page, web_messages, web_feed
    FROM rooms
    WHERE token_key = $1";

const DEFAULTS: &str = "SELECT read, accessible, write, upload FROM rooms WHERE id = $1";

/// Everybody with a role, room by room. What somebody is on the whole server counts where they have no role of the
/// room's own; a role of the room's own says who can see it.
const ROLES: &str = "SELECT overrides.room AS room, users.session_id AS session_id,
        (overrides.admin OR users.admin) AS admin, overrides.visible_mod AS visible
    FROM overrides JOIN users ON users.id = overrides.person
    WHERE overrides.moderator = $1 AND users.id <> 0
    ORDER BY users.session_id";

const GLOBAL_ROLES: &str = "SELECT CAST(0 AS BIGINT) AS room, session_id, admin, visible_mod AS visible
    FROM users
    WHERE moderator = $1 AND id <> 0
    ORDER BY session_id";

const PINS: &str = "SELECT pins.room AS room, pins.message AS message, pins.pinned_at AS pinned_at,
        users.session_id AS session_id
    FROM pins JOIN users ON users.id = pins.pinned_by
    ORDER BY pins.pinned_at, pins.message";

const INSERT: &str = "INSERT INTO rooms
        (token, token_key, name, description, created, read, accessible, write, upload, message_sequence, info_updates)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
        COALESCE((SELECT message_sequence FROM former_rooms WHERE token_key = $2), 0),
        COALESCE((SELECT info_updates FROM former_rooms WHERE token_key = $2), 0) + 1)
    ON CONFLICT (token_key) DO NOTHING
    RETURNING id";

const COUNT: &str = "SELECT COUNT(*) FROM rooms";

const REMEMBER: &str = "INSERT INTO former_rooms (token_key, message_sequence, info_updates)
    SELECT token_key, message_sequence + 1, info_updates + 1 FROM rooms WHERE id = $1
    ON CONFLICT (token_key) DO UPDATE
    SET message_sequence = excluded.message_sequence, info_updates = excluded.info_updates";

/// Nothing that refers to the room is added any more.
const TAKE: PerDialect = PerDialect {
    sqlite: "SELECT token_key, token FROM rooms WHERE id = $1",
    postgres: "SELECT token_key, token FROM rooms WHERE id = $1 FOR UPDATE",
};

const LOCK_TOKEN: PerDialect = PerDialect {
    sqlite: "SELECT $1",
    postgres: "SELECT pg_advisory_xact_lock(hashtextextended($1, 16))",
};

/// How many messages one step takes away, so that others get their turn in between.
const STEP: i64 = 1000;

const DELETE_MESSAGES: &str = "DELETE FROM messages
    WHERE id IN (SELECT id FROM messages WHERE room = $1 ORDER BY seqno LIMIT $2)";

const EXPIRE_FILES: &str = "UPDATE files SET expiry = 0, room = NULL, message = NULL WHERE room = $1";

const DELETE: &str = "DELETE FROM rooms WHERE id = $1";

const INFO_UPDATES: &str = "SELECT info_updates FROM rooms WHERE id = $1";

impl Store {
    /// All rooms with their moderators and pins, in the order of their tokens, and the generation that this is the
    /// state of.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn rooms(&self) -> Result<(i64, Vec<LoadedRoom>), DbError> {
        let mut tx = self.db.read().await?;
        let generation = run!(tx, fetch_one, query_scalar::<_, i64>, GENERATION)?;
        let rows = run!(tx, fetch_all, query_as::<_, RoomRow>, ALL)?;
        let mut moderators = moderators(&mut tx, &rows).await?;
        let mut pins: HashMap<i64, Vec<Pin>> = HashMap::new();
        for row in run!(tx, fetch_all, query_as::<_, PinRow>, PINS)? {
            pins.entry(row.room).or_default().push(Pin {
                message: row.message,
                pinned_at: Timestamp::from_nanos(row.pinned_at),
                pinned_by: row.session_id,
            });
        }
        let rooms = rows.into_iter().map(|row| {
            let moderators = moderators.remove(&row.id).unwrap_or_default();
            let pins = pins.remove(&row.id).unwrap_or_default();
            LoadedRoom {
                message_sequence: row.message_sequence,
                active_users: row.active_users,
                room: room(row, moderators, pins),
            }
        });
        Ok((generation, rooms.collect()))
    }

    /// The generation that the database is at; see [`super::Committed::generation`].
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn generation(&self) -> Result<i64, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_one, query_scalar::<_, i64>, GENERATION)
    }

    /// Takes away the messages of a room that is about to be deleted, in as many steps as it takes.
    ///
    /// # Errors
    ///
    /// When the database fails; what was taken away by then stays away.
    pub async fn empty_room(&self, room: RoomNo, now: Timestamp) -> Result<(), DbError> {
        loop {
            let mut write = self.write(now).await?;
            if !write.lock_rooms(&[room]).await? {
                return Ok(());
            }
            let taken = run!(write.tx, execute, query, DELETE_MESSAGES, room.0, STEP)?;
            write.commit().await?;
            if taken < STEP.unsigned_abs() {
                return Ok(());
            }
        }
    }

    /// All rooms' rows, in the order of their tokens.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn room_rows(&self) -> Result<Vec<RoomRow>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_as::<_, RoomRow>, ALL)
    }

    /// One room's row.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn room(&self, token: &RoomToken) -> Result<Option<RoomRow>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_optional, query_as::<_, RoomRow>, FIND, token.key())
    }
}

impl RoomRow {
    /// What of it browsers can see.
    #[must_use]
    pub fn web(&self) -> WebParts {
        WebParts {
            index: self.web_index,
            page: self.web_page,
            messages: self.web_messages,
            feed: self.web_feed,
        }
    }
}

fn room(row: RoomRow, moderators: Moderators, pins: Vec<Pin>) -> Room {
    Room {
        web: row.web(),
        no: RoomNo(row.id),
        token: row.token,
        name: row.name,
        description: row.description.filter(|text| !text.is_empty()),
        image: row.image,
        created: Timestamp::from_nanos(row.created),
        info_updates: row.info_updates,
        defaults: Defaults {
            read: row.read,
            accessible: row.accessible,
            write: row.write,
            upload: row.upload,
        },
        rate_limit_size: row.rate_limit_size,
        rate_limit_interval: Duration::from_nanos(u64::try_from(row.rate_limit_interval).unwrap_or(0)),
        moderators,
        pins,
        counters: std::sync::Arc::new(Counters::default()),
    }
}

/// Who moderates which room.
async fn moderators(tx: &mut Tx, rooms: &[RoomRow]) -> Result<HashMap<i64, Moderators>, DbError> {
    let mut of_rooms: HashMap<i64, Vec<RoleRow>> = HashMap::new();
    for role in run!(tx, fetch_all, query_as::<_, RoleRow>, ROLES, true)? {
        of_rooms.entry(role.room).or_default().push(role);
    }
    let global = run!(tx, fetch_all, query_as::<_, RoleRow>, GLOBAL_ROLES, true)?;
    let lists = rooms.iter().map(|room| {
        let own = of_rooms.remove(&room.id).unwrap_or_default();
        let mut all: Vec<&RoleRow> = own.iter().collect();
        let new = |role: &&RoleRow| {
            own.binary_search_by(|own| own.session_id.cmp(&role.session_id))
                .is_err()
        };
        all.extend(global.iter().filter(new));
        all.sort_by(|one, other| one.session_id.cmp(&other.session_id));
        let mut lists = Moderators::default();
        for role in all {
            let list = match (role.visible, role.admin) {
                (true, false) => &mut lists.moderators,
                (true, true) => &mut lists.admins,
                (false, false) => &mut lists.hidden_moderators,
                (false, true) => &mut lists.hidden_admins,
            };
            list.push(role.session_id.clone());
        }
        (room.id, lists)
    });
    Ok(lists.collect())
}

impl Write {
    /// Makes a room, or `None` if there is one of this token. The counters of a former room of the same token are
    /// continued, so that clients that still know it miss nothing.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn create_room(&mut self, new: &NewRoom) -> Result<Option<RoomNo>, DbError> {
        self.lock_token(&new.token.key()).await?;
        let Defaults {
            read,
            accessible,
            write,
            upload,
        } = new.defaults;
        let id = run!(
            self.tx,
            fetch_optional,
            query_scalar::<_, i64>,
            INSERT,
            new.token.as_str(),
            new.token.key(),
            &new.name,
            &new.description,
            self.now.as_nanos(),
            read,
            accessible,
            write,
            upload
        )?;
        self.directory_changes();
        let id = id.map(RoomNo);
        if let Some(id) = id {
            self.note(Action::RoomCreate, Some(id), None);
        }
        Ok(id)
    }

    /// How many rooms there are.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn count_rooms(&mut self) -> Result<i64, DbError> {
        run!(self.tx, fetch_one, query_scalar::<_, i64>, COUNT)
    }

    /// All rooms, in the order of their tokens.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn all_rooms(&mut self) -> Result<Vec<RoomRow>, DbError> {
        run!(self.tx, fetch_all, query_as::<_, RoomRow>, ALL)
    }

    /// The room of this token.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn room(&mut self, token: &RoomToken) -> Result<Option<RoomRow>, DbError> {
        run!(self.tx, fetch_optional, query_as::<_, RoomRow>, FIND, token.key())
    }

    /// Deletes a room with its messages, reactions, pins, permissions, bans and activity. Its files belong to no room
    /// any more and go with the next sweep. False if it is gone already. Of a large room [`Store::empty_room`] takes the
    /// most away before.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn delete_room(&mut self, room: RoomNo) -> Result<bool, DbError> {
        let names = run!(self.tx, fetch_optional, query_as::<_, (String, String)>, TAKE, room.0)?;
        let Some((key, token)) = names else {
            return Ok(false);
        };
        self.lock_token(&key).await?;
        run!(self.tx, execute, query, REMEMBER, room.0)?;
        run!(self.tx, execute, query, EXPIRE_FILES, room.0)?;
        run!(self.tx, execute, query, DELETE, room.0)?;
        self.note_gone(Action::RoomDelete, token);
        self.directory_changes();
        Ok(true)
    }

    /// Waits until nobody else makes or deletes a room of this token, so that counters are carried on.
    async fn lock_token(&mut self, key: &str) -> Result<(), DbError> {
        run!(self.tx, execute, query, LOCK_TOKEN, key)?;
        Ok(())
    }

    /// What a room grants to everybody; `None` if it is gone.
    pub(super) async fn defaults_of(&mut self, room: RoomNo) -> Result<Option<Defaults>, DbError> {
        let row = run!(
            self.tx,
            fetch_optional,
            query_as::<_, (bool, bool, bool, bool)>,
            DEFAULTS,
            room.0
        )?;
        Ok(row.map(|(read, accessible, write, upload)| Defaults {
            read,
            accessible,
            write,
            upload,
        }))
    }

    /// The `info_updates` of a room.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn info_updates(&mut self, room: RoomNo) -> Result<i64, DbError> {
        run!(self.tx, fetch_one, query_scalar::<_, i64>, INFO_UPDATES, room.0)
    }
}
