//! Reactions: reading them, adding and removing them (`community-behaviour.md` section 6).

use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect, Tx};
use shared::run;

use super::{MessageError, Store, Write};
use crate::model::{Action, RoomNo, UserNo};

/// One reaction of one message.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ReactionRow {
    /// The message.
    pub message: i64,
    /// What people reacted with.
    pub reaction: String,
    /// How many.
    pub count: i64,
    /// Whether the viewer is among them.
    pub you: bool,
    /// The first of them, with commas between their ids.
    pub reactors: Option<String>,
}

impl ReactionRow {
    /// Whether this person is among the first of them.
    #[must_use]
    pub fn names(&self, id: &str) -> bool {
        self.reactors
            .as_deref()
            .is_some_and(|reactors| reactors.split(',').any(|reactor| reactor == id))
    }
}

/// The reactions of several messages.
#[derive(Clone, Debug, Default)]
pub struct ReactionsOf(Vec<ReactionRow>);

impl ReactionsOf {
    /// Those of one message, in the order in which they are shown.
    #[must_use]
    pub fn message(&self, id: i64) -> &[ReactionRow] {
        let start = self.0.partition_point(|row| row.message < id);
        let rest = self.0.get(start..).unwrap_or_default();
        let length = rest.partition_point(|row| row.message == id);
        rest.get(..length).unwrap_or_default()
    }
}

/// What somebody reacted with to a message; a row without a reaction if they did not.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OwnReaction {
    /// The message.
    pub message: i64,
    /// Its sequence number.
    pub seqno: i64,
    /// What they reacted with.
    pub reaction: Option<String>,
}

/// What a change of reactions has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reacted {
    /// How many people's reactions were added or removed.
    pub count: i64,
    /// The sequence number of the message now.
    pub seqno: i64,
}

macro_rules! select {
    ($from:literal) => {
        concat!(
            "SELECT reactions.message AS message, reactions.reaction AS reaction,
                (SELECT COUNT(*) FROM reactors WHERE reactors.reaction = reactions.id) AS count,
                EXISTS (SELECT 1
                    FROM reactors
                    WHERE reactors.reaction = reactions.id AND reactors.person = $2) AS you,
                (SELECT string_agg(users.session_id, ',' ORDER BY first.at, first.person)
                    FROM (SELECT at, person
                        FROM reactors
                        WHERE reactors.reaction = reactions.id
                        ORDER BY at, person
                        LIMIT $3) AS first
                    JOIN users ON users.id = first.person) AS reactors ",
            $from,
            " ORDER BY reactions.message, reactions.id"
        )
    };
}

const OF_MESSAGES: PerDialect = PerDialect {
    sqlite: select!("FROM json_each($1) AS page CROSS JOIN reactions ON reactions.message = page.value"),
    postgres: select!(
        "FROM jsonb_array_elements_text($1::jsonb) AS page (id)
        JOIN reactions ON reactions.message = CAST(page.id AS BIGINT)"
    ),
};

const REACTORS: &str = "SELECT users.session_id, reactors.at
    FROM reactions
    JOIN reactors ON reactors.reaction = reactions.id
    JOIN users ON users.id = reactors.person
    WHERE reactions.message = $1 AND reactions.reaction = $2
    ORDER BY reactors.at, reactors.person
    LIMIT $3";

macro_rules! own {
    ($from:literal) => {
        concat!(
            "SELECT messages.id AS message, messages.seqno AS seqno, reactions.reaction AS reaction ",
            $from,
            " LEFT JOIN reactions ON reactions.message = messages.id
                AND EXISTS (SELECT 1
                    FROM reactors
                    WHERE reactors.reaction = reactions.id AND reactors.person = $2)"
        )
    };
}

const OWN: PerDialect = PerDialect {
    sqlite: own!("FROM json_each($1) AS page CROSS JOIN messages ON messages.id = page.value"),
    postgres: own!(
        "FROM jsonb_array_elements_text($1::jsonb) AS page (id)
        JOIN messages ON messages.id = CAST(page.id AS BIGINT)"
    ),
};

/// Messages that everybody can see, which are the only ones that take reactions and pins.
const REGULAR: &str = "SELECT seqno
    FROM messages
    WHERE id = $1 AND room = $2
      AND data IS NOT NULL AND NOT filtered AND whisper IS NULL AND NOT whisper_mods";

/// The most different reactions to one message; everybody who reads it is sent them all.
const MOST_KINDS: i64 = 200;

/// None, if this one is there already.
const OTHER_KINDS: &str = "SELECT COUNT(*)
    FROM reactions
    WHERE message = $1 AND NOT EXISTS (SELECT 1 FROM reactions WHERE message = $1 AND reaction = $2)";

/// Changes nothing where there is one; only so do both databases tell its id.
const KIND: &str = "INSERT INTO reactions (message, reaction)
    VALUES ($1, $2)
    ON CONFLICT (message, reaction) DO UPDATE SET reaction = excluded.reaction
    RETURNING id";

const ADD: &str = "INSERT INTO reactors (reaction, person, at)
    VALUES ($1, $2, $3)
    ON CONFLICT (reaction, person) DO NOTHING";

const REMOVE: &str = "DELETE FROM reactors
    WHERE person = $3 AND reaction = (SELECT id FROM reactions WHERE message = $1 AND reaction = $2)";

const REMOVE_ONE_KIND: &str = "DELETE FROM reactors
    WHERE reaction = (SELECT id FROM reactions WHERE message = $1 AND reaction = $2)";

const REMOVE_ALL: &str = "DELETE FROM reactors
    WHERE reaction IN (SELECT id FROM reactions WHERE message = $1)";

const FORGET_UNUSED: &str = "DELETE FROM reactions
    WHERE message = $1 AND NOT EXISTS (SELECT 1 FROM reactors WHERE reactors.reaction = reactions.id)";

const MOVE_ON: &str = "UPDATE messages SET seqno_reactions = $2, seqno = $2 WHERE id = $1";

/// All reactions of these messages. Where `reactors` is 0 nobody is named.
pub(super) async fn reactions_of(
    tx: &mut Tx,
    messages: &[i64],
    viewer: Option<UserNo>,
    reactors: i64,
) -> Result<ReactionsOf, DbError> {
    let messages = super::json(messages);
    let viewer = viewer.map(|user| user.0);
    let rows = run!(
        tx,
        fetch_all,
        query_as::<_, ReactionRow>,
        OF_MESSAGES,
        messages,
        viewer,
        reactors
    )?;
    Ok(ReactionsOf(rows))
}

impl Store {
    /// What somebody reacted with to these messages, at least one row for each.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn own_reactions(&self, messages: &[i64], user: UserNo) -> Result<Vec<OwnReaction>, DbError> {
        let messages = super::json(messages);
        let mut glance = self.db.glance().await?;
        let own = run!(glance, fetch_all, query_as::<_, OwnReaction>, OWN, messages, user.0)?;
        glance.done();
        Ok(own)
    }

    /// Who reacted so to a message, and when, the first first; `None` if it is no message that takes reactions.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn reactors(
        &self,
        room: RoomNo,
        message: i64,
        reaction: &str,
        limit: i64,
    ) -> Result<Option<Vec<(String, Timestamp)>>, DbError> {
        let mut tx = self.db.read().await?;
        let regular = run!(tx, fetch_optional, query_scalar::<_, i64>, REGULAR, message, room.0)?;
        if regular.is_none() {
            return Ok(None);
        }
        let rows = run!(
            tx,
            fetch_all,
            query_as::<_, (String, i64)>,
            REACTORS,
            message,
            reaction,
            limit
        )?;
        let timed = rows.into_iter().map(|(id, at)| (id, Timestamp::from_nanos(at)));
        Ok(Some(timed.collect()))
    }
}

impl Write {
    /// The sequence number of a message that everybody can see. The room is locked then.
    pub(super) async fn regular(&mut self, room: RoomNo, message: i64) -> Result<i64, MessageError> {
        if !self.lock_rooms(&[room]).await? {
            return Err(MessageError::Missing);
        }
        let seqno = run!(
            self.tx,
            fetch_optional,
            query_scalar::<_, i64>,
            REGULAR,
            message,
            room.0
        )?;
        seqno.ok_or(MessageError::Missing)
    }

    /// Adds somebody's reaction to a message, unless it is there.
    ///
    /// # Errors
    ///
    /// [`MessageError::Missing`] if it is no message that takes reactions, [`MessageError::TooManyReactions`] if it has many
    /// others and not yet this one, and when the database fails.
    pub async fn react(
        &mut self,
        room: RoomNo,
        message: i64,
        reaction: &str,
        user: UserNo,
    ) -> Result<Reacted, MessageError> {
        let seqno = self.regular(room, message).await?;
        if run!(
            self.tx,
            fetch_one,
            query_scalar::<_, i64>,
            OTHER_KINDS,
            message,
            reaction
        )? >= MOST_KINDS
        {
            return Err(MessageError::TooManyReactions);
        }
        let kind = run!(self.tx, fetch_one, query_scalar::<_, i64>, KIND, message, reaction)?;
        let added = run!(self.tx, execute, query, ADD, kind, user.0, self.now.as_nanos())?;
        self.reactions_changed(room, message, added, seqno).await
    }

    /// Removes somebody's reaction from a message, if it is there.
    ///
    /// # Errors
    ///
    /// As for [`Write::react`].
    pub async fn unreact(
        &mut self,
        room: RoomNo,
        message: i64,
        reaction: &str,
        user: UserNo,
    ) -> Result<Reacted, MessageError> {
        let seqno = self.regular(room, message).await?;
        let removed = run!(self.tx, execute, query, REMOVE, message, reaction, user.0)?;
        self.reactions_removed(room, message, removed, seqno).await
    }

    /// Removes everybody's reaction of one kind from a message, or all reactions.
    ///
    /// # Errors
    ///
    /// As for [`Write::react`].
    pub async fn clear_reactions(
        &mut self,
        room: RoomNo,
        message: i64,
        reaction: Option<&str>,
    ) -> Result<Reacted, MessageError> {
        let seqno = self.regular(room, message).await?;
        let removed = match reaction {
            Some(reaction) => run!(self.tx, execute, query, REMOVE_ONE_KIND, message, reaction)?,
            None => run!(self.tx, execute, query, REMOVE_ALL, message)?,
        };
        if removed > 0 {
            self.note(Action::ReactionClear, Some(room), None)
                .set("message", message)
                .add("reactions", i64::try_from(removed).unwrap_or(i64::MAX));
        }
        self.reactions_removed(room, message, removed, seqno).await
    }

    async fn reactions_removed(
        &mut self,
        room: RoomNo,
        message: i64,
        count: u64,
        seqno: i64,
    ) -> Result<Reacted, MessageError> {
        if count > 0 {
            run!(self.tx, execute, query, FORGET_UNUSED, message)?;
        }
        self.reactions_changed(room, message, count, seqno).await
    }

    /// Moves the message on by one number for each person whose reaction was added or removed.
    async fn reactions_changed(
        &mut self,
        room: RoomNo,
        message: i64,
        count: u64,
        seqno: i64,
    ) -> Result<Reacted, MessageError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if count == 0 {
            return Ok(Reacted { count, seqno });
        }
        let seqno = self.next_seqnos(room, count).await?.ok_or(MessageError::Missing)?;
        run!(self.tx, execute, query, MOVE_ON, message, seqno)?;
        Ok(Reacted { count, seqno })
    }
}

#[cfg(test)]
mod tests {
    use super::super::plans::{assert_indexed, plan};
    use super::*;

    #[tokio::test]
    async fn reactions_are_found_by_their_messages() {
        assert_indexed(OF_MESSAGES.sqlite, true).await;
        assert_indexed(OWN.sqlite, false).await;
        assert_indexed(REACTORS, false).await;
        for text in [REGULAR, KIND, REMOVE, REMOVE_ONE_KIND, REMOVE_ALL, FORGET_UNUSED] {
            assert_indexed(text, true).await;
        }
        // Of many who reacted only the first are read.
        let page = plan(OF_MESSAGES.sqlite).await;
        assert!(page.iter().any(|step| step.contains("reactors_by_time")), "{page:?}");
    }
}
