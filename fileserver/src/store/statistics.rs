//! How many different accounts check for versions, by day, without keeping who.
//!
//! A visitor is stored as a hash keyed with a random salt of the day. When the day is over the salt is thrown away, and
//! with it the only way to tell whether an id was among the visitors; the rows then are nothing but a count.

use shared::clock::Timestamp;
use shared::crypto::{self, hash::blake2b_keyed};
use shared::db::DbError;
use shared::run;

use super::Store;
use crate::model::{Channel, Platform};

const DAY_SECONDS: i64 = 86_400;

/// How many days counts are kept.
pub const KEPT_DAYS: u32 = 30;

/// How many different accounts asked on one day.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct CheckCount {
    /// Days since the epoch.
    pub day: i64,
    /// The app.
    pub platform: String,
    /// The channel.
    pub channel: String,
    /// Different accounts.
    pub visitors: i64,
}

const NEW_DAY: &str = "INSERT INTO version_days (day, salt) VALUES ($1, $2) ON CONFLICT (day) DO NOTHING";

const SALT: &str = "SELECT salt FROM version_days WHERE day = $1";

const COUNT_ONE: &str = "INSERT INTO version_checks (day, platform, channel, visitor)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING";

const FORGET_SALTS: &str = "UPDATE version_days SET salt = NULL WHERE day < $1 AND salt IS NOT NULL";

const FORGET_DAYS: &str = "DELETE FROM version_days WHERE day < $1";

const COUNTS: &str = "SELECT day, platform, channel, COUNT(*) AS visitors
    FROM version_checks
    GROUP BY day, platform, channel
    ORDER BY day, platform, channel";

fn day(now: Timestamp) -> i64 {
    now.as_seconds().div_euclid(DAY_SECONDS)
}

impl Store {
    /// Counts a version check by this account; the second one of a day changes nothing.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn count_version_check(
        &self,
        visitor: &[u8],
        platform: Platform,
        channel: Channel,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let fresh: [u8; 32] = crypto::random();
        let mut tx = self.db.write().await?;
        let day = day(now);
        run!(tx, execute, query, NEW_DAY, day, fresh.as_slice())?;
        let salt = run!(tx, fetch_one, query_scalar::<_, Option<Vec<u8>>>, SALT, day)?;
        if let Some(salt) = salt {
            let visitor = blake2b_keyed::<16>(&[visitor], &salt);
            let (platform, channel) = (platform.name(), channel.name());
            run!(
                tx,
                execute,
                query,
                COUNT_ONE,
                day,
                platform,
                channel,
                visitor.as_slice()
            )?;
        }
        tx.commit().await
    }

    /// Throws away the salts of days that are over, and counts older than [`KEPT_DAYS`].
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn forget_old_checks(&self, now: Timestamp) -> Result<(), DbError> {
        let mut tx = self.db.write().await?;
        run!(tx, execute, query, FORGET_SALTS, day(now))?;
        run!(tx, execute, query, FORGET_DAYS, day(now) - i64::from(KEPT_DAYS))?;
        tx.commit().await
    }

    /// The counts that are kept.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn version_checks(&self) -> Result<Vec<CheckCount>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_as::<_, CheckCount>, COUNTS)
    }
}
