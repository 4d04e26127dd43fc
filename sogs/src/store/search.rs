//! Looking for messages on behalf of the operator, from the newest to the oldest, in steps that cost about the same
//! however many messages there are.

use std::collections::VecDeque;
use std::time::Duration;

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect, Tx};
use shared::run;

use super::Store;
use crate::model::{RoomNo, UserNo};

/// Which messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Those that people see: neither deleted nor filtered out.
    #[default]
    Shown,
    /// Those that a filter keeps from everybody.
    Filtered,
    /// What is left of deleted ones.
    Deleted,
}

/// Which messages are looked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those of this room.
    pub room: Option<RoomNo>,
    /// Those by any of these.
    pub authors: Option<Vec<UserNo>>,
    /// Those posted at this time or later.
    pub since: Option<Timestamp>,
    /// Those posted before this time.
    pub until: Option<Timestamp>,
    /// Those with a smaller number.
    pub before: Option<i64>,
    /// Those of which this is so.
    pub standing: Standing,
}

/// A message, and what the operator is told about it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FoundMessage {
    /// Its number.
    pub id: i64,
    /// The number of its room.
    pub room_no: i64,
    /// The token of its room.
    pub room: String,
    /// The id of whoever wrote it.
    pub author: String,
    /// When it was posted; nanoseconds.
    pub posted: i64,
    /// When it was last edited, or deleted; nanoseconds.
    pub edited: Option<i64>,
    /// When it last changed, in the count of the room.
    pub seqno: i64,
    /// When it was posted, edited or deleted, in the count of the room.
    pub seqno_data: i64,
    /// When its reactions last changed, in the count of the room; 0 if it never had one.
    pub seqno_reactions: i64,
    /// The content without the zeros at its end; none once it is deleted.
    pub data: Option<Vec<u8>>,
    /// The length of the content with them.
    pub size: Option<i64>,
    /// Whether a filter keeps it from everybody.
    pub filtered: bool,
    /// Whom it is whispered to.
    pub whisper_to: Option<String>,
    /// Whether it is whispered to the moderators.
    pub whisper_mods: bool,
    /// Whether it is pinned.
    pub pinned: bool,
    /// How many files belong to it.
    pub files: i64,
}

impl FoundMessage {
    /// The content as it was sent; `None` once it is deleted.
    #[must_use]
    pub fn content(&self) -> Option<Vec<u8>> {
        Some(with_zeros(self.data.as_ref()?, self.size?))
    }
}

/// What was sent, by what was kept of it.
pub(super) fn with_zeros(data: &[u8], size: i64) -> Vec<u8> {
    let mut content = data.to_vec();
    let size = usize::try_from(size).unwrap_or_default();
    content.resize(size.max(data.len()), 0);
    content
}

/// A search under way.
#[derive(Debug)]
pub struct Search {
    store: Store,
    wanted: Wanted,
    /// No message below this number can be wanted.
    lowest: i64,
    /// All messages from this number on have been thought of.
    before: i64,
    /// Numbers of messages that may be wanted, the newest first.
    candidates: VecDeque<i64>,
}

/// How many rows are read at a time, with what they say.
const PAGE: usize = 100;

/// How many numbers are read at a time.
const CANDIDATES: i64 = 20_000;

/// Over how many numbers one statement goes where no index leads to the wanted ones.
const SPAN: i64 = 20_000;

/// By how much the clocks of two machines that hand out numbers may differ.
const SKEW: Duration = Duration::from_secs(3600);

/// Goes over nothing but the index.
const BY_AUTHOR: PerDialect = PerDialect {
    sqlite: "SELECT id
        FROM messages
        WHERE author IN (SELECT value FROM json_each($3)) AND id < $1
        ORDER BY id DESC
        LIMIT $2",
    postgres: "SELECT id
        FROM messages
        WHERE author IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($3::jsonb) AS value) AND id < $1
        ORDER BY id DESC
        LIMIT $2",
};

/// Goes over nothing but the index.
const SHOWN: &str = "SELECT id
    FROM messages
    WHERE room = $3 AND id < $1 AND data IS NOT NULL AND NOT filtered
    ORDER BY id DESC
    LIMIT $2";

const OTHERS: &str = "SELECT id
    FROM messages
    WHERE id < $1 AND id >= $2
      AND ($3 = 0 OR room = $3)
      AND CASE WHEN data IS NULL THEN $4 WHEN filtered THEN $5 ELSE $6 END
    ORDER BY id DESC";

macro_rules! found {
    ($from:literal $(, $where:literal)?) => {
        concat!(
            "SELECT messages.id AS id, messages.room AS room_no, rooms.token AS room, author.session_id AS author,
                messages.posted AS posted, messages.edited AS edited, messages.seqno AS seqno,
                messages.seqno_data AS seqno_data, messages.seqno_reactions AS seqno_reactions,
                messages.data AS data, messages.size AS size, messages.filtered AS filtered,
                target.session_id AS whisper_to, messages.whisper_mods AS whisper_mods,
                EXISTS (SELECT 1 FROM pins WHERE pins.message = messages.id) AS pinned,
                (SELECT COUNT(*) FROM files WHERE files.message = messages.id) AS files ",
            $from,
            " JOIN rooms ON rooms.id = messages.room
            JOIN users AS author ON author.id = messages.author
            LEFT JOIN users AS target ON target.id = messages.whisper ",
            $($where,)?
            " ORDER BY messages.id DESC"
        )
    };
}

macro_rules! wanted {
    ($from:literal) => {
        found!(
            $from,
            "WHERE ($2 = 0 OR messages.room = $2)
              AND messages.posted >= $3 AND messages.posted < $4
              AND CASE WHEN messages.data IS NULL THEN $5 WHEN messages.filtered THEN $6 ELSE $7 END"
        )
    };
}

const WANTED: PerDialect = PerDialect {
    sqlite: wanted!("FROM json_each($1) AS list CROSS JOIN messages ON messages.id = list.value"),
    postgres: wanted!(
        "FROM jsonb_array_elements_text($1::jsonb) AS list (id)
        JOIN messages ON messages.id = CAST(list.id AS BIGINT)"
    ),
};

const NUMBERED: PerDialect = PerDialect {
    sqlite: found!("FROM json_each($1) AS list CROSS JOIN messages ON messages.id = list.value"),
    postgres: found!(
        "FROM jsonb_array_elements_text($1::jsonb) AS list (id)
        JOIN messages ON messages.id = CAST(list.id AS BIGINT)"
    ),
};

const LATEST: &str = "SELECT COALESCE(MAX(id), 0) FROM messages";

const FIRST_FROM: &str = "SELECT posted FROM messages WHERE id >= $1 ORDER BY id LIMIT 1";

impl Wanted {
    /// Whether deleted, filtered and shown messages are wanted.
    fn flags(&self) -> [bool; 3] {
        [Standing::Deleted, Standing::Filtered, Standing::Shown].map(|standing| self.standing == standing)
    }

    fn room(&self) -> i64 {
        self.room.map_or(0, |room| room.0)
    }
}

impl Store {
    /// Begins to look for messages.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn search(&self, wanted: Wanted) -> Result<Search, DbError> {
        let mut tx = self.db.read().await?;
        let latest = run!(tx, fetch_one, query_scalar::<_, i64>, LATEST)?;
        let lowest = match wanted.since {
            Some(since) => first_from(&mut tx, since.minus(SKEW), latest).await?,
            None => 0,
        };
        let mut before = match wanted.until {
            Some(until) => first_from(&mut tx, until.plus(SKEW), latest).await?,
            None => latest + 1,
        };
        before = before.min(wanted.before.unwrap_or(i64::MAX));
        Ok(Search {
            store: self.clone(),
            wanted,
            lowest,
            before,
            candidates: VecDeque::new(),
        })
    }
}

/// About the first number from which on everything was posted at that time or later: numbers are handed out in the
/// order of time.
async fn first_from(tx: &mut Tx, moment: Timestamp, latest: i64) -> Result<i64, DbError> {
    let (mut low, mut high) = (0, latest + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let posted = run!(tx, fetch_optional, query_scalar::<_, i64>, FIRST_FROM, middle)?;
        if posted.is_some_and(|posted| posted < moment.as_nanos()) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Messages of these numbers, the newest first.
pub(super) async fn numbered(tx: &mut Tx, ids: &[i64]) -> Result<Vec<FoundMessage>, DbError> {
    run!(tx, fetch_all, query_as::<_, FoundMessage>, NUMBERED, super::json(ids))
}

impl Search {
    /// The next messages, from the newest to the oldest; `None` if there are no more. It may have found nothing without
    /// being at the end.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn next(&mut self) -> Result<Option<Vec<FoundMessage>>, DbError> {
        let store = self.store.clone();
        let mut tx = store.db.read().await?;
        if self.candidates.is_empty() {
            if self.before <= self.lowest {
                return Ok(None);
            }
            self.look_further(&mut tx).await?;
        }
        let page = self.candidates.len().min(PAGE);
        let page: Vec<i64> = self.candidates.drain(..page).collect();
        if page.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let [deleted, filtered, shown] = self.wanted.flags();
        let found = run!(
            tx,
            fetch_all,
            query_as::<_, FoundMessage>,
            WANTED,
            super::json(&page),
            self.wanted.room(),
            self.wanted.since.map_or(i64::MIN, Timestamp::as_nanos),
            self.wanted.until.map_or(i64::MAX, Timestamp::as_nanos),
            deleted,
            filtered,
            shown
        )?;
        Ok(Some(found))
    }

    /// Finds more candidates, or notes that there are none.
    async fn look_further(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        let before = self.before;
        let found = match (&self.wanted.authors, self.wanted.room, self.wanted.standing) {
            (Some(authors), ..) => {
                let authors: Vec<i64> = authors.iter().map(|author| author.0).collect();
                let authors = super::json(&authors);
                run!(
                    tx,
                    fetch_all,
                    query_scalar::<_, i64>,
                    BY_AUTHOR,
                    before,
                    CANDIDATES,
                    authors
                )?
            }
            (None, Some(room), Standing::Shown) => {
                run!(tx, fetch_all, query_scalar::<_, i64>, SHOWN, before, CANDIDATES, room.0)?
            }
            _ => return self.look_at_others(tx).await,
        };
        // What the index led to is all there is.
        self.before = found.last().copied().unwrap_or(i64::MIN);
        self.candidates = found.into_iter().filter(|id| *id >= self.lowest).collect();
        Ok(())
    }

    async fn look_at_others(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        let from = self.before.saturating_sub(SPAN).max(self.lowest);
        let [deleted, filtered, shown] = self.wanted.flags();
        let found = run!(
            tx,
            fetch_all,
            query_scalar::<_, i64>,
            OTHERS,
            self.before,
            from,
            self.wanted.room(),
            deleted,
            filtered,
            shown
        )?;
        self.before = from;
        self.candidates = found.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::plans::{assert_indexed, plan};
    use super::*;

    #[tokio::test]
    async fn no_step_of_a_search_reads_all_messages() {
        for text in [BY_AUTHOR.sqlite, WANTED.sqlite, NUMBERED.sqlite] {
            assert_indexed(text, true).await;
        }
        for text in [SHOWN, OTHERS, FIRST_FROM] {
            assert_indexed(text, false).await;
        }
        let by_author = plan(BY_AUTHOR.sqlite).await;
        assert!(
            by_author
                .iter()
                .any(|step| step.contains("COVERING INDEX messages_by_author")),
            "{by_author:?}"
        );
    }
}
