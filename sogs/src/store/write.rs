//! One change of the database: a transaction, and what it makes out of date.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::clock::Timestamp;
use shared::crypto::BlindingFactor;
use shared::db::{DbError, Tx};
use shared::run;

use super::Recorded;
use super::audit::Audit;
use crate::model::{RoomNo, UserNo};

/// A change that is being made. Dropping it undoes it.
///
/// Locks are taken in one order, so that two changes never wait for each other: one person, rooms by number, then the row
/// of the server, which [`Write::commit`] comes to last.
#[derive(Debug)]
pub struct Write {
    pub(crate) tx: Tx,
    pub(super) now: Timestamp,
    pub(super) blinding: Option<Arc<BlindingFactor>>,
    pub(super) audit: Audit,
    committed: Committed,
    directory_changed: bool,
}

/// What a change that was committed makes out of date.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// The new generation, if anything was changed that is kept in memory about rooms and people.
    pub generation: Option<i64>,
    /// The latest sequence numbers of rooms.
    pub sequences: BTreeMap<RoomNo, i64>,
    /// A direct message: its id, sender and recipient.
    pub direct: Option<(i64, UserNo, UserNo)>,
    /// Whether direct messages were deleted.
    pub direct_deleted: bool,
    /// Who is counted as active no more, and where.
    pub inactive: Vec<(RoomNo, UserNo)>,
    /// What was written down about who did what; for [`Write::go_on`].
    pub recorded: Vec<Recorded>,
}

const NEXT_SEQNOS: &str = "UPDATE rooms
    SET message_sequence = message_sequence + $2
    WHERE id = $1
    RETURNING message_sequence";

const NEXT_GENERATION: &str = "UPDATE server SET generation = generation + 1 RETURNING generation";

const BURN: &str = "INSERT INTO nonces (identity, nonce, expiry)
    VALUES ($1, $2, $3)
    ON CONFLICT (identity, nonce) DO NOTHING
    RETURNING TRUE";

impl Write {
    pub(super) fn new(tx: Tx, now: Timestamp, blinding: Option<Arc<BlindingFactor>>) -> Self {
        Self {
            tx,
            now,
            blinding,
            audit: Audit::default(),
            committed: Committed::default(),
            directory_changed: false,
        }
    }

    /// The time at which everything in this change happens.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Records the nonce of the request that this change is made for. False if it is recorded already, and so the
    /// change must not be made.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn burn(&mut self, identity: [u8; 33], nonce: [u8; 16], expiry: Timestamp) -> Result<bool, DbError> {
        let (identity, nonce) = (identity.to_vec(), nonce.to_vec());
        let inserted = run!(
            self.tx,
            fetch_optional,
            query_scalar::<_, bool>,
            BURN,
            &identity,
            &nonce,
            expiry.as_nanos()
        )?;
        Ok(inserted.is_some())
    }

    /// The next sequence number of a room; `None` if the room is gone. It locks the room until the change is committed,
    /// so that numbers become visible in their order. Whoever changes messages, reactions or pins of a room holds this
    /// lock, and so is alone with them.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn next_seqno(&mut self, room: RoomNo) -> Result<Option<i64>, DbError> {
        self.next_seqnos(room, 1).await
    }

    /// The last of so many next sequence numbers of a room; see [`Write::next_seqno`].
    pub(super) async fn next_seqnos(&mut self, room: RoomNo, count: i64) -> Result<Option<i64>, DbError> {
        let last = run!(
            self.tx,
            fetch_optional,
            query_scalar::<_, i64>,
            NEXT_SEQNOS,
            room.0,
            count
        )?;
        if let Some(last) = last {
            self.reached(room, last);
        }
        Ok(last)
    }

    /// Notes the latest sequence number of a room.
    pub(super) fn reached(&mut self, room: RoomNo, seqno: i64) {
        self.committed.sequences.insert(room, seqno);
    }

    /// Notes that something was changed that is kept in memory: a room's details, roles, bans, permissions or pins.
    pub(super) fn directory_changes(&mut self) {
        self.directory_changed = true;
    }

    /// Notes a direct message.
    pub(super) fn direct_message(&mut self, id: i64, sender: UserNo, recipient: UserNo) {
        self.committed.direct = Some((id, sender, recipient));
    }

    /// Notes that direct messages are gone.
    pub(super) fn direct_messages_deleted(&mut self) {
        self.committed.direct_deleted = true;
    }

    /// Notes that somebody is not counted as active in a room any more.
    pub(super) fn inactive(&mut self, room: RoomNo, user: UserNo) {
        self.committed.inactive.push((room, user));
    }

    /// Makes the change last: it is on disk when this returns.
    ///
    /// # Errors
    ///
    /// As for [`Tx::commit`].
    pub async fn commit(mut self) -> Result<Committed, DbError> {
        self.committed.recorded = self.write_audit().await?;
        if self.directory_changed {
            let generation = run!(self.tx, fetch_one, query_scalar::<_, i64>, NEXT_GENERATION)?;
            self.committed.generation = Some(generation);
        }
        let Committed {
            generation,
            sequences,
            direct,
            direct_deleted,
            inactive: _,
            recorded: _,
        } = &self.committed;
        if generation.is_some() || !sequences.is_empty() || direct.is_some() || *direct_deleted {
            self.tx.announce().await?;
        }
        self.tx.commit().await?;
        Ok(self.committed)
    }
}
