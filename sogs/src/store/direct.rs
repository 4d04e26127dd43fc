//! Direct messages (`community-behaviour.md` section 10).

use std::time::Duration;

use shared::clock::Timestamp;
use shared::db::DbError;
use shared::run;

use super::{Store, Write};
use crate::model::{User, UserNo};

/// Within this time messages are counted against the limit of their sender.
const DAY: Duration = Duration::from_secs(86_400);

/// The ids of the latest direct messages of a person; 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latest {
    /// Of those they received.
    pub inbox: i64,
    /// Of those they sent.
    pub outbox: i64,
}

impl Latest {
    /// Of those in one of the two boxes.
    #[must_use]
    pub fn of(self, mailbox: Mailbox) -> i64 {
        match mailbox {
            Mailbox::Inbox => self.inbox,
            Mailbox::Outbox => self.outbox,
        }
    }
}

/// Which side of direct messages somebody looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailbox {
    /// What they received.
    Inbox,
    /// What they sent.
    Outbox,
}

/// A direct message.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DirectMessage {
    /// Its id. Ids grow in the order in which messages become visible, on the whole server.
    pub id: i64,
    /// The id of who sent it.
    pub sender: String,
    /// The id of whom it is for.
    pub recipient: String,
    /// What only the recipient can read.
    pub body: Vec<u8>,
    /// When it was sent; nanoseconds.
    pub posted_at: i64,
    /// When it ceases to exist; nanoseconds.
    pub expiry: i64,
}

const LATEST: &str = "SELECT
        COALESCE((SELECT MAX(id) FROM direct_messages WHERE recipient = $1), 0),
        COALESCE((SELECT MAX(id) FROM direct_messages WHERE sender = $1), 0)";

const INBOX: &str = "SELECT direct_messages.id, senders.session_id AS sender, recipients.session_id AS recipient,
        direct_messages.body, direct_messages.posted_at, direct_messages.expiry
    FROM direct_messages
        JOIN users AS senders ON senders.id = direct_messages.sender
        JOIN users AS recipients ON recipients.id = direct_messages.recipient
    WHERE direct_messages.recipient = $1 AND direct_messages.id > $2 AND direct_messages.expiry > $3
    ORDER BY direct_messages.id
    LIMIT $4";

const OUTBOX: &str = "SELECT direct_messages.id, senders.session_id AS sender, recipients.session_id AS recipient,
        direct_messages.body, direct_messages.posted_at, direct_messages.expiry
    FROM direct_messages
        JOIN users AS senders ON senders.id = direct_messages.sender
        JOIN users AS recipients ON recipients.id = direct_messages.recipient
    WHERE direct_messages.sender = $1 AND direct_messages.id > $2 AND direct_messages.expiry > $3
    ORDER BY direct_messages.id
    LIMIT $4";

const EARLIEST_THAT_COUNTS: &str = "SELECT posted_at
    FROM direct_messages
    WHERE sender = $1
    ORDER BY id DESC
    LIMIT 1 OFFSET $2";

const NEXT_ID: &str = "UPDATE server
    SET direct_message_sequence = direct_message_sequence + 1
    RETURNING direct_message_sequence";

const INSERT: &str = "INSERT INTO direct_messages (id, sender, recipient, body, posted_at, expiry)
    VALUES ($1, $2, $3, $4, $5, $6)";

const EMPTY_INBOX: &str = "DELETE FROM direct_messages WHERE recipient = $1";

impl Store {
    /// The ids of somebody's latest direct messages.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn latest_direct(&self, user: UserNo) -> Result<Latest, DbError> {
        let mut tx = self.db.read().await?;
        let (inbox, outbox) = run!(tx, fetch_one, query_as::<_, (i64, i64)>, LATEST, user.0)?;
        Ok(Latest { inbox, outbox })
    }

    /// The direct messages of a person whose ids are larger than `since`, oldest first, but for those that have expired.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn direct_messages(
        &self,
        user: UserNo,
        mailbox: Mailbox,
        since: i64,
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<DirectMessage>, DbError> {
        let sql = match mailbox {
            Mailbox::Inbox => INBOX,
            Mailbox::Outbox => OUTBOX,
        };
        let (user, now) = (user.0, now.as_nanos());
        let mut tx = self.db.read().await?;
        run!(
            tx,
            fetch_all,
            query_as::<_, DirectMessage>,
            sql,
            user,
            since,
            now,
            limit
        )
    }
}

impl Write {
    /// How long somebody has to wait who may send so many direct messages within a day; `None` if they need not.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn direct_message_wait(&mut self, sender: UserNo, per_day: u32) -> Result<Option<Duration>, DbError> {
        let Some(before) = per_day.checked_sub(1) else {
            return Ok(None);
        };
        let earliest = run!(
            self.tx,
            fetch_optional,
            query_scalar::<_, i64>,
            EARLIEST_THAT_COUNTS,
            sender.0,
            i64::from(before)
        )?;
        // After the clock was ahead there may be messages from the future.
        let wait = earliest.map(|at| Timestamp::from_nanos(at).min(self.now).plus(DAY).since(self.now));
        Ok(wait.filter(|wait| !wait.is_zero()))
    }

    /// Sends a direct message that lives for so long. The row of the server is locked from here on, so it belongs last in
    /// a change: ids become visible in their order.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn send_direct(
        &mut self,
        sender: &User,
        recipient: &User,
        body: &[u8],
        lifetime: Duration,
    ) -> Result<DirectMessage, DbError> {
        let (posted_at, expiry) = (self.now.as_nanos(), self.now.plus(lifetime).as_nanos());
        let (from, to) = (sender.no.0, recipient.no.0);
        let id = run!(self.tx, fetch_one, query_scalar::<_, i64>, NEXT_ID)?;
        run!(self.tx, execute, query, INSERT, id, from, to, body, posted_at, expiry)?;
        self.direct_message(id, sender.no, recipient.no);
        Ok(DirectMessage {
            id,
            sender: sender.session_id.clone(),
            recipient: recipient.session_id.clone(),
            body: Vec::new(),
            posted_at,
            expiry,
        })
    }

    /// Deletes everything that somebody received, which empties the outboxes of those who sent it too.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn empty_inbox(&mut self, user: UserNo) -> Result<u64, DbError> {
        let deleted = run!(self.tx, execute, query, EMPTY_INBOX, user.0)?;
        if deleted > 0 {
            self.direct_messages_deleted();
        }
        Ok(deleted)
    }
}
