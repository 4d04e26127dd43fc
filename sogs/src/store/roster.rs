//! People, for the operator.

use shared::db::DbError;
use shared::run;

use super::overrides::Columns;
use super::{Amount, Store, UserRow};
use crate::model::{Override, UserNo};

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

const LATEST: &str = "SELECT id, session_id, created, last_active, banned, moderator, admin, visible_mod
    FROM users
    WHERE id <> 0
    ORDER BY last_active DESC, id DESC
    LIMIT $1";

const MESSAGES: &str = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM messages
    WHERE author = $1 AND data IS NOT NULL";

const FILES: &str = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM files
    WHERE uploader = $1";

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
    /// How many people there are, and those of them who showed up last.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn people(&self, limit: i64) -> Result<(i64, Vec<UserRow>), DbError> {
        let mut tx = self.db.read().await?;
        let count = run!(tx, fetch_one, query_scalar::<_, i64>, COUNT)?;
        let latest = run!(tx, fetch_all, query_as::<_, UserRow>, LATEST, limit)?;
        Ok((count, latest))
    }

    /// All that is kept about somebody.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn dossier(&self, user: UserNo) -> Result<Dossier, DbError> {
        let mut tx = self.db.read().await?;
        let rooms = run!(tx, fetch_all, query_as::<_, RoomRow>, ROOMS, user.0)?;
        Ok(Dossier {
            messages: run!(tx, fetch_one, query_as::<_, Amount>, MESSAGES, user.0)?,
            files: run!(tx, fetch_one, query_as::<_, Amount>, FILES, user.0)?,
            ban_reason: run!(tx, fetch_one, query_scalar::<_, Option<String>>, REASON, user.0)?,
            rooms: rooms.into_iter().map(Into::into).collect(),
            pending: run!(tx, fetch_all, query_as::<_, Pending>, PENDING, user.0)?,
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
