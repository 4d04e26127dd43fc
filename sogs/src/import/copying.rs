//! All rows, one table after the other. Without a database to write to, everything is looked at all the same.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;
use shared::clock::Timestamp;
use shared::crypto::X25519Public;
use shared::db::PerDialect;
use shared::run;

use super::database::OldDatabase;
use super::files::Found;
use super::people::People;
use super::report::{Check, Report};
use super::rows::json;
use super::schema::Shape;
use super::{ImportError, Progress};
use crate::settings::Settings;
use crate::store::Write;

/// Rows on their way.
pub(super) struct Copying<'a> {
    pub(super) old: &'a mut OldDatabase,
    pub(super) shape: Shape,
    /// Where they go; nowhere, if they are only looked at.
    pub(super) write: Option<Write>,
    pub(super) settings: &'a Settings,
    pub(super) key: &'a X25519Public,
    pub(super) now: Timestamp,
    pub(super) seed: &'a str,
    pub(super) found: &'a Found,
    pub(super) report: &'a mut Report,
    pub(super) progress: &'a mut (dyn Progress + Send),
    pub(super) people: People,
    /// Messages that are not taken over.
    pub(super) broken_messages: HashSet<i64>,
    /// Reactions that are not taken over although people give them.
    pub(super) odd_reactions: HashSet<i64>,
    /// The counter of each room.
    pub(super) sequences: HashMap<i64, i64>,
    /// The highest that a message of the room has of it.
    pub(super) highest: HashMap<i64, i64>,
    /// Rooms whose details are not as apps know them.
    pub(super) changed_rooms: BTreeSet<i64>,
    pub(super) all_rooms_changed: bool,
    stage: Stage,
}

/// The table at work.
#[derive(Default)]
struct Stage {
    name: &'static str,
    total: u64,
    done: u64,
}

/// The largest id, and on PostgreSQL the largest that was ever given.
macro_rules! highest {
    ($table:literal) => {
        PerDialect {
            sqlite: concat!("SELECT COALESCE(MAX(id), 0) FROM ", $table),
            postgres: concat!(
                "SELECT CAST(GREATEST((SELECT COALESCE(MAX(id), 0) FROM ",
                $table,
                "),
                    COALESCE(pg_sequence_last_value(CAST(pg_get_serial_sequence('",
                $table,
                "', 'id') AS regclass)), 0))
                    AS BIGINT)"
            ),
        }
    };
}

const HIGHEST_MESSAGE: PerDialect = highest!("messages");
const HIGHEST_FILE: PerDialect = highest!("files");
const HIGHEST_LETTER: PerDialect = highest!("inbox");
const HIGHEST_REACTION: PerDialect = highest!("reactions");
const HIGHEST_USER: PerDialect = highest!("users");
const HIGHEST_ROOM: PerDialect = highest!("rooms");

impl<'a> Copying<'a> {
    #[expect(clippy::too_many_arguments, reason = "all that the work is about, once")]
    pub(super) fn new(
        old: &'a mut OldDatabase,
        shape: Shape,
        write: Option<Write>,
        settings: &'a Settings,
        key: &'a X25519Public,
        now: Timestamp,
        seed: &'a str,
        found: &'a Found,
        report: &'a mut Report,
        progress: &'a mut (dyn Progress + Send),
    ) -> Self {
        Self {
            old,
            shape,
            write,
            settings,
            key,
            now,
            seed,
            found,
            report,
            progress,
            people: People::default(),
            broken_messages: HashSet::new(),
            odd_reactions: HashSet::new(),
            sequences: HashMap::new(),
            highest: HashMap::new(),
            changed_rooms: BTreeSet::new(),
            all_rooms_changed: false,
            stage: Stage::default(),
        }
    }

    /// Takes everything over. What refers to something comes after it.
    pub(super) async fn all(mut self) -> Result<Option<Write>, ImportError> {
        self.begin("rooms", "SELECT COUNT(*) FROM rooms").await?;
        self.rooms().await?;
        self.begin("people", "SELECT COUNT(*) FROM users WHERE id <> 0").await?;
        self.people().await?;
        self.begin("permissions in rooms", "SELECT COUNT(*) FROM user_permission_overrides")
            .await?;
        self.overrides().await?;
        self.end();
        self.schedules().await?;
        self.pending().await?;
        self.begin("messages", "SELECT COUNT(*) FROM messages").await?;
        self.messages().await?;
        self.begin("earlier versions", "SELECT COUNT(*) FROM message_history")
            .await?;
        self.history().await?;
        if self.shape.reactions {
            self.begin("reactions", "SELECT COUNT(*) FROM reactions").await?;
            self.reactions().await?;
            self.begin("people's reactions", "SELECT COUNT(*) FROM user_reactions")
                .await?;
            self.reactors().await?;
            self.reserve("reactions", HIGHEST_REACTION).await?;
        }
        self.begin("pins", "SELECT COUNT(*) FROM pinned_messages").await?;
        self.pins().await?;
        self.begin("rows of files", "SELECT COUNT(*) FROM files").await?;
        self.files().await?;
        if self.shape.former_files {
            self.begin("former ids of files", "SELECT COUNT(*) FROM file_id_hacks")
                .await?;
            self.former_file_ids().await?;
        }
        if self.shape.inbox {
            self.begin("direct messages", "SELECT COUNT(*) FROM inbox").await?;
            self.letters().await?;
            let highest = self.old.number(HIGHEST_LETTER).await?;
            if let Some(write) = &mut self.write {
                write.reserve_direct_ids(highest).await?;
            }
        }
        self.begin("visits to rooms", "SELECT COUNT(*) FROM room_users").await?;
        self.visits().await?;
        if self.shape.nonces {
            self.begin("nonces", "SELECT COUNT(*) FROM user_request_nonces").await?;
            self.nonces().await?;
        }
        self.end();
        self.counters().await?;
        self.reserve("messages", HIGHEST_MESSAGE).await?;
        self.reserve("files", HIGHEST_FILE).await?;
        self.reserve("users", HIGHEST_USER).await?;
        self.reserve("rooms", HIGHEST_ROOM).await?;
        Ok(self.write)
    }

    /// Sees that ids of the old server are not given again.
    async fn reserve(&mut self, table: &'static str, highest: PerDialect) -> Result<(), ImportError> {
        let highest = self.old.number(highest).await?;
        if let Some(write) = &mut self.write {
            write.reserve_ids(table, highest).await?;
        }
        Ok(())
    }

    /// Goes on to a table.
    async fn begin(&mut self, name: &'static str, count: &'static str) -> Result<(), ImportError> {
        self.end();
        let total = self.old.number(count).await?.unsigned_abs();
        self.stage = Stage { name, total, done: 0 };
        self.progress.begin(name, total);
        Ok(())
    }

    /// Rows that were never seen refer to something that is not there.
    fn end(&mut self) {
        let Stage { name, total, done } = std::mem::take(&mut self.stage);
        if done < total {
            self.report
                .found(Check::Dangling, format!("{} rows of {name}", total - done));
        }
    }

    /// Notes that so many more rows of the table were looked at.
    pub(super) fn did(&mut self, rows: usize) {
        self.stage.done += rows as u64;
        self.progress.done(rows as u64);
    }

    /// Adds rows, and counts them.
    pub(super) async fn add<T: Serialize + Sync>(
        &mut self,
        kind: &'static str,
        text: PerDialect,
        rows: &[T],
    ) -> Result<(), ImportError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.report.took(kind, rows.len());
        if let Some(write) = &mut self.write {
            run!(write.tx, execute, query, text, json(rows))?;
        }
        Ok(())
    }
}
