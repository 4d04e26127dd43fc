//! How much there is in rooms, for the operator.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::db::{DbError, Tx};
use shared::run;

use super::rooms::ALL;
use super::{RoomRow, Store};
use crate::model::RoomNo;

/// A room and what is in it.
#[derive(Clone, Debug)]
pub struct RoomSurvey {
    /// The room.
    pub room: RoomRow,
    /// Messages that are neither deleted nor filtered out.
    pub messages: Amount,
    /// Attachments and images that have not expired.
    pub files: Amount,
    /// All reactions.
    pub reactions: i64,
    /// The five most frequent ones and how often there are, the most frequent first.
    pub top_reactions: Vec<(String, i64)>,
    /// How many people read in the room within the last 1, 7, 14 and 30 days.
    pub active: [i64; 4],
    /// Who has a role of the room's own: admins first, visible ones first, then by id.
    pub roles: Vec<RoomRole>,
}

/// How many, and how many bytes together.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Amount {
    /// How many.
    pub count: i64,
    /// Bytes.
    pub bytes: i64,
}

/// Somebody who moderates a room.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RoomRole {
    /// Who.
    pub session_id: String,
    /// Whether as an admin.
    pub admin: bool,
    /// Whether others can see it.
    pub visible: bool,
}

/// The days that people are counted over.
pub const ACTIVE_DAYS: [u64; 4] = [1, 7, 14, 30];

const MESSAGES: &str = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM messages
    WHERE room = $1 AND data IS NOT NULL AND filtered = $2";

const FILES: &str = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM files
    WHERE room = $1 AND (expiry IS NULL OR expiry > $2)";

const REACTIONS: &str = "SELECT COUNT(*)
    FROM reactors
        JOIN reactions ON reactions.id = reactors.reaction
        JOIN messages ON messages.id = reactions.message
    WHERE messages.room = $1";

const TOP_REACTIONS: &str = "SELECT reactions.reaction, COUNT(*) AS count
    FROM reactors
        JOIN reactions ON reactions.id = reactors.reaction
        JOIN messages ON messages.id = reactions.message
    WHERE messages.room = $1
    GROUP BY reactions.reaction
    ORDER BY count DESC, MIN(reactions.id)
    LIMIT 5";

const ACTIVE: &str = "SELECT COUNT(*) FROM room_activity WHERE room = $1 AND last_active >= $2";

const ROLES: &str = "SELECT users.session_id AS session_id, overrides.admin AS admin, overrides.visible_mod AS visible
    FROM overrides JOIN users ON users.id = overrides.person
    WHERE overrides.room = $1 AND overrides.moderator = $2
    ORDER BY overrides.admin DESC, overrides.visible_mod DESC, users.session_id";

impl Store {
    /// What is in all rooms, or in one of them; empty if that does not exist.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn survey(&self, only: Option<RoomNo>, now: Timestamp) -> Result<Vec<RoomSurvey>, DbError> {
        let mut tx = self.db.read().await?;
        let mut rooms = run!(tx, fetch_all, query_as::<_, RoomRow>, ALL)?;
        rooms.retain(|room| only.is_none_or(|only| room.id == only.0));
        let mut surveys = Vec::with_capacity(rooms.len());
        for room in rooms {
            surveys.push(survey(&mut tx, room, now).await?);
        }
        Ok(surveys)
    }
}

async fn survey(tx: &mut Tx, room: RoomRow, now: Timestamp) -> Result<RoomSurvey, DbError> {
    let no = room.id;
    let mut active = [0; 4];
    for (count, days) in active.iter_mut().zip(ACTIVE_DAYS) {
        let since = now.minus(Duration::from_secs(days * 86_400)).as_nanos();
        *count = run!(tx, fetch_one, query_scalar::<_, i64>, ACTIVE, no, since)?;
    }
    Ok(RoomSurvey {
        messages: run!(tx, fetch_one, query_as::<_, Amount>, MESSAGES, no, false)?,
        files: run!(tx, fetch_one, query_as::<_, Amount>, FILES, no, now.as_nanos())?,
        reactions: run!(tx, fetch_one, query_scalar::<_, i64>, REACTIONS, no)?,
        top_reactions: run!(tx, fetch_all, query_as::<_, (String, i64)>, TOP_REACTIONS, no)?,
        roles: run!(tx, fetch_all, query_as::<_, RoomRole>, ROLES, no, true)?,
        active,
        room,
    })
}
