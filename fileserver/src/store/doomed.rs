//! Blobs whose row is gone. They are written down in the same transaction that takes the row away, so that a crash
//! between the two leaves nothing behind.

use shared::db::{DbError, PerDialect};
use shared::run;

use super::Store;

const DOOMED: &str = "SELECT blob FROM doomed WHERE blob > $1 ORDER BY blob LIMIT $2";

const FORGET: PerDialect = PerDialect {
    sqlite: "DELETE FROM doomed WHERE blob IN (SELECT value FROM json_each($1))",
    postgres: "DELETE FROM doomed WHERE blob IN (SELECT jsonb_array_elements_text($1::jsonb))",
};

const UNKNOWN: PerDialect = PerDialect {
    sqlite: "SELECT value FROM json_each($1)
        WHERE value NOT IN (SELECT blob FROM files) AND value NOT IN (SELECT blob FROM doomed)",
    postgres: "SELECT value FROM jsonb_array_elements_text($1::jsonb) AS value
        WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.blob = value)
          AND NOT EXISTS (SELECT 1 FROM doomed WHERE doomed.blob = value)",
};

impl Store {
    /// Up to `most` blobs that are to be deleted and that follow `after`, in the order of the database; begin with an
    /// empty text.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn doomed(&self, after: &str, most: u32) -> Result<Vec<String>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_scalar::<_, String>, DOOMED, after, i64::from(most))
    }

    /// Strikes deleted blobs off the list.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn forget_doomed(&self, blobs: &[String]) -> Result<(), DbError> {
        let mut tx = self.db.write().await?;
        run!(tx, execute, query, FORGET, json(blobs))?;
        tx.commit().await
    }

    /// Those of the given blobs that no file has and that are not to be deleted already.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn without_row(&self, blobs: &[String]) -> Result<Vec<String>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_all, query_scalar::<_, String>, UNKNOWN, json(blobs))
    }
}

fn json(blobs: &[String]) -> String {
    serde_json::Value::from(blobs).to_string()
}
