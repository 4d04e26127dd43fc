//! What pages for browsers need beside the messages themselves.

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect};
use shared::run;

use super::Store;
use crate::model::RoomNo;

/// A message that another one quotes, or one of several that could be it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Quoted {
    /// Its number.
    pub id: i64,
    /// The id of whoever wrote it.
    pub author: String,
    /// When it was posted; nanoseconds.
    pub posted: i64,
    /// Whether it has been deleted.
    pub deleted: bool,
    /// What it says; none if it has been deleted, or if not everybody may see it.
    pub data: Option<Vec<u8>>,
}

/// A file that belongs to a message and has not expired.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AttachedFile {
    /// Its id.
    pub id: i64,
    /// The message.
    pub message: i64,
    /// Number of bytes.
    pub size: i64,
    /// What the uploader called it.
    pub filename: Option<String>,
}

/// More than this many messages are not looked at for the quotes of one page.
const MOST_QUOTED: i64 = 200;

macro_rules! quoted {
    ($from:literal) => {
        concat!(
            "SELECT messages.id AS id, author.session_id AS author, messages.posted AS posted,
                messages.data IS NULL AS deleted,
                CASE
                    WHEN NOT messages.filtered AND messages.whisper IS NULL AND NOT messages.whisper_mods
                    THEN messages.data
                END AS data ",
            $from,
            " JOIN users AS author ON author.id = messages.author
            ORDER BY messages.id
            LIMIT $3"
        )
    };
}

const QUOTED: PerDialect = PerDialect {
    sqlite: quoted!(
        "FROM json_each($1) AS list
        CROSS JOIN messages ON messages.room = $2
            AND messages.posted >= list.value AND messages.posted < list.value + 1000000"
    ),
    postgres: quoted!(
        "FROM jsonb_array_elements_text($1::jsonb) AS list (moment)
        JOIN messages ON messages.room = $2
            AND messages.posted >= CAST(list.moment AS BIGINT)
            AND messages.posted < CAST(list.moment AS BIGINT) + 1000000"
    ),
};

macro_rules! attached {
    ($from:literal) => {
        concat!(
            "SELECT files.id AS id, files.message AS message, files.size AS size, files.filename AS filename ",
            $from,
            " WHERE files.room = $2 AND (files.expiry IS NULL OR files.expiry > $3)
            ORDER BY files.id
            LIMIT $4"
        )
    };
}

const ATTACHED: PerDialect = PerDialect {
    sqlite: attached!("FROM json_each($1) AS list CROSS JOIN files ON files.message = list.value"),
    postgres: attached!(
        "FROM jsonb_array_elements_text($1::jsonb) AS list (message)
        JOIN files ON files.message = CAST(list.message AS BIGINT)"
    ),
};

/// More than this many files are not shown on one page.
const MOST_FILES: i64 = 1000;

impl Store {
    /// The messages of a room that were posted in one of these milliseconds since the epoch.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn quoted(&self, room: RoomNo, milliseconds: &[u64]) -> Result<Vec<Quoted>, DbError> {
        let nanos = |ms: &u64| i64::try_from(*ms).ok()?.checked_mul(1_000_000);
        let mut moments: Vec<i64> = milliseconds.iter().filter_map(nanos).collect();
        moments.retain(|moment| *moment < i64::MAX - 1_000_000);
        moments.sort_unstable();
        moments.dedup();
        if moments.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.read().await?;
        let moments = super::json(&moments);
        run!(
            tx,
            fetch_all,
            query_as::<_, Quoted>,
            QUOTED,
            moments,
            room.0,
            MOST_QUOTED
        )
    }

    /// The files that belong to these messages of a room and have not expired.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn attached(&self, room: RoomNo, messages: &[i64], now: Timestamp) -> Result<Vec<AttachedFile>, DbError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.read().await?;
        let messages = super::json(messages);
        run!(
            tx,
            fetch_all,
            query_as::<_, AttachedFile>,
            ATTACHED,
            messages,
            room.0,
            now.as_nanos(),
            MOST_FILES
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::plans::assert_indexed;
    use super::*;

    #[tokio::test]
    async fn quotes_and_files_are_found_by_their_indexes() {
        assert_indexed(QUOTED.sqlite, true).await;
        assert_indexed(ATTACHED.sqlite, true).await;
    }
}
