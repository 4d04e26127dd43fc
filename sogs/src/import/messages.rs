//! Messages, with what they said before.

use serde::Serialize;
use shared::db::PerDialect;
use shared::run;

use super::ImportError;
use super::copying::Copying;
use super::report::Check;
use super::rows::{hex, nanos};
use super::schema::Counters;

/// Messages that are read at a time; they may be large.
const PAGE: i64 = 100;

/// The bytes of a signature.
const SIGNATURE: usize = 64;

/// More padding than this no app has ever sent; whoever reads such a message would be sent it.
const MOST_PADDING: i64 = 10_000_000;

#[derive(sqlx::FromRow)]
struct OldMessage {
    id: i64,
    room: i64,
    author: i64,
    posted: f64,
    edited: Option<f64>,
    seqno: i64,
    seqno_data: i64,
    seqno_reactions: i64,
    seqno_creation: i64,
    data: Option<Vec<u8>>,
    data_size: Option<i64>,
    signature: Option<Vec<u8>>,
    filtered: i64,
    whisper: Option<i64>,
    whisper_mods: i64,
}

#[derive(Serialize)]
struct NewMessage {
    id: i64,
    room: i64,
    author: i64,
    posted: i64,
    edited: Option<i64>,
    seqno: i64,
    seqno_data: i64,
    seqno_reactions: i64,
    seqno_creation: i64,
    #[serde(serialize_with = "hex")]
    data: Option<Vec<u8>>,
    size: Option<i64>,
    #[serde(serialize_with = "hex")]
    signature: Option<Vec<u8>>,
    filtered: bool,
    whisper: Option<i64>,
    whisper_mods: bool,
}

#[derive(sqlx::FromRow)]
struct OldHistory {
    message: i64,
    replaced: f64,
    data: Option<Vec<u8>>,
    signature: Option<Vec<u8>>,
}

#[derive(Serialize)]
struct NewHistory {
    message: i64,
    replaced: i64,
    #[serde(serialize_with = "hex")]
    data: Option<Vec<u8>>,
    size: i64,
    #[serde(serialize_with = "hex")]
    signature: Option<Vec<u8>>,
}

/// What a message refers to is there. A whisper without whom it is for must not be shown to all.
macro_rules! whole {
    () => {
        r#"EXISTS (SELECT 1 FROM rooms WHERE rooms.id = messages.room)
          AND EXISTS (SELECT 1 FROM users WHERE users.id = messages."user")
          AND (messages.whisper IS NULL OR EXISTS (SELECT 1 FROM users WHERE users.id = messages.whisper))"#
    };
}

macro_rules! messages {
    ($data:literal, $reactions:literal, $creation:literal) => {
        concat!(
            r#"SELECT id, room, "user" AS author, COALESCE("#,
            seconds!("posted"),
            ", 0.0) AS posted, ",
            seconds!("edited"),
            " AS edited, CAST(COALESCE(seqno, 0) AS BIGINT) AS seqno, CAST(COALESCE(",
            $data,
            ", 0) AS BIGINT) AS seqno_data, CAST(COALESCE(",
            $reactions,
            ", 0) AS BIGINT) AS seqno_reactions,
                CAST(COALESCE(",
            $creation,
            ", 0) AS BIGINT) AS seqno_creation, data,
                CAST(data_size AS BIGINT) AS data_size, signature, ",
            flag!("filtered"),
            " AS filtered, whisper, ",
            flag!("whisper_mods"),
            " AS whisper_mods
            FROM messages
            WHERE id > $1 AND ",
            whole!(),
            "
            ORDER BY id
            LIMIT $2"
        )
    };
}

const THREE: &str = messages!("seqno_data", "seqno_reactions", "seqno_creation");

const TWO: &str = messages!("seqno_data", "seqno_reactions", "0");

const ONE: &str = messages!("seqno", "0", "0");

const BROKEN: &str = concat!("SELECT id FROM messages WHERE NOT (", whole!(), ")");

const SHARED: &str = "SELECT CAST(COALESCE(SUM(same.count), 0) AS BIGINT)
    FROM (SELECT COUNT(*) AS count FROM messages GROUP BY room, seqno HAVING COUNT(*) > 1) AS same";

/// All earlier versions of the next so many messages that have any. Versions of messages that are gone do not count, or
/// a page of them alone would look like the end.
const HISTORY: &str = r#"SELECT message, replaced, data, signature
    FROM (SELECT message, COALESCE(CAST(replaced AS DOUBLE PRECISION), 0.0) AS replaced, data, signature
        FROM message_history) AS earlier
    WHERE message > $1
      AND EXISTS (SELECT 1 FROM messages WHERE messages.id = earlier.message)
      AND message <= (SELECT MAX(message)
        FROM (SELECT DISTINCT message
            FROM message_history
            WHERE message > $1
              AND EXISTS (SELECT 1 FROM messages WHERE messages.id = message_history.message)
            ORDER BY message
            LIMIT $2) AS next)
    ORDER BY message, replaced"#;

const ADD_MESSAGES: PerDialect = insert!(
    "messages"; id int, room int, author int, posted int, edited int, seqno int, seqno_data int, seqno_reactions int,
    seqno_creation int, data blob, size int, signature blob, filtered flag, whisper int, whisper_mods flag; ""
);

const ADD_HISTORY: PerDialect = insert!(
    "message_history"; message int, replaced int, data blob, size int, signature blob; ""
);

/// The content as it is kept here: with the 0x80 that began its padding, but without zeros; and its length with them.
/// The old server kept it without either (`community-behaviour.md` section 14).
fn content(mut data: Vec<u8>, size: i64) -> (Vec<u8>, i64) {
    let length = i64::try_from(data.len()).unwrap_or(i64::MAX);
    if size > length {
        data.push(0x80);
    }
    let end = data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    data.truncate(end);
    (data, size.max(length))
}

impl Copying<'_> {
    pub(super) async fn messages(&mut self) -> Result<(), ImportError> {
        let broken = self.old.numbers(BROKEN).await?;
        for id in &broken {
            self.report.found(Check::Dangling, format!("message {id}"));
        }
        self.did(broken.len());
        self.broken_messages.extend(broken);
        let shared = self.old.number(SHARED).await?;
        self.report.found_many(Check::SharedSeqno, shared.unsigned_abs());
        let text = match self.shape.counters {
            Counters::One => ONE,
            Counters::Two => TWO,
            Counters::Three => THREE,
        };
        let mut after = i64::MIN;
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldMessage>, text, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let rows: Vec<NewMessage> = page.into_iter().map(|old| self.message(old)).collect();
            let deleted = rows.iter().filter(|message| message.data.is_none()).count();
            if deleted > 0 {
                self.report.took("deleted messages", deleted);
            }
            self.add("messages", ADD_MESSAGES, &rows).await?;
            self.did(rows.len());
        }
    }

    fn message(&mut self, old: OldMessage) -> NewMessage {
        let id = old.id;
        let (seqno, seqno_data) = self.counted(&old);
        let highest = self.highest.entry(old.room).or_insert(seqno);
        *highest = seqno.max(*highest);
        let (mut data, mut size, mut signature) = (None, None, old.signature);
        if let Some(bytes) = old.data {
            let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            let fits = |size: i64| size >= length && size - length <= MOST_PADDING;
            if !old.data_size.is_some_and(fits) {
                self.report.found(Check::WrongSize, id);
            }
            let (content, padded) = content(bytes, old.data_size.filter(|size| fits(*size)).unwrap_or(length));
            (data, size) = (Some(content), Some(padded));
            if signature.as_ref().is_none_or(|signature| signature.len() != SIGNATURE) {
                self.report.found(Check::StrangeSignature, id);
            }
        } else if old.data_size.is_some() || signature.is_some() {
            self.report.found(Check::HalfDeleted, id);
            signature = None;
        }
        NewMessage {
            id,
            room: old.room,
            author: self.people.number(old.author),
            posted: nanos(old.posted),
            edited: old.edited.map(nanos),
            seqno,
            seqno_data,
            seqno_reactions: old.seqno_reactions,
            seqno_creation: old.seqno_creation,
            data,
            size,
            signature,
            filtered: old.filtered != 0,
            whisper: old.whisper.map(|whisper| self.people.number(whisper)),
            whisper_mods: old.whisper_mods != 0,
        }
    }

    /// The counter of a message is the larger of its two parts. Where both are 0, as the oldest imports have it, the
    /// counter stands and is that of the content.
    fn counted(&mut self, old: &OldMessage) -> (i64, i64) {
        let larger = old.seqno_data.max(old.seqno_reactions);
        if larger == old.seqno {
            return (old.seqno, old.seqno_data);
        }
        self.report.found(Check::SeqnoRecomputed, old.id);
        if larger == 0 {
            (old.seqno, old.seqno)
        } else {
            (larger, old.seqno_data)
        }
    }

    pub(super) async fn history(&mut self) -> Result<(), ImportError> {
        let oldest = self
            .now
            .minus(self.settings.messages.history_prune_threshold.0)
            .as_nanos();
        let mut after = i64::MIN;
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldHistory>, HISTORY, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.message;
            let count = page.len();
            let mut rows = Vec::with_capacity(count);
            for old in page {
                let replaced = nanos(old.replaced);
                if replaced < oldest {
                    self.report.found_many(Check::OldHistory, 1);
                    continue;
                }
                let Some(data) = old.data.filter(|_| self.has_message(old.message)) else {
                    self.report.found(
                        Check::Dangling,
                        format!("an earlier version of message {}", old.message),
                    );
                    continue;
                };
                let size = i64::try_from(data.len()).unwrap_or(i64::MAX);
                let (data, size) = content(data, size);
                rows.push(NewHistory {
                    message: old.message,
                    replaced,
                    data: Some(data),
                    size,
                    signature: Some(old.signature.unwrap_or_default()),
                });
            }
            self.add("earlier versions of messages", ADD_HISTORY, &rows).await?;
            self.did(count);
        }
    }

    /// Whether a message is taken over, if it is there at all.
    pub(super) fn has_message(&self, id: i64) -> bool {
        !self.broken_messages.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of `community-behaviour.md` section 14: what was sent, and what the old server kept of it.
    #[test]
    fn what_was_sent_comes_out_again_whatever_the_old_server_kept() {
        for (sent, kept) in [
            (&b"abc\x80\0\0"[..], &b"abc"[..]),
            (b"abc\x80", b"abc"),
            (b"abc\0", b"abc\0"),
            (b"\0\0", b"\0\0"),
            (b"\x80", b""),
            (b"", b""),
            (b"abc", b"abc"),
        ] {
            let (data, size) = content(kept.to_vec(), i64::try_from(sent.len()).unwrap());
            let mut out = data.clone();
            out.resize(usize::try_from(size).unwrap(), 0);
            assert_eq!(out, sent);
            assert_ne!(data.last(), Some(&0), "zeros at the end are not kept");
        }
    }
}
