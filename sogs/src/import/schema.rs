//! Which version of PySOGS has made a database (`pysogs-import.md` section 6). It does not say so itself; its columns do.

use std::collections::HashSet;
use std::path::Path;

use shared::db::PerDialect;
use shared::run;

use super::ImportError;
use super::database::OldDatabase;

/// What a database has; what it lacks has a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) counters: Counters,
    pub(super) files_of_messages: bool,
    pub(super) reactions: bool,
    pub(super) permission_futures: bool,
    pub(super) ban_futures: bool,
    pub(super) needs_blinding: bool,
    pub(super) inbox: bool,
    pub(super) nonces: bool,
    pub(super) former_files: bool,
}

/// What is counted of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counters {
    /// One number, before 0.3.1.
    One,
    /// Content and reactions apart, up to 0.3.4.
    Two,
    /// And when they were posted.
    Three,
}

const COLUMNS: PerDialect = PerDialect {
    sqlite: "SELECT name FROM pragma_table_info($1)",
    postgres: "SELECT CAST(column_name AS TEXT)
        FROM information_schema.columns
        WHERE table_name = $1 AND table_schema = ANY (current_schemas(FALSE))",
};

/// In early versions the column for the message referred to rooms by mistake.
const MISDIRECTED: PerDialect = PerDialect {
    sqlite: r#"SELECT COUNT(*) FROM pragma_foreign_key_list('files') WHERE "from" = 'message' AND "table" = 'rooms'"#,
    postgres: "SELECT CAST(0 AS BIGINT)",
};

const BEFORE_0_3: &str = "before 0.3";

/// Finds out what a database has.
pub(super) async fn recognise(old: &mut OldDatabase, shown: &str) -> Result<Shape, ImportError> {
    let rooms = columns(old, "rooms").await?;
    let messages = columns(old, "messages").await?;
    for (table, found) in [("rooms", &rooms), ("messages", &messages)] {
        if found.is_empty() {
            return Err(ImportError::NotPysogs(shown.to_owned(), table));
        }
    }
    if rooms.contains("updates") || messages.contains("updated") {
        return Err(ImportError::TooOld("0.2"));
    }
    if !rooms.contains("message_sequence") || !rooms.contains("accessible") || !messages.contains("seqno") {
        return Err(ImportError::TooOld(BEFORE_0_3));
    }
    for table in [
        "users",
        "user_permission_overrides",
        "files",
        "pinned_messages",
        "message_history",
        "room_users",
    ] {
        if columns(old, table).await?.is_empty() {
            return Err(ImportError::NotPysogs(shown.to_owned(), table));
        }
    }
    let permissions = columns(old, "user_permission_futures").await?;
    if permissions.contains("banned") {
        return Err(ImportError::TooOld("0.2"));
    }
    let files = columns(old, "files").await?;
    let misdirected = old.number(MISDIRECTED).await? > 0;
    Ok(Shape {
        counters: match (
            messages.contains("seqno_reactions"),
            messages.contains("seqno_creation"),
        ) {
            (false, _) => Counters::One,
            (true, false) => Counters::Two,
            (true, true) => Counters::Three,
        },
        files_of_messages: files.contains("message") && !misdirected,
        reactions: has(old, "user_reactions").await? && has(old, "reactions").await?,
        permission_futures: !permissions.is_empty(),
        ban_futures: has(old, "user_ban_futures").await?,
        needs_blinding: has(old, "needs_blinding").await?,
        inbox: has(old, "inbox").await?,
        nonces: has(old, "user_request_nonces").await?,
        former_files: has(old, "file_id_hacks").await?,
    })
}

async fn has(old: &mut OldDatabase, table: &str) -> Result<bool, ImportError> {
    Ok(!columns(old, table).await?.is_empty())
}

async fn columns(old: &mut OldDatabase, table: &str) -> Result<HashSet<String>, ImportError> {
    let names = run!(old, fetch_all, query_scalar::<_, String>, COLUMNS, table)?;
    Ok(names.into_iter().collect())
}

/// Whether a folder holds a server of version 0.1, which had no database for all rooms.
pub(super) fn is_oldest(folder: &Path) -> bool {
    folder.join("database.db").is_file()
}
