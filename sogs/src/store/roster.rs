//! People, for the operator.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::crypto::UserId;
use shared::db::DbError;
use shared::run;

use super::overrides::Columns;
use super::{Amount, Store, UserRow};
use crate::model::{Override, RoomNo, Standing, User, UserNo};

/// All that is kept about somebody but what they wrote.
#[derive(Clone, Debug)]
pub struct Dossier {
    /// Messages that are not deleted.
    pub messages: Amount,
    /// Files that have not been deleted yet.
    pub files: Amount,
    /// Why they are banned from the whole server, if they are and somebody wrote that down.
    pub ban_reason: Option<String>,
    /// What differs for them, room by room.
    pub rooms: Vec<InRoom>,
    /// What is to happen, in the order of time.
    pub pending: Vec<Pending>,
    /// How often they reacted to messages.
    pub reactions: i64,
    /// Direct messages that they sent.
    pub sent: i64,
    /// Direct messages that they received.
    pub received: i64,
    /// Messages of the last day.
    pub last_day: i64,
    /// Messages of the last week.
    pub last_week: i64,
    /// The positive form of the blinded id that takes over what is kept for this one, once it shows up.
    pub waits_for: Option<String>,
}

/// In which order people are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Who was there last comes first.
    Activity,
    /// Who posted the most comes first.
    Posts,
    /// Whose messages and files take the most space comes first.
    Storage,
}

/// Somebody in a list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    /// The person.
    #[sqlx(flatten)]
    pub user: UserRow,
    /// Messages that are not deleted.
    pub posts: i64,
    /// Bytes of these and of files that have not been deleted yet.
    pub bytes: i64,
}

/// Somebody for whom something differs in a room.
#[derive(Clone, Debug)]
pub struct Different {
    /// The person.
    pub user: User,
    /// The difference.
    pub differs: Override,
    /// Why they are banned.
    pub ban_reason: Option<String>,
}

#[derive(sqlx::FromRow)]
struct DifferentRow {
    id: i64,
    session_id: String,
    globally_banned: bool,
    globally_moderator: bool,
    globally_admin: bool,
    globally_visible: bool,
    ban_reason: Option<String>,
    #[sqlx(flatten)]
    columns: Columns,
}

/// What differs for somebody in a room.
#[derive(Clone, Debug)]
pub struct InRoom {
    /// The token of the room.
    pub token: String,
    /// The difference.
    pub differs: Override,
    /// Why they are banned.
    pub ban_reason: Option<String>,
}

/// What is to happen to somebody.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Pending {
    /// The token of the room; `None` is the whole server.
    pub room: Option<String>,
    /// When; nanoseconds.
    pub at: i64,
    /// Whether they are banned from then on.
    pub banned: Option<bool>,
    /// The permission from then on.
    pub read: Option<bool>,
    /// The permission from then on.
    pub write: Option<bool>,
    /// The permission from then on.
    pub upload: Option<bool>,
}

#[derive(sqlx::FromRow)]
struct RoomRow {
    token: String,
    ban_reason: Option<String>,
    #[sqlx(flatten)]
    columns: Columns,
}

const COUNT: &str = "SELECT COUNT(*) FROM users WHERE id <> 0";

/// Only those who are listed are looked at more closely.
const LATEST: &str = "SELECT list.*,
        (SELECT COUNT(*) FROM messages WHERE author = list.id AND data IS NOT NULL) AS posts,
        CAST(COALESCE((SELECT SUM(size) FROM messages WHERE author = list.id AND data IS NOT NULL), 0)
            + COALESCE((SELECT SUM(size) FROM files WHERE uploader = list.id), 0) AS BIGINT) AS bytes
    FROM (SELECT id, session_id, created, last_active, banned, moderator, admin, visible_mod
        FROM users
        WHERE id <> 0
        ORDER BY last_active DESC, id DESC
        LIMIT $1) AS list
    ORDER BY list.last_active DESC, list.id DESC";

/// Everything is looked at; the sign keeps SQLite from doing so in the order of an index, which takes twice as long.
macro_rules! by_most {
    ($what:literal) => {
        concat!(
            "SELECT users.id, users.session_id, users.created, users.last_active, users.banned, users.moderator,
                users.admin, users.visible_mod, COALESCE(written.posts, 0) AS posts,
                CAST(COALESCE(written.bytes, 0) + COALESCE(stored.bytes, 0) AS BIGINT) AS bytes
            FROM users
                LEFT JOIN (SELECT +author AS author, COUNT(*) AS posts, SUM(size) AS bytes
                    FROM messages
                    WHERE data IS NOT NULL
                    GROUP BY 1) AS written ON written.author = users.id
                LEFT JOIN (SELECT uploader, SUM(size) AS bytes FROM files GROUP BY uploader) AS stored
                    ON stored.uploader = users.id
            WHERE users.id <> 0
            ORDER BY ",
            $what,
            " DESC, users.last_active DESC, users.id DESC
            LIMIT $1"
        )
    };
}

const MOST_POSTS: &str = by_most!("posts");

const MOST_BYTES: &str = by_most!("bytes");

const MESSAGES: &str = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM messages
    WHERE author = $1 AND data IS NOT NULL";

const FILES: &str = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM files
    WHERE uploader = $1";

const REACTIONS: &str = "SELECT COUNT(*) FROM reactors WHERE person = $1";

const LATELY: &str = "SELECT COUNT(*) FROM messages WHERE author = $1 AND data IS NOT NULL AND posted > $2";

const WAITS_FOR: &str = "SELECT blinded FROM needs_blinding WHERE person = $1";

const ACCOUNT: &str =
    "SELECT users.id, users.session_id, users.created, users.last_active, users.banned, users.moderator,
        users.admin, users.visible_mod
    FROM needs_blinding JOIN users ON users.id = needs_blinding.person
    WHERE needs_blinding.blinded = $1";

const DIFFERENT: &str = "SELECT users.id AS id, users.session_id AS session_id, users.banned AS globally_banned,
        users.moderator AS globally_moderator, users.admin AS globally_admin, users.visible_mod AS globally_visible,
        overrides.ban_reason AS ban_reason, overrides.banned, overrides.moderator, overrides.admin,
        overrides.visible_mod, overrides.read, overrides.accessible, overrides.write, overrides.upload
    FROM overrides JOIN users ON users.id = overrides.person
    WHERE overrides.room = $1
    ORDER BY overrides.admin DESC, overrides.moderator DESC, overrides.banned, users.session_id";

const REASON: &str = "SELECT ban_reason FROM users WHERE id = $1";

const ROOMS: &str = "SELECT rooms.token, overrides.ban_reason, overrides.banned, overrides.moderator, overrides.admin,
        overrides.visible_mod, overrides.read, overrides.accessible, overrides.write, overrides.upload
    FROM overrides JOIN rooms ON rooms.id = overrides.room
    WHERE overrides.person = $1
    ORDER BY rooms.token_key";

const PENDING: &str = "SELECT rooms.token AS room, plan.at AS at, plan.banned AS banned, plan.read AS read,
        plan.write AS write, plan.upload AS upload
    FROM (
        SELECT room, at, banned, CAST(NULL AS BOOLEAN) AS read, CAST(NULL AS BOOLEAN) AS write,
            CAST(NULL AS BOOLEAN) AS upload
        FROM scheduled_bans
        WHERE person = $1
        UNION ALL
        SELECT room, at, CAST(NULL AS BOOLEAN), read, write, upload
        FROM scheduled_permissions
        WHERE person = $1
    ) AS plan LEFT JOIN rooms ON rooms.id = plan.room
    ORDER BY plan.at";

impl Store {
    /// How many people there are, and the first of them in some order.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn people(&self, order: Order, limit: i64) -> Result<(i64, Vec<Listed>), DbError> {
        let sql = match order {
            Order::Activity => LATEST,
            Order::Posts => MOST_POSTS,
            Order::Storage => MOST_BYTES,
        };
        let mut tx = self.db.read().await?;
        let count = run!(tx, fetch_one, query_scalar::<_, i64>, COUNT)?;
        let first = run!(tx, fetch_all, query_as::<_, Listed>, sql, limit)?;
        Ok((count, first))
    }

    /// Everybody whom an id stands for, the one whom it names first: besides somebody with a blinded id their account, as
    /// far as it is known, and the other way round.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn twins(&self, id: &UserId) -> Result<Vec<User>, DbError> {
        let mut people = self.find_all(id).await?;
        if let UserId::Blinded(blinded) = id {
            let key = blinded.absolute().to_string();
            let mut tx = self.db.read().await?;
            let account = run!(tx, fetch_optional, query_as::<_, UserRow>, ACCOUNT, key)?;
            people.extend(account.map(User::from));
        }
        Ok(people)
    }

    /// Everybody for whom something differs in a room: admins, moderators, others, and last who is banned.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn different_in(&self, room: RoomNo) -> Result<Vec<Different>, DbError> {
        let mut tx = self.db.read().await?;
        let rows = run!(tx, fetch_all, query_as::<_, DifferentRow>, DIFFERENT, room.0)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// All that is kept about somebody.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn dossier(&self, user: UserNo, now: Timestamp) -> Result<Dossier, DbError> {
        let (sent, received) = self.count_direct(user).await?;
        let [day, week] = [1, 7].map(|days| now.minus(Duration::from_secs(days * 86_400)).as_nanos());
        let mut tx = self.db.read().await?;
        let rooms = run!(tx, fetch_all, query_as::<_, RoomRow>, ROOMS, user.0)?;
        Ok(Dossier {
            messages: run!(tx, fetch_one, query_as::<_, Amount>, MESSAGES, user.0)?,
            files: run!(tx, fetch_one, query_as::<_, Amount>, FILES, user.0)?,
            ban_reason: run!(tx, fetch_one, query_scalar::<_, Option<String>>, REASON, user.0)?,
            rooms: rooms.into_iter().map(Into::into).collect(),
            pending: run!(tx, fetch_all, query_as::<_, Pending>, PENDING, user.0)?,
            reactions: run!(tx, fetch_one, query_scalar::<_, i64>, REACTIONS, user.0)?,
            sent,
            received,
            last_day: run!(tx, fetch_one, query_scalar::<_, i64>, LATELY, user.0, day)?,
            last_week: run!(tx, fetch_one, query_scalar::<_, i64>, LATELY, user.0, week)?,
            waits_for: run!(tx, fetch_optional, query_scalar::<_, String>, WAITS_FOR, user.0)?,
        })
    }
}

impl From<RoomRow> for InRoom {
    fn from(row: RoomRow) -> Self {
        Self {
            token: row.token,
            differs: row.columns.into(),
            ban_reason: row.ban_reason,
        }
    }
}

impl From<DifferentRow> for Different {
    fn from(row: DifferentRow) -> Self {
        Self {
            user: User {
                no: UserNo(row.id),
                session_id: row.session_id,
                standing: Standing {
                    banned: row.globally_banned,
                    moderator: row.globally_moderator,
                    admin: row.globally_admin,
                },
                visible_mod: row.globally_visible,
            },
            differs: row.columns.into(),
            ban_reason: row.ban_reason,
        }
    }
}
