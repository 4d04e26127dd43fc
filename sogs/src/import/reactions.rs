//! Reactions and pins.

use std::collections::HashSet;

use serde::Serialize;
use shared::db::PerDialect;
use shared::run;

use super::copying::Copying;
use super::report::Check;
use super::rows::nanos;
use super::{ImportError, PAGE};

#[derive(sqlx::FromRow)]
struct OldKind {
    id: i64,
    message: i64,
    reaction: String,
    deleted: i64,
    used: i64,
    uncounted: i64,
}

#[derive(Serialize)]
struct NewKind {
    id: i64,
    message: i64,
    reaction: String,
}

#[derive(sqlx::FromRow)]
struct OldReactor {
    reaction: i64,
    person: i64,
    at: f64,
    message: i64,
    deleted: i64,
}

#[derive(Serialize)]
struct NewReactor {
    reaction: i64,
    person: i64,
    at: i64,
}

#[derive(sqlx::FromRow)]
struct OldPin {
    room: i64,
    message: i64,
    pinned_by: i64,
    pinned_at: f64,
    regular: i64,
}

#[derive(Serialize)]
struct NewPin {
    room: i64,
    message: i64,
    pinned_by: i64,
    pinned_at: i64,
}

const KINDS: &str = r#"SELECT reactions.id AS id, reactions.message AS message,
        CAST(reactions.reaction AS TEXT) AS reaction,
        CAST(CASE WHEN messages.data IS NULL THEN 1 ELSE 0 END AS BIGINT) AS deleted,
        CAST(CASE WHEN EXISTS (SELECT 1
            FROM user_reactions
            JOIN users ON users.id = user_reactions."user"
            WHERE user_reactions.reaction = reactions.id) THEN 1 ELSE 0 END AS BIGINT) AS used,
        CAST(CASE WHEN messages.seqno_reactions = 0 THEN 1 ELSE 0 END AS BIGINT) AS uncounted
    FROM (SELECT id, message, reaction FROM reactions WHERE id > $1 ORDER BY id LIMIT $2) AS reactions
    LEFT JOIN messages ON messages.id = reactions.message
    ORDER BY reactions.id"#;

const REACTORS: &str = concat!(
    r#"SELECT given.reaction AS reaction, given."user" AS person, COALESCE("#,
    seconds!("given.at"),
    r#", 0.0) AS at,
        (SELECT reactions.message FROM reactions WHERE reactions.id = given.reaction) AS message,
        CAST(CASE WHEN EXISTS (SELECT 1
            FROM reactions
            JOIN messages ON messages.id = reactions.message
            WHERE reactions.id = given.reaction AND messages.data IS NULL) THEN 1 ELSE 0 END AS BIGINT) AS deleted
    FROM user_reactions AS given
    WHERE (given.reaction, given."user") > ($1, $2)
      AND EXISTS (SELECT 1 FROM users WHERE users.id = given."user")
      AND EXISTS (SELECT 1
        FROM reactions
        JOIN messages ON messages.id = reactions.message
        WHERE reactions.id = given.reaction)
    ORDER BY given.reaction, given."user"
    LIMIT $3"#
);

const PINS: &str = concat!(
    r#"SELECT pinned.room AS room, pinned.message AS message, pinned.pinned_by AS pinned_by,
        COALESCE("#,
    seconds!("pinned.pinned_at"),
    ", 0.0) AS pinned_at,
        CAST(CASE WHEN EXISTS (SELECT 1
            FROM messages
            WHERE messages.id = pinned.message AND messages.room = pinned.room AND messages.data IS NOT NULL
              AND messages.whisper IS NULL AND ",
    flag!("messages.whisper_mods"),
    " = 0
              AND ",
    flag!("messages.filtered"),
    r#" = 0) THEN 1 ELSE 0 END AS BIGINT) AS regular
    FROM pinned_messages AS pinned
    WHERE (pinned.room, pinned.message) > ($1, $2)
      AND EXISTS (SELECT 1 FROM rooms WHERE rooms.id = pinned.room)
      AND EXISTS (SELECT 1 FROM users WHERE users.id = pinned.pinned_by)
    ORDER BY pinned.room, pinned.message
    LIMIT $3"#
);

const ADD_KINDS: PerDialect = insert!("reactions"; id int, message int, reaction text; "");

/// Somebody who was there twice may have reacted twice.
const ADD_REACTORS: PerDialect = insert!("reactors"; reaction int, person int, at int; "ON CONFLICT DO NOTHING");

const ADD_PINS: PerDialect = insert!("pins"; room int, message int, pinned_by int, pinned_at int; "");

/// Reactions are shown of messages only that have been counted as changed by them.
const COUNT: PerDialect = PerDialect {
    sqlite: "UPDATE messages SET seqno_reactions = seqno
        WHERE seqno_reactions = 0 AND id IN (SELECT value FROM json_each($1))",
    postgres: "UPDATE messages SET seqno_reactions = seqno
        WHERE seqno_reactions = 0
          AND id IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS value)",
};

impl Copying<'_> {
    pub(super) async fn reactions(&mut self) -> Result<(), ImportError> {
        let mut after = i64::MIN;
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldKind>, KINDS, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let count = page.len();
            let mut uncounted = HashSet::new();
            let mut rows = Vec::with_capacity(count);
            for old in page {
                if let Some(check) = self.unfit(&old) {
                    self.report.found(
                        check,
                        format!("{} at message {}", old.reaction.escape_debug(), old.message),
                    );
                    continue;
                }
                if old.uncounted != 0 && uncounted.insert(old.message) {
                    self.report.found(Check::ReactionCounter, old.message);
                }
                rows.push(NewKind {
                    id: old.id,
                    message: old.message,
                    reaction: old.reaction,
                });
            }
            self.add("reactions", ADD_KINDS, &rows).await?;
            if let Some(write) = &mut self.write
                && !uncounted.is_empty()
            {
                let list = super::rows::json(&uncounted.into_iter().collect::<Vec<_>>());
                run!(write.tx, execute, query, COUNT, list)?;
            }
            self.did(count);
        }
    }

    /// Why a reaction is not taken over.
    fn unfit(&mut self, old: &OldKind) -> Option<Check> {
        if !self.has_message(old.message) {
            return Some(Check::Dangling);
        }
        if old.deleted != 0 {
            return Some(Check::DeletedReaction);
        }
        if old.used == 0 {
            return Some(Check::UnusedReaction);
        }
        if old.reaction.contains('\0') {
            self.odd_reactions.insert(old.id);
            return Some(Check::Nul);
        }
        None
    }

    pub(super) async fn reactors(&mut self) -> Result<(), ImportError> {
        let (mut reaction, mut person) = (i64::MIN, i64::MIN);
        loop {
            let page = run!(
                self.old,
                fetch_all,
                query_as::<_, OldReactor>,
                REACTORS,
                reaction,
                person,
                PAGE
            )?;
            let Some(last) = page.last() else { return Ok(()) };
            (reaction, person) = (last.reaction, last.person);
            let rows: Vec<NewReactor> = page
                .iter()
                .filter(|old| old.deleted == 0 && self.has_message(old.message))
                .filter(|old| !self.odd_reactions.contains(&old.reaction))
                .map(|old| NewReactor {
                    reaction: old.reaction,
                    person: self.people.number(old.person),
                    at: nanos(old.at),
                })
                .collect();
            self.add("people's reactions", ADD_REACTORS, &rows).await?;
            self.did(page.len());
        }
    }

    pub(super) async fn pins(&mut self) -> Result<(), ImportError> {
        let (mut room, mut message) = (i64::MIN, i64::MIN);
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldPin>, PINS, room, message, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            (room, message) = (last.room, last.message);
            let count = page.len();
            let mut rows = Vec::with_capacity(count);
            for old in page {
                if old.regular == 0 || !self.has_message(old.message) {
                    let example = format!("message {} in room {}", old.message, old.room);
                    self.report.found(Check::IrregularPin, example);
                    self.changed_rooms.insert(old.room);
                    continue;
                }
                rows.push(NewPin {
                    room: old.room,
                    message: old.message,
                    pinned_by: self.people.number(old.pinned_by),
                    pinned_at: nanos(old.pinned_at),
                });
            }
            self.add("pins", ADD_PINS, &rows).await?;
            self.did(count);
        }
    }
}
