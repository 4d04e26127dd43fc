//! All rows from one database into another, of whichever kind.

use serde::Serialize;
use shared::clock::Timestamp;
use shared::db::{DbError, PerDialect, Tx};
use shared::run;

use super::Store;
use super::blocked::Blocked;
use super::files::Columns;

/// Rows that are copied at a time.
const BATCH: i64 = 500;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were left out because they had expired.
    pub expired: u64,
    /// Blocked ids.
    pub blocked: u64,
}

#[derive(sqlx::FromRow)]
struct Check {
    platform: String,
    channel: String,
    visitor: Vec<u8>,
}

const FILES: &str = "SELECT id, content, blob, size, uploaded, expires
    FROM files
    WHERE id > $1
    ORDER BY id
    LIMIT $2";

const BLOCKED: &str = "SELECT id, since, note FROM blocked ORDER BY since, id";

const DAYS: &str = "SELECT day FROM version_days ORDER BY day";

const CHECKS: &str = "SELECT platform, channel, visitor
    FROM version_checks
    WHERE day = $1 AND (visitor, platform, channel) > ($2, $3, $4)
    ORDER BY visitor, platform, channel
    LIMIT $5";

const ADD_FILES: PerDialect = PerDialect {
    sqlite: "INSERT INTO files (id, content, blob, size, uploaded, expires)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
        FROM json_each($1)",
    postgres: "INSERT INTO files (id, content, blob, size, uploaded, expires)
        SELECT value ->> 0, value ->> 1, value ->> 2,
            CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT)
        FROM jsonb_array_elements($1::jsonb) AS value",
};

const ADD_BLOCKED: &str = "INSERT INTO blocked (id, since, note)
    VALUES ($1, $2, $3)
    ON CONFLICT (id) DO NOTHING";

const ADD_DAY: &str = "INSERT INTO version_days (day) VALUES ($1) ON CONFLICT (day) DO NOTHING";

const ADD_CHECK: &str = "INSERT INTO version_checks (day, platform, channel, visitor)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING";

impl Store {
    /// Copies what there is at one moment into another database, as one change. Files that have expired are left out,
    /// and so are the salts of version checks, which nobody is to have any more tomorrow.
    ///
    /// # Errors
    ///
    /// When either database fails; the other one is as before then.
    pub async fn copy_into(&self, target: &Self, now: Timestamp) -> Result<Copied, DbError> {
        let mut from = self.db.read().await?;
        let mut into = target.db.write().await?;
        let mut copied = Copied::default();
        files(&mut from, &mut into, now, &mut copied).await?;
        for blocked in run!(from, fetch_all, query_as::<_, Blocked>, BLOCKED)? {
            let Blocked { id, since, note } = blocked;
            run!(into, execute, query, ADD_BLOCKED, id.as_str(), since, note.as_str())?;
            copied.blocked += 1;
        }
        for day in run!(from, fetch_all, query_scalar::<_, i64>, DAYS)? {
            run!(into, execute, query, ADD_DAY, day)?;
            checks(&mut from, &mut into, day).await?;
        }
        into.commit().await?;
        Ok(copied)
    }
}

async fn files(from: &mut Tx, into: &mut Tx, now: Timestamp, copied: &mut Copied) -> Result<(), DbError> {
    let mut after = String::new();
    loop {
        let page = run!(from, fetch_all, query_as::<_, Columns>, FILES, after.as_str(), BATCH)?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        let (live, expired): (Vec<_>, Vec<_>) = page.iter().partition(|row| row.expires > now.as_nanos());
        copied.expired += expired.len() as u64;
        copied.files += live.len() as u64;
        copied.bytes += live.iter().map(|row| row.size.unsigned_abs()).sum::<u64>();
        let rows = live
            .iter()
            .map(|row| (&row.id, &row.content, &row.blob, row.size, row.uploaded, row.expires));
        // Texts and numbers always make JSON.
        let rows = serde_json::to_string(&rows.collect::<Vec<_>>()).unwrap_or_default();
        run!(into, execute, query, ADD_FILES, rows.as_str())?;
    }
}

async fn checks(from: &mut Tx, into: &mut Tx, day: i64) -> Result<(), DbError> {
    let (mut visitor, mut platform, mut channel) = (Vec::new(), String::new(), String::new());
    loop {
        let page = run!(
            from,
            fetch_all,
            query_as::<_, Check>,
            CHECKS,
            day,
            visitor.as_slice(),
            platform.as_str(),
            channel.as_str(),
            BATCH
        )?;
        if page.is_empty() {
            return Ok(());
        }
        for check in page {
            (visitor, platform, channel) = (check.visitor, check.platform, check.channel);
            run!(
                into,
                execute,
                query,
                ADD_CHECK,
                day,
                platform.as_str(),
                channel.as_str(),
                visitor.as_slice()
            )?;
        }
    }
}
