//! Blocked ids: not served, and their bytes not taken again.

use shared::clock::Timestamp;
use shared::db::DbError;
use shared::run;

use super::Store;
use crate::model::FileId;

/// A blocked id.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Blocked {
    /// The id.
    pub id: String,
    /// Since when, in nanoseconds since the epoch.
    pub since: i64,
    /// What the operator wrote down.
    pub note: String,
}

const BLOCK: &str = "INSERT INTO blocked (id, since, note)
    VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET note = excluded.note";

const CONTENT: &str = "SELECT content FROM files WHERE id = $1";

const UNBLOCK: &str = "DELETE FROM blocked
    WHERE id = $1 OR id = (SELECT content FROM files WHERE id = $1)";

const IS_BLOCKED: &str = "SELECT COUNT(*) FROM blocked WHERE id = $1";

const LIST: &str = "SELECT id, since, note FROM blocked ORDER BY since, id";

impl Store {
    /// Blocks an id. If there is a file under a numeric id, its content is blocked too. The answer lists what is
    /// blocked.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn block(&self, id: &FileId, note: &str, now: Timestamp) -> Result<Vec<String>, DbError> {
        let mut tx = self.db.write().await?;
        let content = run!(tx, fetch_optional, query_scalar::<_, String>, CONTENT, id.as_str())?;
        let mut ids = vec![id.to_string()];
        ids.extend(content.filter(|content| content != id.as_str()));
        for id in &ids {
            run!(tx, execute, query, BLOCK, id.as_str(), now.as_nanos(), note)?;
        }
        tx.commit().await?;
        Ok(ids)
    }

    /// Unblocks an id, and for a numeric one the content that was blocked with it. The answer says whether anything was
    /// blocked.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn unblock(&self, id: &FileId) -> Result<bool, DbError> {
        let mut tx = self.db.write().await?;
        let rows = run!(tx, execute, query, UNBLOCK, id.as_str())?;
        tx.commit().await?;
        Ok(rows > 0)
    }

    /// Whether this very id is blocked.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn is_blocked(&self, id: &FileId) -> Result<bool, DbError> {
        let mut tx = self.db.read().await?;
        Ok(run!(tx, fetch_one, query_scalar::<_, i64>, IS_BLOCKED, id.as_str())? > 0)
    }

    /// All blocked ids, the longest blocked first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn blocked(&self) -> Result<Vec<Blocked>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_as::<_, Blocked>, LIST)
    }
}
