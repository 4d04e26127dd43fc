//! Files, for the operator: which there are, and what they take up.

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect, Tx};
use shared::run;

use super::Store;
use crate::model::{RoomNo, UserNo};

/// Which files.
#[derive(Clone, Debug, Default)]
pub struct FileFilter {
    /// Those of this room.
    pub room: Option<RoomNo>,
    /// Those that any of these uploaded.
    pub uploaders: Option<Vec<UserNo>>,
}

/// A file as the operator sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FileEntry {
    /// Its id.
    pub id: i64,
    /// The token of its room; `None` if that is gone.
    pub room: Option<String>,
    /// The id of whoever uploaded it; `None` if that is not known.
    pub uploader: Option<String>,
    /// The message that it belongs to.
    pub message: Option<i64>,
    /// Number of bytes.
    pub size: i64,
    /// When it was uploaded; nanoseconds.
    pub uploaded: i64,
    /// When it ends; nanoseconds, `None` for never.
    pub expiry: Option<i64>,
    /// What the uploader called it.
    pub filename: Option<String>,
    /// Whether it is the image of its room.
    pub image: bool,
}

/// What the files of a room or of a person take up.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FileUsage {
    /// The token of the room or the id of the person; `None` for files without one.
    pub name: Option<String>,
    /// Number of files.
    pub files: i64,
    /// Bytes.
    pub bytes: i64,
    /// When the oldest of them was uploaded; nanoseconds.
    pub oldest: i64,
}

macro_rules! entries {
    ($where:literal) => {
        concat!(
            "SELECT files.id AS id, rooms.token AS room, users.session_id AS uploader, files.message AS message,
                files.size AS size, files.uploaded AS uploaded, files.expiry AS expiry, files.filename AS filename,
                (rooms.image IS NOT NULL AND rooms.image = files.id) AS image
            FROM files
                LEFT JOIN rooms ON rooms.id = files.room
                LEFT JOIN users ON users.id = files.uploader
            WHERE ",
            $where
        )
    };
}

/// All of them can be listed, as they are in the order of their ids; there are far fewer files than messages.
const ALL: &str = entries!(
    "files.id < $1 AND (files.expiry IS NULL OR files.expiry > $2) AND ($4 = 0 OR files.room = $4)
    ORDER BY files.id DESC
    LIMIT $3"
);

const BY_UPLOADER: PerDialect = PerDialect {
    sqlite: entries!(
        "files.uploader IN (SELECT value FROM json_each($5))
        AND files.id < $1 AND (files.expiry IS NULL OR files.expiry > $2) AND ($4 = 0 OR files.room = $4)
        ORDER BY files.id DESC
        LIMIT $3"
    ),
    postgres: entries!(
        "files.uploader IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($5::jsonb) AS value)
        AND files.id < $1 AND (files.expiry IS NULL OR files.expiry > $2) AND ($4 = 0 OR files.room = $4)
        ORDER BY files.id DESC
        LIMIT $3"
    ),
};

const OF_MESSAGE: &str = entries!("files.message = $1 ORDER BY files.id");

const NUMBERED: PerDialect = PerDialect {
    sqlite: entries!("files.id IN (SELECT value FROM json_each($1)) ORDER BY files.id DESC"),
    postgres: entries!(
        "files.id IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)
        ORDER BY files.id DESC"
    ),
};

const BY_ROOM: &str = "SELECT rooms.token AS name, COUNT(*) AS files, CAST(SUM(files.size) AS BIGINT) AS bytes,
        MIN(files.uploaded) AS oldest
    FROM files LEFT JOIN rooms ON rooms.id = files.room
    WHERE files.expiry IS NULL OR files.expiry > $1
    GROUP BY rooms.id, rooms.token
    ORDER BY bytes DESC, oldest";

const BY_PERSON: &str = "SELECT users.session_id AS name, COUNT(*) AS files, CAST(SUM(files.size) AS BIGINT) AS bytes,
        MIN(files.uploaded) AS oldest
    FROM files LEFT JOIN users ON users.id = files.uploader
    WHERE (files.expiry IS NULL OR files.expiry > $1) AND ($2 = 0 OR files.room = $2)
    GROUP BY users.id, users.session_id
    ORDER BY bytes DESC, oldest";

impl Store {
    /// Up to `most` files with ids below `before` that have not expired, the newest first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn files(
        &self,
        filter: &FileFilter,
        before: i64,
        now: Timestamp,
        most: i64,
    ) -> Result<Vec<FileEntry>, DbError> {
        let mut tx = self.db.read().await?;
        let (now, room) = (now.as_nanos(), filter.room.map_or(0, |room| room.0));
        match &filter.uploaders {
            None => run!(tx, fetch_all, query_as::<_, FileEntry>, ALL, before, now, most, room),
            Some(uploaders) => {
                let uploaders: Vec<i64> = uploaders.iter().map(|uploader| uploader.0).collect();
                let uploaders = super::json(&uploaders);
                run!(
                    tx,
                    fetch_all,
                    query_as::<_, FileEntry>,
                    BY_UPLOADER,
                    before,
                    now,
                    most,
                    room,
                    uploaders
                )
            }
        }
    }

    /// Files of these ids, expired or not, the newest first; those that there are.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn files_numbered(&self, ids: &[i64]) -> Result<Vec<FileEntry>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_as::<_, FileEntry>, NUMBERED, super::json(ids))
    }

    /// What the files of each room take up that have not expired, the most first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn file_usage_by_room(&self, now: Timestamp) -> Result<Vec<FileUsage>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_as::<_, FileUsage>, BY_ROOM, now.as_nanos())
    }

    /// What the files of each person take up that have not expired, in all rooms or in one, the most first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn file_usage_by_person(&self, room: Option<RoomNo>, now: Timestamp) -> Result<Vec<FileUsage>, DbError> {
        let mut tx = self.db.read().await?;
        let room = room.map_or(0, |room| room.0);
        run!(tx, fetch_all, query_as::<_, FileUsage>, BY_PERSON, now.as_nanos(), room)
    }
}

/// The files of a message, expired or not.
pub(super) async fn of_message(tx: &mut Tx, message: i64) -> Result<Vec<FileEntry>, DbError> {
    run!(tx, fetch_all, query_as::<_, FileEntry>, OF_MESSAGE, message)
}

#[cfg(test)]
mod tests {
    use super::super::plans::assert_indexed;
    use super::*;

    #[tokio::test]
    async fn a_page_of_files_is_found_without_reading_all() {
        assert_indexed(ALL, false).await;
        for text in [BY_UPLOADER.sqlite, NUMBERED.sqlite, OF_MESSAGE] {
            assert_indexed(text, true).await;
        }
    }
}
