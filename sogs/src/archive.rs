//! What backups have to know about a community server.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use shared::archive::{Fault, Server, State};
use shared::clock::Timestamp;
use shared::db::{Database, DbError, Migrations, Tables, Tx};
use shared::filing::{Filed, Shelf};
use shared::run;

use crate::keys;
use crate::store::MIGRATIONS;

/// Tables whose content belongs to one database and its files, and not to the community.
const NOT_COPIED: [&str; 2] = ["installation", "doomed"];

/// By how much the numbers that a restored server hands out next lie above those of the backup: this much, and so many
/// more for each second since it was made. Nobody posts as fast as that.
const GAP: i64 = 1_000_000;
const GAP_PER_SECOND: i64 = 10;

const COUNTS: [(&str, &str); 4] = [
    ("rooms", "SELECT COUNT(*) FROM rooms"),
    ("messages", "SELECT COUNT(*) FROM messages WHERE data IS NOT NULL"),
    ("users", "SELECT COUNT(*) FROM users WHERE id <> 0"),
    ("direct_messages", "SELECT COUNT(*) FROM direct_messages"),
];

/// The server itself is among the people.
const IN_THE_WAY: [(&str, &str); 4] = [
    ("rooms", "SELECT COUNT(*) FROM rooms"),
    ("files", "SELECT COUNT(*) FROM files"),
    ("users", "SELECT COUNT(*) FROM users WHERE id <> 0"),
    ("former rooms", "SELECT COUNT(*) FROM former_rooms"),
];

const LEAVE_OUT: &str = "DELETE FROM files WHERE blob = $1";

const LOSE_IMAGE: &str = "UPDATE rooms SET image = NULL WHERE image NOT IN (SELECT id FROM files)";

const BEYOND: [&str; 3] = [
    "UPDATE rooms SET message_sequence = message_sequence + $1, info_updates = info_updates + $1",
    "UPDATE former_rooms SET message_sequence = message_sequence + $1, info_updates = info_updates + $1",
    "UPDATE server SET generation = generation + $1, direct_message_sequence = direct_message_sequence + $1",
];

/// Backups of community servers.
#[derive(Clone, Copy, Debug)]
pub struct Archive;

impl Shelf for Archive {
    const PAGE: &'static str = "SELECT CAST(id AS TEXT) AS id, blob, size AS bytes, '' AS content, expiry AS ends
        FROM files
        WHERE blob > $1
        ORDER BY blob
        LIMIT $2";
    const ONE: &'static str = "SELECT CAST(id AS TEXT) AS id, blob, size AS bytes, '' AS content, expiry AS ends
        FROM files
        WHERE blob = $1";
}

impl Server for Archive {
    const NAME: &'static str = "sogs";
    const KEYS: &'static [&'static str] = &[keys::FILE];
    const MIGRATIONS: Migrations = MIGRATIONS;

    fn public_key(&self, folder: &Path) -> Result<String, Fault> {
        Ok(keys::read(folder)?.public().to_string())
    }

    async fn save(&self, from: &Database, into: &Database, _now: Timestamp) -> Result<State, DbError> {
        copy(from, into, 0).await
    }

    /// Apps go on from the numbers that they saw last, which the backup may not know of. Were those handed out again,
    /// apps would skip what has them, or take it for something else. So what comes next is numbered far above.
    async fn bring_back(
        &self,
        from: &Database,
        into: &Database,
        made: Timestamp,
        now: Timestamp,
    ) -> Result<State, DbError> {
        copy(from, into, gap(now.since(made))).await
    }

    async fn leave_out(&self, rows: &Database, file: &Filed) -> Result<(), DbError> {
        let mut tx = rows.write().await?;
        run!(tx, execute, query, LEAVE_OUT, &file.blob)?;
        run!(tx, execute, query, LOSE_IMAGE)?;
        tx.commit().await
    }

    async fn in_the_way(&self, database: &Database) -> Result<Option<String>, DbError> {
        let mut tx = database.read().await?;
        for (what, count) in IN_THE_WAY {
            let count = run!(tx, fetch_one, query_scalar::<_, i64>, count)?;
            if count > 0 {
                return Ok(Some(format!("{count} {what}")));
            }
        }
        Ok(None)
    }

    /// Rows say nothing about the content.
    async fn is_whole(&self, _file: &Filed, _bytes: &Bytes) -> bool {
        true
    }
}

/// How far a server that lost so much time jumps ahead.
fn gap(lost: Duration) -> i64 {
    let seconds = i64::try_from(lost.as_secs()).unwrap_or(i64::MAX);
    GAP.saturating_add(seconds.saturating_mul(GAP_PER_SECOND))
}

async fn copy(from: &Database, into: &Database, gap: i64) -> Result<State, DbError> {
    let (mut from, mut into) = (from.read().await?, into.write().await?);
    let tables = Tables {
        except: &NOT_COPIED,
        gap,
    };
    tables.copy(&mut from, &mut into).await?;
    for statement in BEYOND {
        run!(into, execute, query, statement, gap)?;
    }
    let state = count(&mut into).await?;
    into.commit().await?;
    Ok(state)
}

async fn count(tx: &mut Tx) -> Result<State, DbError> {
    let mut state = State::new();
    for (what, statement) in COUNTS {
        let count = run!(tx, fetch_one, query_scalar::<_, i64>, statement)?;
        state.insert(what.to_owned(), count.unsigned_abs());
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_ago_the_backup_the_further_the_jump() {
        assert_eq!(gap(Duration::ZERO), 1_000_000);
        assert_eq!(gap(Duration::from_secs(7 * 86_400)), 7_048_000);
        assert_eq!(gap(Duration::MAX), i64::MAX);
    }
}
