//! What checking and repairing needs: rows as they stand, whether they are served or not.

use shared::db::DbError;
use shared::filing::doom;
use shared::run;

use super::Store;
use super::files::{Columns, FileRow};

const COUNT: &str = "SELECT COUNT(*) FROM files";

const ROW: &str = "SELECT id, content, blob, size, uploaded, expires
    FROM files
    WHERE id = $1";

const REMOVE: &str = "DELETE FROM files WHERE id = $1 AND blob = $2";

impl Store {
    /// Number of files, expired ones that are not swept yet included.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn count(&self) -> Result<u64, DbError> {
        let mut tx = self.db.read().await?;
        Ok(run!(tx, fetch_one, query_scalar::<_, i64>, COUNT)?.unsigned_abs())
    }

    /// The row with this id, even if the file has expired or is blocked.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn row(&self, id: &str) -> Result<Option<FileRow>, DbError> {
        let mut tx = self.db.read().await?;
        let row = run!(tx, fetch_optional, query_as::<_, Columns>, ROW, id)?;
        Ok(row.map(Into::into))
    }

    /// Takes a row away, unless its file has other bytes by now, and dooms the bytes. The answer says whether it did.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn remove_row(&self, id: &str, blob: &str) -> Result<bool, DbError> {
        let mut tx = self.db.write().await?;
        let removed = run!(tx, execute, query, REMOVE, id, blob)? > 0;
        if removed {
            doom(&mut tx, blob).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }
}
