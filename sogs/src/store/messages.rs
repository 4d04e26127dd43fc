//! Reading messages, a page at a time (`community-behaviour.md` section 5).

use std::cmp::Reverse;

use shared::clock::Timestamp;
use shared::db::{DbError, Tx};
use shared::run;

use super::Store;
use super::reactions::{ReactionsOf, reactions_of};
use crate::model::{RoomNo, UserNo};

/// A message as it stands.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MessageRow {
    /// Its number, which grows with every message of the server.
    pub id: i64,
    /// The id of whoever wrote it.
    pub author: String,
    /// When it was posted; nanoseconds.
    pub posted: i64,
    /// When it was last edited, or deleted; nanoseconds.
    pub edited: Option<i64>,
    /// The larger of the next two.
    pub seqno: i64,
    /// When it was posted, edited or deleted, in the count of the room.
    pub seqno_data: i64,
    /// When its reactions last changed, in the count of the room; 0 if it never had one.
    pub seqno_reactions: i64,
    /// The content without the zeros at its end; none once it is deleted.
    pub data: Option<Vec<u8>>,
    /// The length of the content with them.
    pub size: Option<i64>,
    /// The author's signature of the content.
    pub signature: Option<Vec<u8>>,
    /// Whom it is whispered to.
    pub whisper_to: Option<String>,
    /// Whether it is whispered to the moderators.
    pub whisper_mods: bool,
}

/// Who reads, as far as it matters for what they see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// The person; `None` if they did not sign.
    pub user: Option<UserNo>,
    /// Whether they moderate the room.
    pub moderator: bool,
}

/// Which messages of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that changed after this sequence number, in the order of their last changes, deleted ones included if the
    /// number says that the viewer knew them; with `reactions` also those of which only the reactions changed.
    Since {
        /// The sequence number.
        seqno: i64,
        /// See above.
        reactions: bool,
    },
    /// Those with a smaller number, the newest first.
    Before(i64),
    /// The newest first.
    Recent,
    /// Those with a larger number, the oldest first.
    After(i64),
    /// Those that were deleted after this sequence number, in the order of that, or without one the latest first. They
    /// have no content.
    Deleted {
        /// The sequence number.
        after: Option<i64>,
    },
    /// The one of this number.
    One(i64),
}

/// What to read, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// Where.
    pub room: RoomNo,
    /// For whom.
    pub viewer: Viewer,
    /// What.
    pub selection: Selection,
    /// How many messages at most.
    pub limit: i64,
    /// How many of those who reacted are named for each reaction, at most.
    pub reactors: i64,
}

/// Messages, and their reactions at the same moment.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// In the order that was asked for.
    pub messages: Vec<MessageRow>,
    /// What people reacted with.
    pub reactions: ReactionsOf,
}

/// A state of a message. Every change of one comes with a new sequence number; the time tells states apart that had the
/// same number before and after a database was put back to what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The message.
    pub id: i64,
    /// Its sequence number.
    pub seqno: i64,
    /// When it was last edited or deleted, or else posted; nanoseconds.
    pub changed: i64,
}

/// The statements for a page of a selection that apps read all the time.
struct Texts {
    /// A row for each message.
    rows: &'static str,
    /// One row for all: number, sequence number and time of last change of each, in any order, with spaces between them.
    /// Rows cost more than what is in them.
    versions: &'static str,
}

/// Filtered messages are for nobody. Whispers are for the one they are addressed to; moderators also see those to all
/// moderators and those they wrote themselves.
macro_rules! seen {
    ($from:literal, $($rest:literal),+) => {
        concat!(
            $from,
            " WHERE messages.room = $1
              AND NOT messages.filtered
              AND ((messages.whisper IS NULL AND NOT messages.whisper_mods)
                OR messages.whisper = $2
                OR ($3 AND (messages.whisper_mods OR messages.author = $2))) ",
            $($rest),+
        )
    };
}

macro_rules! select {
    ($($rest:literal),+) => {
        seen!(
            "SELECT messages.id AS id, author.session_id AS author, messages.posted AS posted,
                messages.edited AS edited, messages.seqno AS seqno, messages.seqno_data AS seqno_data,
                messages.seqno_reactions AS seqno_reactions, messages.data AS data, messages.size AS size,
                messages.signature AS signature, target.session_id AS whisper_to,
                messages.whisper_mods AS whisper_mods
            FROM messages
            JOIN users AS author ON author.id = messages.author
            LEFT JOIN users AS target ON target.id = messages.whisper",
            $($rest),+
        )
    };
}

macro_rules! page {
    ($($rest:literal),+) => {
        Texts {
            rows: select!($($rest),+),
            versions: seen!(
                "SELECT string_agg(CAST(id AS TEXT) || ' ' || CAST(seqno AS TEXT) || ' ' || CAST(changed AS TEXT), ' ')
                FROM (SELECT messages.id AS id, messages.seqno AS seqno,
                        COALESCE(messages.edited, messages.posted) AS changed
                    FROM messages",
                $($rest),+,
                ") AS page"
            ),
        }
    };
}

const SINCE: Texts = page!(
    "AND messages.seqno > $4
     AND (messages.data IS NOT NULL OR messages.seqno_creation <= $4)
     ORDER BY messages.seqno, messages.id
     LIMIT $5"
);

const SINCE_DATA_ONLY: Texts = page!(
    "AND messages.seqno > $4
     AND messages.seqno_data > $4
     AND (messages.data IS NOT NULL OR messages.seqno_creation <= $4)
     ORDER BY messages.seqno, messages.id
     LIMIT $5"
);

/// The rest of those that have the sequence number of the last one of a page.
const SINCE_TIED: &str = select!(
    "AND messages.seqno = $6
     AND messages.id > $7
     AND ($8 OR messages.seqno_data > $4)
     AND (messages.data IS NOT NULL OR messages.seqno_creation <= $4)
     ORDER BY messages.id
     LIMIT $5"
);

/// The most messages with one sequence number that a page is made longer for.
const MOST_TIED: i64 = 1000;

const BEFORE: Texts = page!(
    "AND messages.id < $4
     AND messages.data IS NOT NULL
     ORDER BY messages.id DESC
     LIMIT $5"
);

const AFTER: &str = select!(
    "AND messages.id > $4
     AND messages.data IS NOT NULL
     ORDER BY messages.id
     LIMIT $5"
);

/// A sequence number of its deletion is not above that of a message.
const DELETED: &str = select!(
    "AND messages.seqno > $4
     AND messages.seqno_data > $4
     AND messages.data IS NULL
     ORDER BY messages.seqno_data, messages.id
     LIMIT $5"
);

const LATEST_DELETED: &str = select!(
    "AND messages.seqno > $4
     AND messages.data IS NULL
     ORDER BY messages.seqno_data DESC, messages.id DESC
     LIMIT $5"
);

const ONE: &str = select!("AND messages.id = $4 AND messages.data IS NOT NULL LIMIT $5");

impl Store {
    /// Messages as somebody sees them. Their reactions are read only if there can be any.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn messages(&self, query: &Query) -> Result<Page, DbError> {
        let mut tx = self.db.read().await?;
        let messages = match query.selection {
            Selection::Since { seqno, reactions } => since(&mut tx, query, seqno, reactions).await?,
            _ => rows(&mut tx, query, query.limit).await?,
        };
        let reacted: Vec<i64> = messages
            .iter()
            .filter(|message| message.seqno_reactions > 0 && message.data.is_some())
            .map(|message| message.id)
            .collect();
        let reactions = if reacted.is_empty() {
            ReactionsOf::default()
        } else {
            reactions_of(&mut tx, &reacted, query.viewer.user, query.reactors).await?
        };
        Ok(Page { messages, reactions })
    }

    /// What [`Store::messages`] would read, without what is in it and much cheaper. `None` for selections that this is
    /// not offered for, and where the page would end between messages with the same sequence number.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn versions(&self, query: &Query) -> Result<Option<Vec<Version>>, DbError> {
        let text = match query.selection {
            Selection::Since { reactions: true, .. } => SINCE.versions,
            Selection::Since { reactions: false, .. } => SINCE_DATA_ONLY.versions,
            Selection::Before(_) | Selection::Recent => BEFORE.versions,
            Selection::After(_) | Selection::Deleted { .. } | Selection::One(_) => return Ok(None),
        };
        let mut glance = self.db.glance().await?;
        let packed = run!(
            glance,
            fetch_one,
            query_scalar::<_, Option<String>>,
            text,
            query.room.0,
            query.viewer.user.map(|user| user.0),
            query.viewer.moderator,
            query.selection.bound(),
            query.limit + query.selection.beyond()
        )?;
        glance.done();
        let Some(packed) = packed else {
            return Ok(Some(Vec::new()));
        };
        let Some(mut versions) = parse_versions(&packed) else {
            return Ok(None);
        };
        match query.selection {
            Selection::Since { .. } => versions.sort_unstable_by_key(|version| (version.seqno, version.id)),
            _ => versions.sort_unstable_by_key(|version| Reverse(version.id)),
        }
        if is_longer(&versions, query.limit) {
            let next = versions.pop().map(|version| version.seqno);
            if versions.last().map(|version| version.seqno) == next {
                return Ok(None);
            }
        }
        Ok(Some(versions))
    }
}

/// A page does not end between messages with the same sequence number, for whoever goes on from that number would never
/// see the rest. Only communities that were moved here have such messages.
async fn since(tx: &mut Tx, query: &Query, seqno: i64, reactions: bool) -> Result<Vec<MessageRow>, DbError> {
    let mut page = rows(tx, query, query.limit + query.selection.beyond()).await?;
    if !is_longer(&page, query.limit) {
        return Ok(page);
    }
    let (Some(next), Some(last)) = (page.pop(), page.last()) else {
        return Ok(page);
    };
    if next.seqno == last.seqno {
        let tied = run!(
            tx,
            fetch_all,
            query_as::<_, MessageRow>,
            SINCE_TIED,
            query.room.0,
            query.viewer.user.map(|user| user.0),
            query.viewer.moderator,
            seqno,
            MOST_TIED,
            last.seqno,
            last.id,
            reactions
        )?;
        page.extend(tied);
    }
    Ok(page)
}

fn is_longer<T>(page: &[T], limit: i64) -> bool {
    usize::try_from(limit).is_ok_and(|limit| page.len() > limit)
}

async fn rows(tx: &mut Tx, query: &Query, limit: i64) -> Result<Vec<MessageRow>, DbError> {
    let text = match query.selection {
        Selection::Since { reactions: true, .. } => SINCE.rows,
        Selection::Since { reactions: false, .. } => SINCE_DATA_ONLY.rows,
        Selection::Before(_) | Selection::Recent => BEFORE.rows,
        Selection::After(_) => AFTER,
        Selection::Deleted { after: Some(_) } => DELETED,
        Selection::Deleted { after: None } => LATEST_DELETED,
        Selection::One(_) => ONE,
    };
    run!(
        tx,
        fetch_all,
        query_as::<_, MessageRow>,
        text,
        query.room.0,
        query.viewer.user.map(|user| user.0),
        query.viewer.moderator,
        query.selection.bound(),
        limit
    )
}

/// What [`Texts::versions`] gives.
fn parse_versions(text: &str) -> Option<Vec<Version>> {
    let numbers: Vec<i64> = text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let (versions, []) = numbers.as_chunks::<3>() else {
        return None;
    };
    let version = |&[id, seqno, changed]: &[i64; 3]| Version { id, seqno, changed };
    Some(versions.iter().map(version).collect())
}

impl Selection {
    /// How many more are looked at than a page takes, to see whether it may end there.
    const fn beyond(self) -> i64 {
        match self {
            Self::Since { .. } => 1,
            _ => 0,
        }
    }

    /// The number that it begins or ends at.
    fn bound(self) -> i64 {
        match self {
            Self::Since { seqno, .. } => seqno,
            Self::Before(id) | Self::After(id) | Self::One(id) => id,
            Self::Recent => i64::MAX,
            Self::Deleted { after } => after.unwrap_or(-1),
        }
    }
}

impl MessageRow {
    /// The state that this is.
    #[must_use]
    pub fn version(&self) -> Version {
        Version {
            id: self.id,
            seqno: self.seqno,
            changed: self.edited.unwrap_or(self.posted),
        }
    }

    /// When it was posted.
    #[must_use]
    pub fn posted(&self) -> Timestamp {
        Timestamp::from_nanos(self.posted)
    }

    /// When it was last edited, or deleted.
    #[must_use]
    pub fn edited(&self) -> Option<Timestamp> {
        self.edited.map(Timestamp::from_nanos)
    }

    /// How many zeros follow [`MessageRow::data`] in the content as it was sent.
    #[must_use]
    pub fn zeros(&self) -> usize {
        let stored = self.data.as_ref().map_or(0, Vec::len);
        let sent = self.size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
        sent.saturating_sub(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plans::{assert_indexed, plan};
    use super::*;

    #[tokio::test]
    async fn a_page_costs_the_same_however_many_messages_there_are() {
        for text in [ONE, SINCE_TIED] {
            assert_indexed(text, false).await;
        }
        for texts in [SINCE, SINCE_DATA_ONLY, BEFORE] {
            assert_indexed(texts.rows, false).await;
            assert_indexed(texts.versions, false).await;
        }
        // Deleted and filtered messages are not even looked at.
        for text in [BEFORE.rows, BEFORE.versions] {
            let recent = plan(text).await;
            assert!(recent.iter().any(|step| step.contains("messages_shown")), "{recent:?}");
        }
    }
}
