//! Files: looking them up, storing them, letting them live longer.

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect, Tx};
use shared::filing::doom;
use shared::run;

use super::Store;
use crate::model::FileId;

/// A file that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its id.
    pub id: String,
    /// The content-hash id of its bytes.
    pub content: String,
    /// Where its bytes are.
    pub blob: String,
    /// Number of bytes.
    pub size: u64,
    /// When its bytes were first uploaded.
    pub uploaded: Timestamp,
    /// When it ends; from then on it is gone.
    pub expires: Timestamp,
}

/// A file whose bytes are in the blob store and that is about to get its row.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// Its id.
    pub id: &'a FileId,
    /// The content-hash id of its bytes.
    pub content: &'a FileId,
    /// Where its bytes are.
    pub blob: &'a str,
    /// Number of bytes.
    pub size: u64,
    /// When it ends.
    pub expires: Timestamp,
}

#[derive(sqlx::FromRow)]
pub(super) struct Columns {
    pub(super) id: String,
    pub(super) content: String,
    pub(super) blob: String,
    pub(super) size: i64,
    pub(super) uploaded: i64,
    pub(super) expires: i64,
}

impl From<Columns> for FileRow {
    fn from(columns: Columns) -> Self {
        Self {
            id: columns.id,
            content: columns.content,
            blob: columns.blob,
            size: u64::try_from(columns.size).unwrap_or(0),
            uploaded: Timestamp::from_nanos(columns.uploaded),
            expires: Timestamp::from_nanos(columns.expires),
        }
    }
}

const FIND: &str = "SELECT id, content, blob, size, uploaded, expires
    FROM files
    WHERE id = $1 AND expires > $2
      AND NOT EXISTS (SELECT 1 FROM blocked WHERE blocked.id IN (files.id, files.content))";

const EXTEND: &str = "UPDATE files
    SET expires = CASE WHEN expires < $3 THEN $3 ELSE expires END
    WHERE id = $1 AND expires > $2
      AND NOT EXISTS (SELECT 1 FROM blocked WHERE blocked.id IN (files.id, files.content))
    RETURNING id, content, blob, size, uploaded, expires";

/// The bytes that new ones are about to replace. On PostgreSQL the row is locked, so that two uploads of the same bytes
/// follow each other; SQLite has one writer at a time anyway.
const REPLACED: PerDialect = PerDialect {
    sqlite: "SELECT blob FROM files WHERE id = $1",
    postgres: "SELECT blob FROM files WHERE id = $1 FOR UPDATE",
};

/// New bytes under an id that is taken. A live file keeps its upload time and never gets a shorter life; an expired one
/// becomes a new file.
const REPLACE: &str = "UPDATE files
    SET blob = $2,
        uploaded = CASE WHEN expires > $3 THEN uploaded ELSE $3 END,
        expires = CASE WHEN expires > $4 THEN expires ELSE $4 END
    WHERE id = $1
    RETURNING id, content, blob, size, uploaded, expires";

const INSERT_IF_FREE: &str = "INSERT INTO files (id, content, blob, size, uploaded, expires)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (id) DO NOTHING";

const DELETE: &str = "DELETE FROM files WHERE id = $1 RETURNING blob";

const DELETE_EXPIRED: &str = "DELETE FROM files
    WHERE id IN (SELECT id FROM files WHERE expires <= $1 ORDER BY expires LIMIT $2)
      AND expires <= $1
    RETURNING blob";

impl Store {
    /// The file with this id, unless it has expired or is blocked.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn find(&self, id: &FileId, now: Timestamp) -> Result<Option<FileRow>, DbError> {
        let mut glance = self.db.glance().await?;
        let row = run!(
            glance,
            fetch_optional,
            query_as::<_, Columns>,
            FIND,
            id.as_str(),
            now.as_nanos()
        )?;
        glance.done();
        Ok(row.map(Into::into))
    }

    /// Lets a file live until `expires`, if it would end before. Nothing happens to a file that has expired or is
    /// blocked: the answer is `None`.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn extend(&self, id: &FileId, now: Timestamp, expires: Timestamp) -> Result<Option<FileRow>, DbError> {
        let mut tx = self.db.write_with_others().await?;
        let (id, now, expires) = (id.as_str(), now.as_nanos(), expires.as_nanos());
        let row = run!(tx, fetch_optional, query_as::<_, Columns>, EXTEND, id, now, expires)?;
        tx.commit().await?;
        Ok(row.map(Into::into))
    }

    /// Gives uploaded bytes their row under the id of their content. Bytes that the id had before are doomed.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn insert_content(&self, file: NewFile<'_>, now: Timestamp) -> Result<FileRow, DbError> {
        let mut tx = self.db.write_with_others().await?;
        let id = file.id.as_str();
        // More than one round only if a sweep takes the row away between two statements.
        let row = loop {
            if file.insert_if_free(&mut tx, now).await? {
                break file.as_row(now);
            }
            // Without a row under lock nothing may be replaced: what another upload puts there by now would not be doomed.
            let Some(replaced) = run!(tx, fetch_optional, query_scalar::<_, String>, REPLACED, id)? else {
                continue;
            };
            let (now, expires) = (now.as_nanos(), file.expires.as_nanos());
            let row = run!(
                tx,
                fetch_optional,
                query_as::<_, Columns>,
                REPLACE,
                id,
                file.blob,
                now,
                expires
            )?;
            if let Some(row) = row {
                doom(&mut tx, &replaced).await?;
                break row.into();
            }
        };
        tx.commit().await?;
        Ok(row)
    }

    /// Gives uploaded bytes their row under a number, unless that number is taken.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn insert_numeric(&self, file: NewFile<'_>, now: Timestamp) -> Result<Option<FileRow>, DbError> {
        let mut tx = self.db.write_with_others().await?;
        let free = file.insert_if_free(&mut tx, now).await?;
        tx.commit().await?;
        Ok(free.then(|| file.as_row(now)))
    }

    /// Takes a file away at once. Its bytes are doomed; the answer says whether there was one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn delete(&self, id: &FileId) -> Result<bool, DbError> {
        let mut tx = self.db.write().await?;
        let blob = run!(tx, fetch_optional, query_scalar::<_, String>, DELETE, id.as_str())?;
        if let Some(blob) = &blob {
            doom(&mut tx, blob).await?;
        }
        tx.commit().await?;
        Ok(blob.is_some())
    }

    /// Takes away up to `most` files that have expired, the earliest first, and dooms their bytes. The answer is their
    /// number.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn delete_expired(&self, now: Timestamp, most: u32) -> Result<usize, DbError> {
        let mut tx = self.db.write().await?;
        let (now, most) = (now.as_nanos(), i64::from(most));
        let blobs = run!(tx, fetch_all, query_scalar::<_, String>, DELETE_EXPIRED, now, most)?;
        for blob in &blobs {
            doom(&mut tx, blob).await?;
        }
        tx.commit().await?;
        Ok(blobs.len())
    }
}

impl NewFile<'_> {
    async fn insert_if_free(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, DbError> {
        let (id, content) = (self.id.as_str(), self.content.as_str());
        let (now, expires) = (now.as_nanos(), self.expires.as_nanos());
        let inserted = run!(
            tx,
            execute,
            query,
            INSERT_IF_FREE,
            id,
            content,
            self.blob,
            self.stored_size(),
            now,
            expires
        )?;
        Ok(inserted == 1)
    }

    fn stored_size(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX)
    }

    fn as_row(&self, now: Timestamp) -> FileRow {
        FileRow {
            id: self.id.to_string(),
            content: self.content.to_string(),
            blob: self.blob.to_owned(),
            size: self.size,
            uploaded: now,
            expires: self.expires,
        }
    }
}
