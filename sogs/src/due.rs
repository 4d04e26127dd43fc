//! Permissions and bans whose time has come.

use shared::db::DbError;

use crate::app::Community;

impl Community {
    /// Does everything that is due, person by person, each in a change of their own. Answers how many things that were.
    ///
    /// # Errors
    ///
    /// When the database fails; what was done before stays done.
    pub async fn apply_due(&self) -> Result<usize, DbError> {
        let mut applied = 0;
        loop {
            let mut write = self.store.write(self.clock.now()).await?;
            let Some(done) = write.apply_due().await? else {
                return Ok(applied);
            };
            self.take_note(&write.commit().await?);
            applied += done;
        }
    }
}
