//! What a process asks for to learn what others have changed.

use shared::db::DbError;
use shared::run;

use super::Store;

/// The counters that show whether anything has changed that is kept in memory.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// See [`super::Committed::generation`].
    pub generation: i64,
    /// The id of the latest direct message.
    pub direct_message_sequence: i64,
    /// All rooms.
    pub rooms: Vec<RoomPulse>,
}

/// What of a room changes all the time.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct RoomPulse {
    /// The room's number.
    pub id: i64,
    /// The latest sequence number.
    pub message_sequence: i64,
    /// How many people read in it lately.
    pub active_users: i64,
}

const SERVER: &str = "SELECT generation, direct_message_sequence FROM server";

const ROOMS: &str = "SELECT id, message_sequence, active_users FROM rooms";

impl Store {
    /// The counters as they stand.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn pulse(&self) -> Result<Pulse, DbError> {
        let mut tx = self.db.read().await?;
        let (generation, direct_message_sequence) = run!(tx, fetch_one, query_as::<_, (i64, i64)>, SERVER)?;
        let rooms = run!(tx, fetch_all, query_as::<_, RoomPulse>, ROOMS)?;
        Ok(Pulse {
            generation,
            direct_message_sequence,
            rooms,
        })
    }
}
