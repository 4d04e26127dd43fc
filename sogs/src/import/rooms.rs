//! Rooms.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use shared::db::PerDialect;
use shared::run;

use super::ImportError;
use super::copying::Copying;
use super::database::OldDatabase;
use super::report::{Check, Report};
use super::rows::{nanos, without_nul};

#[derive(sqlx::FromRow)]
struct OldRoom {
    id: i64,
    token: String,
    name: String,
    description: Option<String>,
    image: Option<i64>,
    /// The room of the image's file, if that can be fetched.
    image_room: Option<i64>,
    created: f64,
    message_sequence: i64,
    info_updates: i64,
    active_users: i64,
    read: i64,
    accessible: i64,
    write: i64,
    upload: i64,
}

#[derive(Serialize)]
struct NewRoom {
    id: i64,
    token: String,
    token_key: String,
    name: String,
    description: Option<String>,
    image: Option<i64>,
    created: i64,
    message_sequence: i64,
    info_updates: i64,
    active_users: i64,
    read: bool,
    accessible: bool,
    write: bool,
    upload: bool,
}

const TOKENS: &str = "SELECT CAST(token AS TEXT) FROM rooms ORDER BY id";

const ROOMS: &str = concat!(
    "SELECT rooms.id AS id, CAST(rooms.token AS TEXT) AS token, CAST(rooms.name AS TEXT) AS name,
        CAST(rooms.description AS TEXT) AS description, rooms.image AS image,
        (SELECT files.room
            FROM files
            WHERE files.id = rooms.image AND (files.expiry IS NULL OR files.expiry > $1)) AS image_room,
        COALESCE(",
    seconds!("rooms.created"),
    ", 0.0) AS created,
        CAST(rooms.message_sequence AS BIGINT) AS message_sequence, CAST(rooms.info_updates AS BIGINT) AS info_updates,
        CAST(rooms.active_users AS BIGINT) AS active_users, ",
    flag!("rooms.read"),
    " AS read, ",
    flag!("rooms.accessible"),
    " AS accessible, ",
    flag!("rooms.write"),
    " AS write, ",
    flag!("rooms.upload"),
    " AS upload
    FROM rooms
    ORDER BY rooms.id"
);

const INSERT: PerDialect = insert!(
    "rooms"; id int, token text, token_key text, name text, description text, image int, created int,
    message_sequence int, info_updates int, active_users int, read flag, accessible flag, write flag, upload flag; ""
);

const RAISE: &str = "UPDATE rooms SET message_sequence = $2 WHERE id = $1";

const TELL: &str = "UPDATE rooms SET info_updates = info_updates + 1 WHERE id = $1";

/// The tokens, if all of them can be.
pub(super) async fn tokens(old: &mut OldDatabase, report: &mut Report) -> Result<Vec<String>, ImportError> {
    let tokens = run!(old, fetch_all, query_scalar::<_, String>, TOKENS)?;
    let mut known = HashSet::new();
    for token in &tokens {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if token.is_empty() || !token.bytes().all(is_plain) {
            let reason = format!("the token {token:?} has characters that no token has");
            return Err(ImportError::Tokens(reason));
        }
        if !known.insert(token.to_ascii_lowercase()) {
            let reason = format!("there are two rooms with the token {token:?}, but for capitals");
            return Err(ImportError::Tokens(reason));
        }
        if token.len() > 64 {
            report.found(Check::LongToken, token);
        }
    }
    Ok(tokens)
}

impl Copying<'_> {
    pub(super) async fn rooms(&mut self) -> Result<(), ImportError> {
        let now = self.now.as_seconds_f64();
        let rooms = run!(self.old, fetch_all, query_as::<_, OldRoom>, ROOMS, now)?;
        let rows: Vec<NewRoom> = rooms.into_iter().map(|room| self.room(room)).collect();
        self.did(rows.len());
        self.add("rooms", INSERT, &rows).await
    }

    fn room(&mut self, room: OldRoom) -> NewRoom {
        self.sequences.insert(room.id, room.message_sequence);
        let mut image = room.image;
        if image.is_some() && room.image_room.is_none() {
            image = None;
            self.report.found(Check::LostImage, &room.token);
            self.changed_rooms.insert(room.id);
        } else if image.is_some() && room.image_room != Some(room.id) {
            self.report.found(Check::ForeignImage, &room.token);
        }
        if room.name.contains('\0') || room.description.as_deref().is_some_and(|text| text.contains('\0')) {
            self.report.found(Check::Nul, &room.token);
        }
        NewRoom {
            id: room.id,
            token_key: room.token.to_ascii_lowercase(),
            token: room.token,
            name: without_nul(room.name),
            description: room.description.map(without_nul),
            image,
            created: nanos(room.created),
            message_sequence: room.message_sequence,
            info_updates: room.info_updates,
            active_users: room.active_users,
            read: room.read != 0,
            accessible: room.accessible != 0,
            write: room.write != 0,
            upload: room.upload != 0,
        }
    }

    /// Lets no counter be below what it has counted, and apps fetch again what is not as they know it.
    pub(super) async fn counters(&mut self) -> Result<(), ImportError> {
        let highest: HashMap<i64, i64> = std::mem::take(&mut self.highest);
        for (room, seqno) in highest {
            let counter = self.sequences.get(&room).copied().unwrap_or(0);
            if counter >= seqno {
                continue;
            }
            self.report
                .found(Check::SequenceRaised, format!("room {room}: {counter} to {seqno}"));
            if let Some(write) = &mut self.write {
                run!(write.tx, execute, query, RAISE, room, seqno)?;
            }
        }
        let changed: Vec<i64> = match self.all_rooms_changed {
            true => self.sequences.keys().copied().collect(),
            false => self.changed_rooms.iter().copied().collect(),
        };
        if let Some(write) = &mut self.write {
            for room in changed {
                run!(write.tx, execute, query, TELL, room)?;
            }
        }
        Ok(())
    }
}
