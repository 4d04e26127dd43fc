//! Direct messages.

use shared::db::DbError;
use shared::run;

use super::Store;
use crate::model::UserNo;

/// The ids of the latest direct messages of a person; 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latest {
    /// Of those they received.
    pub inbox: i64,
    /// Of those they sent.
    pub outbox: i64,
}

const LATEST: &str = "SELECT
        COALESCE((SELECT MAX(id) FROM direct_messages WHERE recipient = $1), 0),
        COALESCE((SELECT MAX(id) FROM direct_messages WHERE sender = $1), 0)";

impl Store {
    /// The ids of somebody's latest direct messages.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn latest_direct(&self, user: UserNo) -> Result<Latest, DbError> {
        let mut tx = self.db.read().await?;
        let (inbox, outbox) = run!(tx, fetch_one, query_as::<_, (i64, i64)>, LATEST, user.0)?;
        Ok(Latest { inbox, outbox })
    }
}
