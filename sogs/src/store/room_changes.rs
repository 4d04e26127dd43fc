//! Changing what a room is called, looks like and grants.

use std::time::Duration;

use serde_json::{Value, json};
use shared::db::DbError;
use shared::run;

use super::{RoomRow, Write};
use crate::model::{Action, RoomNo};

/// What is to be changed about a room; `None` leaves things as they are.
#[derive(Clone, Debug, Default)]
pub struct RoomChange {
    /// The name.
    pub name: Option<String>,
    /// The description; `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// Default permission.
    pub read: Option<bool>,
    /// Default permission.
    pub accessible: Option<bool>,
    /// Default permission.
    pub write: Option<bool>,
    /// Default permission.
    pub upload: Option<bool>,
    /// Posts of one person within an interval: how many (0 for no limit) and how long that is.
    pub rate_limit: Option<(u32, Duration)>,
    /// What of it browsers can see.
    pub web: WebChange,
}

/// What browsers are to see of a room from now on; `None` leaves things as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebChange {
    /// That there is one.
    pub index: Option<bool>,
    /// How to join it.
    pub page: Option<bool>,
    /// Its messages.
    pub messages: Option<bool>,
    /// The feed of them.
    pub feed: Option<bool>,
}

const FIND_BY_NUMBER: &str =
    "SELECT id, token, name, description, image, created, message_sequence, info_updates, active_users,
        read, accessible, write, upload, rate_limit_size, rate_limit_interval,
        web_index, web_page, web_messages, web_feed
    FROM rooms
    WHERE id = $1";

const SET_NAME: &str = "UPDATE rooms SET name = $2, info_updates = info_updates + 1 WHERE id = $1 AND name <> $2";

const SET_DESCRIPTION: &str = "UPDATE rooms
    SET description = $2, info_updates = info_updates + 1
    WHERE id = $1 AND COALESCE(description, '') <> COALESCE($2, '')";

const SET_DEFAULTS: &str = "UPDATE rooms
    SET read = COALESCE($2, read), accessible = COALESCE($3, accessible),
        write = COALESCE($4, write), upload = COALESCE($5, upload)
    WHERE id = $1";

const SET_RATE_LIMIT: &str = "UPDATE rooms SET rate_limit_size = $2, rate_limit_interval = $3 WHERE id = $1";

const SET_WEB: &str = "UPDATE rooms
    SET web_index = COALESCE($2, web_index), web_page = COALESCE($3, web_page),
        web_messages = COALESCE($4, web_messages), web_feed = COALESCE($5, web_feed)
    WHERE id = $1";

const IS_FILE_OF_ROOM: &str = "SELECT COUNT(*)
    FROM files
    WHERE id = $1 AND room = $2 AND (expiry IS NULL OR expiry > $3)";

const IMAGE: &str = "SELECT image FROM rooms WHERE id = $1";

const SET_IMAGE: &str = "UPDATE rooms SET image = $2, info_updates = info_updates + 1 WHERE id = $1";

const KEEP_FILE: &str = "UPDATE files SET expiry = NULL WHERE id = $1";

/// A former image lives as long as any attachment while a message has it, for ever if that is pinned, else it is gone.
const RELEASE_IMAGE: &str = "UPDATE files
    SET expiry = CASE
        WHEN NOT EXISTS (SELECT 1 FROM messages WHERE messages.id = files.message AND data IS NOT NULL) THEN 0
        WHEN EXISTS (SELECT 1 FROM pins WHERE pins.message = files.message) THEN NULL
        ELSE uploaded + $2
    END
    WHERE id = $1";

impl Write {
    /// Changes a room and answers its `info_updates` then, which grows by one for the name and for the description if
    /// they really change. `None` if the room is gone.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn change_room(&mut self, room: RoomNo, change: &RoomChange) -> Result<Option<i64>, DbError> {
        if !self.lock_rooms(&[room]).await? {
            return Ok(None);
        }
        let before = run!(self.tx, fetch_one, query_as::<_, RoomRow>, FIND_BY_NUMBER, room.0)?;
        if let Some(name) = &change.name {
            run!(self.tx, execute, query, SET_NAME, room.0, name)?;
        }
        if let Some(description) = &change.description {
            run!(self.tx, execute, query, SET_DESCRIPTION, room.0, description)?;
        }
        let RoomChange {
            read,
            accessible,
            write,
            upload,
            ..
        } = change;
        run!(
            self.tx,
            execute,
            query,
            SET_DEFAULTS,
            room.0,
            *read,
            *accessible,
            *write,
            *upload
        )?;
        if let Some((size, interval)) = change.rate_limit {
            let interval = i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX);
            run!(
                self.tx,
                execute,
                query,
                SET_RATE_LIMIT,
                room.0,
                i64::from(size),
                interval
            )?;
        }
        let WebChange {
            index,
            page,
            messages,
            feed,
        } = change.web;
        run!(self.tx, execute, query, SET_WEB, room.0, index, page, messages, feed)?;
        self.directory_changes();
        let now = run!(self.tx, fetch_one, query_as::<_, RoomRow>, FIND_BY_NUMBER, room.0)?;
        self.note_differences(room, &before, &now);
        Ok(Some(now.info_updates))
    }

    /// What a room is called and grants is known to everybody; of its description it is only told that it is another.
    fn note_differences(&mut self, room: RoomNo, before: &RoomRow, now: &RoomRow) {
        let mut changed = Vec::new();
        if before.name != now.name {
            changed.push(("name", Value::from(now.name.as_str())));
        }
        if before.description.as_deref().unwrap_or_default() != now.description.as_deref().unwrap_or_default() {
            changed.push(("description", "changed".into()));
        }
        let flags = [
            ("read", before.read, now.read),
            ("accessible", before.accessible, now.accessible),
            ("write", before.write, now.write),
            ("upload", before.upload, now.upload),
            ("web_index", before.web_index, now.web_index),
            ("web_page", before.web_page, now.web_page),
            ("web_messages", before.web_messages, now.web_messages),
            ("web_feed", before.web_feed, now.web_feed),
        ];
        changed.extend(
            flags
                .iter()
                .filter(|(_, before, now)| before != now)
                .map(|(name, _, now)| (*name, (*now).into())),
        );
        let limit = |row: &RoomRow| (row.rate_limit_size, row.rate_limit_interval);
        if limit(before) != limit(now) {
            let seconds = Duration::from_nanos(now.rate_limit_interval.unsigned_abs()).as_secs_f64();
            changed.push((
                "rate_limit",
                json!({ "posts": now.rate_limit_size, "seconds": seconds }),
            ));
        }
        if !changed.is_empty() {
            let detail = self.note(Action::RoomChange, Some(room), None);
            for (name, value) in changed {
                detail.set(name, value);
            }
        }
    }

    /// Makes a file of the room its image; false if there is no such file. The same image again changes nothing. The
    /// former image lives on for `lifetime` after its upload while a message has it (`None`: for ever), else it is gone.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn set_image(&mut self, room: RoomNo, file: i64, lifetime: Option<Duration>) -> Result<bool, DbError> {
        let now = self.now.as_nanos();
        if !self.lock_rooms(&[room]).await? {
            return Ok(false);
        }
        if run!(
            self.tx,
            fetch_one,
            query_scalar::<_, i64>,
            IS_FILE_OF_ROOM,
            file,
            room.0,
            now
        )? == 0
        {
            return Ok(false);
        }
        let former = run!(self.tx, fetch_one, query_scalar::<_, Option<i64>>, IMAGE, room.0)?;
        if former == Some(file) {
            return Ok(true);
        }
        if run!(self.tx, execute, query, KEEP_FILE, file)? == 0 {
            return Ok(false);
        }
        run!(self.tx, execute, query, SET_IMAGE, room.0, file)?;
        if let Some(former) = former {
            let lifetime = lifetime.and_then(|span| i64::try_from(span.as_nanos()).ok());
            run!(self.tx, execute, query, RELEASE_IMAGE, former, lifetime)?;
        }
        self.note(Action::RoomChange, Some(room), None).set("image", file);
        self.directory_changes();
        Ok(true)
    }
}
