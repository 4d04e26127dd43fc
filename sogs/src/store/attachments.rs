//! How long files live that belong to messages (`community-behaviour.md` section 9). The current image of a room is kept
//! whatever happens to the message that it is attached to.

use std::time::Duration;

use shared::db::{DbError, PerDialect};
use shared::run;

use super::Write;
use crate::model::{RoomNo, UserNo};

/// How long after its upload a file may be attached to a message.
const ATTACHABLE: Duration = Duration::from_secs(3600);

macro_rules! attach {
    ($ids:literal) => {
        concat!(
            "UPDATE files
            SET message = $2,
                expiry = CASE WHEN EXISTS (SELECT 1 FROM pins WHERE pins.message = $2) THEN NULL ELSE $3 END
            WHERE id IN ",
            $ids,
            " AND room = $4 AND uploader = $5 AND message IS NULL AND uploaded >= $6 AND expiry > $7"
        )
    };
}

const ATTACH: PerDialect = PerDialect {
    sqlite: attach!("(SELECT value FROM json_each($1))"),
    postgres: attach!("(SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)"),
};

macro_rules! not_an_image {
    ($statement:literal) => {
        concat!(
            $statement,
            " AND NOT EXISTS (SELECT 1 FROM rooms WHERE rooms.id = files.room AND rooms.image = files.id)"
        )
    };
}

const EXPIRE: PerDialect = PerDialect {
    sqlite: not_an_image!("UPDATE files SET expiry = 0 WHERE message IN (SELECT value FROM json_each($1))"),
    postgres: not_an_image!(
        "UPDATE files
        SET expiry = 0
        WHERE message IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)"
    ),
};

const EXPIRE_UPLOADS: &str =
    not_an_image!("UPDATE files SET expiry = 0 WHERE uploader = $1 AND room = $2 AND (expiry IS NULL OR expiry <> 0)");

const KEEP: &str = "UPDATE files SET expiry = NULL WHERE message = $1 AND (expiry IS NULL OR expiry > $2)";

const RELEASE: &str = not_an_image!("UPDATE files SET expiry = uploaded + $2 WHERE message = $1 AND expiry IS NULL");

/// A span as the database counts it; `None` for ever.
fn nanos(lifetime: Option<Duration>) -> Option<i64> {
    lifetime.map(|span| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX))
}

impl Write {
    /// Attaches files to a message, which lets them live for `lifetime` from now (`None`: for ever), and for ever while
    /// the message is pinned. Files that are not recent uploads of that person to that room, or are attached already,
    /// are passed over.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn attach(
        &mut self,
        room: RoomNo,
        uploader: UserNo,
        message: i64,
        files: &[i64],
        lifetime: Option<Duration>,
    ) -> Result<(), DbError> {
        if files.is_empty() {
            return Ok(());
        }
        let expiry = lifetime.map(|span| self.now.plus(span).as_nanos());
        run!(
            self.tx,
            execute,
            query,
            ATTACH,
            super::json(files),
            message,
            expiry,
            room.0,
            uploader.0,
            self.now.minus(ATTACHABLE).as_nanos(),
            self.now.as_nanos()
        )?;
        Ok(())
    }

    /// Lets the files of messages expire at once.
    pub(super) async fn expire_attachments(&mut self, messages: &str) -> Result<(), DbError> {
        run!(self.tx, execute, query, EXPIRE, messages)?;
        Ok(())
    }

    /// Lets everything expire at once that somebody uploaded to a room, and answers how many files that were.
    pub(super) async fn expire_uploads(&mut self, room: RoomNo, uploader: UserNo) -> Result<i64, DbError> {
        let expired = run!(self.tx, execute, query, EXPIRE_UPLOADS, uploader.0, room.0)?;
        Ok(i64::try_from(expired).unwrap_or(i64::MAX))
    }

    /// Keeps the files of a message that is pinned.
    pub(super) async fn keep_attachments(&mut self, message: i64) -> Result<(), DbError> {
        run!(self.tx, execute, query, KEEP, message, self.now.as_nanos())?;
        Ok(())
    }

    /// Lets the files of a message that is no longer pinned live for `lifetime` after their upload (`None`: for ever).
    pub(super) async fn release_attachments(
        &mut self,
        message: i64,
        lifetime: Option<Duration>,
    ) -> Result<(), DbError> {
        if let Some(lifetime) = nanos(lifetime) {
            run!(self.tx, execute, query, RELEASE, message, lifetime)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::plans::assert_indexed;
    use super::*;

    #[tokio::test]
    async fn files_are_found_by_their_message_or_uploader() {
        for text in [ATTACH.sqlite, EXPIRE.sqlite, EXPIRE_UPLOADS, KEEP, RELEASE] {
            assert_indexed(text, true).await;
        }
    }
}
