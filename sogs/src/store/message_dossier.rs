//! All that is known about one message, for the operator.

use shared::db::DbError;
use shared::run;

use super::Store;
use super::inventory::{self, FileEntry};
use super::search::{self, FoundMessage};

/// A message and all that belongs to it.
#[derive(Clone, Debug)]
pub struct MessageDossier {
    /// The message.
    pub message: FoundMessage,
    /// Who pinned it, and when, if it is pinned.
    pub pin: Option<PinnedBy>,
    /// What people reacted with and how many of them did, in the order in which each came up first.
    pub reactions: Vec<(String, i64)>,
    /// Its files that are not deleted yet.
    pub files: Vec<FileEntry>,
    /// What it said before, the earliest first, as long as that is kept.
    pub history: Vec<Former>,
}

/// A pin.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PinnedBy {
    /// The id of whoever pinned it.
    pub session_id: String,
    /// When; nanoseconds.
    pub at: i64,
}

/// What a message said until it was edited or deleted.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Former {
    /// Until when; nanoseconds.
    pub replaced: i64,
    /// The content without the zeros at its end.
    pub data: Vec<u8>,
    /// The length of the content with them.
    pub size: i64,
}

impl Former {
    /// The content as it was sent.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        search::with_zeros(&self.data, self.size)
    }
}

const PIN: &str = "SELECT users.session_id AS session_id, pins.pinned_at AS at
    FROM pins JOIN users ON users.id = pins.pinned_by
    WHERE pins.message = $1";

const REACTIONS: &str = "SELECT reactions.reaction, COUNT(*)
    FROM reactions JOIN reactors ON reactors.reaction = reactions.id
    WHERE reactions.message = $1
    GROUP BY reactions.id, reactions.reaction
    ORDER BY reactions.id";

const HISTORY: &str = "SELECT replaced, data, size
    FROM message_history
    WHERE message = $1
    ORDER BY replaced";

impl Store {
    /// Messages of these numbers, the newest first; those that there are.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn messages_numbered(&self, ids: &[i64]) -> Result<Vec<FoundMessage>, DbError> {
        let mut tx = self.db.read().await?;
        search::numbered(&mut tx, ids).await
    }

    /// All that is known about a message; `None` if there never was one of this number, or its room is gone.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn message_dossier(&self, id: i64) -> Result<Option<MessageDossier>, DbError> {
        let mut tx = self.db.read().await?;
        let Some(message) = search::numbered(&mut tx, &[id]).await?.pop() else {
            return Ok(None);
        };
        Ok(Some(MessageDossier {
            message,
            pin: run!(tx, fetch_optional, query_as::<_, PinnedBy>, PIN, id)?,
            reactions: run!(tx, fetch_all, query_as::<_, (String, i64)>, REACTIONS, id)?,
            files: inventory::of_message(&mut tx, id).await?,
            history: run!(tx, fetch_all, query_as::<_, Former>, HISTORY, id)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::plans::assert_indexed;
    use super::*;

    #[tokio::test]
    async fn what_belongs_to_a_message_is_found_by_its_number() {
        for text in [PIN, REACTIONS, HISTORY] {
            assert_indexed(text, true).await;
        }
    }
}
