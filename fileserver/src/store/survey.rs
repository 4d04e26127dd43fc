//! Looking over all files: how much there is, and page by page.

use shared::clock::Timestamp;
use shared::db::DbError;
use shared::run;

use super::Store;
use super::files::{Columns, FileRow};

/// How much there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Number of live files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest of them was uploaded.
    pub oldest: Option<Timestamp>,
    /// By the day of upload, the earliest first.
    pub days: Vec<Day>,
}

/// What was uploaded on one day and is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Midnight, UTC, at which the day begins.
    pub start: Timestamp,
    /// Number of live files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

#[derive(sqlx::FromRow)]
struct DayColumns {
    day: i64,
    files: i64,
    bytes: i64,
}

const TOTAL: &str = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM files";

const OLDEST: &str = "SELECT MIN(uploaded) FROM files WHERE expires > $1";

const DAYS: &str = "SELECT uploaded / 86400000000000 AS day, COUNT(*) AS files,
        CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM files
    WHERE expires > $1
    GROUP BY uploaded / 86400000000000
    ORDER BY day";

const PAGE: &str = "SELECT id, content, blob, size, uploaded, expires
    FROM files
    WHERE id > $1
    ORDER BY id
    LIMIT $2";

impl Store {
    /// Bytes of all files, expired ones that are not swept yet included.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn total_bytes(&self) -> Result<u64, DbError> {
        let mut tx = self.db.read().await?;
        Ok(unsigned(run!(tx, fetch_one, query_scalar::<_, i64>, TOTAL)?))
    }

    /// How much there is, as of one moment.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn usage(&self, now: Timestamp) -> Result<Usage, DbError> {
        let mut tx = self.db.read().await?;
        let oldest = run!(tx, fetch_one, query_scalar::<_, Option<i64>>, OLDEST, now.as_nanos())?;
        let days = run!(tx, fetch_all, query_as::<_, DayColumns>, DAYS, now.as_nanos())?;
        let days: Vec<Day> = days
            .into_iter()
            .map(|DayColumns { day, files, bytes }| Day {
                start: Timestamp::from_seconds(day.saturating_mul(86_400)),
                files: unsigned(files),
                bytes: unsigned(bytes),
            })
            .collect();
        Ok(Usage {
            files: days.iter().map(|day| day.files).sum(),
            bytes: days.iter().map(|day| day.bytes).sum(),
            oldest: oldest.map(Timestamp::from_nanos),
            days,
        })
    }

    /// Up to `most` files whose ids follow `after`, in the order of their bytes; begin with an empty text.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn page(&self, after: &str, most: u32) -> Result<Vec<FileRow>, DbError> {
        let mut tx = self.db.read().await?;
        let rows = run!(tx, fetch_all, query_as::<_, Columns>, PAGE, after, i64::from(most))?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
