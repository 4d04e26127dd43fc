//! The name that this database and the place of its files have in common.

use shared::db::DbError;
use shared::run;

use super::Store;

const FIND: &str = "SELECT id FROM installation";

const NAME: &str = "INSERT INTO installation (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING";

impl Store {
    /// The name, if there is one yet.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn installation(&self) -> Result<Option<String>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_optional, query_scalar::<_, String>, FIND)
    }

    /// Gives the database this name unless it has one. The answer is the name it has then.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn name_installation(&self, id: &str) -> Result<String, DbError> {
        let mut tx = self.db.write().await?;
        run!(tx, execute, query, NAME, id)?;
        let name = run!(tx, fetch_one, query_scalar::<_, String>, FIND)?;
        tx.commit().await?;
        Ok(name)
    }
}
