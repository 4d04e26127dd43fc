//! The rows of files. Where the bytes are is for [`crate::files`].

use std::time::Duration;

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect};
use shared::filing::doom;
use shared::run;

use super::{Store, Write};
use crate::model::{Action, RoomNo, UserNo};

/// A file of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its id.
    pub id: i64,
    /// Number of bytes.
    pub size: u64,
    /// When it was uploaded.
    pub uploaded: Timestamp,
    /// When it ends; `None` for never.
    pub expiry: Option<Timestamp>,
    /// What the uploader called it.
    pub filename: Option<String>,
    /// Where the bytes are; `None` if there are none.
    pub blob: Option<String>,
}

/// A file whose bytes are written and that gets its row.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// The room.
    pub room: RoomNo,
    /// Who uploads it.
    pub uploader: UserNo,
    /// Number of bytes.
    pub size: u64,
    /// How long it is kept; `None` for ever.
    pub lifetime: Option<Duration>,
    /// What the uploader calls it.
    pub filename: Option<&'a str>,
    /// Where the bytes are; `None` if there are none.
    pub blob: Option<&'a str>,
}

/// The id of a file that is gone, and where its bytes are.
type Deleted = (i64, Option<String>);

/// The same with its room and its uploader.
type DeletedRow = (i64, Option<String>, Option<i64>, Option<i64>);

#[derive(sqlx::FromRow)]
struct Columns {
    id: i64,
    size: i64,
    uploaded: i64,
    expiry: Option<i64>,
    filename: Option<String>,
    blob: Option<String>,
}

impl From<Columns> for FileRow {
    fn from(columns: Columns) -> Self {
        Self {
            id: columns.id,
            size: columns.size.unsigned_abs(),
            uploaded: Timestamp::from_nanos(columns.uploaded),
            expiry: columns.expiry.map(Timestamp::from_nanos),
            filename: columns.filename,
            blob: columns.blob,
        }
    }
}

const FIND: &str = "SELECT id, size, uploaded, expiry, filename, blob
    FROM files
    WHERE id = $1 AND room = $2 AND (expiry IS NULL OR expiry > $3)";

/// The same by an id that the file had before the community was moved here.
const FIND_FORMER: &str = "SELECT files.id, files.size, files.uploaded, files.expiry, files.filename, files.blob
    FROM former_file_ids
    JOIN files ON files.id = former_file_ids.file
    WHERE former_file_ids.id = $1 AND former_file_ids.room = $2 AND files.room = $2
      AND (files.expiry IS NULL OR files.expiry > $3)";

/// Nothing happens if the room is gone; it stays until the row of the file is there.
const ADD: PerDialect = PerDialect {
    sqlite: "INSERT INTO files (room, uploader, size, uploaded, expiry, filename, blob)
        SELECT id, $2, $3, $4, $5, $6, $7
        FROM rooms
        WHERE id = $1
        RETURNING id",
    postgres: "WITH room AS (SELECT id FROM rooms WHERE id = $1 FOR KEY SHARE)
        INSERT INTO files (room, uploader, size, uploaded, expiry, filename, blob)
        SELECT id, $2, $3, $4, $5, $6, $7
        FROM room
        RETURNING id",
};

const EXPIRED: &str = "SELECT id FROM files WHERE expiry <= $1 ORDER BY expiry, id LIMIT $2";

/// Rooms are locked before their files, as everywhere.
const HOLD_ROOMS_OF_IMAGES: PerDialect = PerDialect {
    sqlite: "SELECT id FROM rooms WHERE image IN (SELECT value FROM json_each($1))",
    postgres: "SELECT id FROM rooms
        WHERE image IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)
        ORDER BY id
        FOR NO KEY UPDATE",
};

/// What was given a longer life meanwhile stays.
const DELETE_EXPIRED: PerDialect = PerDialect {
    sqlite: "DELETE FROM files
        WHERE id IN (SELECT value FROM json_each($1)) AND expiry <= $2
        RETURNING id, blob",
    postgres: "DELETE FROM files
        WHERE id IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value) AND expiry <= $2
        RETURNING id, blob",
};

const DELETE: PerDialect = PerDialect {
    sqlite: "DELETE FROM files
        WHERE id IN (SELECT value FROM json_each($1))
        RETURNING id, blob, room, uploader",
    postgres: "DELETE FROM files
        WHERE id IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)
        RETURNING id, blob, room, uploader",
};

const LOSE_IMAGES: PerDialect = PerDialect {
    sqlite: "UPDATE rooms
        SET image = NULL, info_updates = info_updates + 1
        WHERE image IN (SELECT value FROM json_each($1))",
    postgres: "UPDATE rooms
        SET image = NULL, info_updates = info_updates + 1
        WHERE image IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)",
};

impl Store {
    /// A file of this room, unless it has expired: the one with this id, or else the one that had it before the
    /// community was moved here.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn file(&self, room: RoomNo, id: i64, now: Timestamp) -> Result<Option<FileRow>, DbError> {
        let mut glance = self.db.glance().await?;
        let mut row = None;
        for text in [FIND, FIND_FORMER] {
            row = run!(
                glance,
                fetch_optional,
                query_as::<_, Columns>,
                text,
                id,
                room.0,
                now.as_nanos()
            )?;
            if row.is_some() {
                break;
            }
        }
        glance.done();
        Ok(row.map(Into::into))
    }
}

const AT: &str = "SELECT id FROM files WHERE blob = $1";

impl Write {
    /// Takes away the file whose bytes should be at this place, and dooms what is there. A room whose image it is has none
    /// any more. The answer says whether there was such a file.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn delete_lost_file(&mut self, blob: &str) -> Result<bool, DbError> {
        let file = run!(self.tx, fetch_all, query_scalar::<_, i64>, AT, blob)?;
        Ok(!self.delete_files(&file).await?.is_empty())
    }

    /// Gives uploaded bytes their row. The answer is its id, or `None` if the room is gone.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn add_file(&mut self, file: NewFile<'_>) -> Result<Option<i64>, DbError> {
        let expiry = file.lifetime.map(|span| self.now.plus(span).as_nanos());
        run!(
            self.tx,
            fetch_optional,
            query_scalar::<_, i64>,
            ADD,
            file.room.0,
            file.uploader.0,
            i64::try_from(file.size).unwrap_or(i64::MAX),
            self.now.as_nanos(),
            expiry,
            file.filename,
            file.blob
        )
    }

    /// Takes away up to `most` files that have expired, the earliest first, and dooms their bytes. A room whose image is
    /// among them has none any more. The answer is the number of files.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn delete_expired_files(&mut self, most: u32) -> Result<usize, DbError> {
        let now = self.now.as_nanos();
        let expired = run!(
            self.tx,
            fetch_all,
            query_scalar::<_, i64>,
            EXPIRED,
            now,
            i64::from(most)
        )?;
        let expired = super::json(&expired);
        self.hold_rooms_of_images(&expired).await?;
        let deleted = run!(
            self.tx,
            fetch_all,
            query_as::<_, Deleted>,
            DELETE_EXPIRED,
            &expired,
            now
        )?;
        self.files_are_gone(&deleted).await?;
        Ok(deleted.len())
    }

    /// Takes files away whether they have expired or not, and dooms their bytes. Rooms lose them as images. The answer is
    /// the ids of those that were there. To be called with a thousand at most.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn delete_files(&mut self, files: &[i64]) -> Result<Vec<i64>, DbError> {
        let list = super::json(files);
        self.hold_rooms_of_images(&list).await?;
        let found = run!(self.tx, fetch_all, query_as::<_, DeletedRow>, DELETE, &list)?;
        for (_, _, room, uploader) in &found {
            self.note(Action::FileDelete, room.map(RoomNo), uploader.map(UserNo))
                .add("files", 1);
        }
        let deleted: Vec<Deleted> = found.into_iter().map(|(id, blob, ..)| (id, blob)).collect();
        self.files_are_gone(&deleted).await?;
        Ok(deleted.into_iter().map(|(id, _)| id).collect())
    }

    async fn hold_rooms_of_images(&mut self, files: &str) -> Result<(), DbError> {
        run!(self.tx, fetch_all, query_scalar::<_, i64>, HOLD_ROOMS_OF_IMAGES, files)?;
        Ok(())
    }

    /// Dooms the bytes of files whose rows are gone, and takes them from rooms as images.
    async fn files_are_gone(&mut self, deleted: &[Deleted]) -> Result<(), DbError> {
        for blob in deleted.iter().filter_map(|(_, blob)| blob.as_deref()) {
            doom(&mut self.tx, blob).await?;
        }
        let ids: Vec<i64> = deleted.iter().map(|(id, _)| *id).collect();
        if run!(self.tx, execute, query, LOSE_IMAGES, super::json(&ids))? > 0 {
            self.directory_changes();
        }
        Ok(())
    }
}
