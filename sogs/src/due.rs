//! Permissions and bans whose time has come.

use shared::db::DbError;

use crate::app::Community;
use crate::model::UserNo;

impl Community {
    /// Does everything that is due, person by person, each in a change of their own. Answers how many things that were.
    /// A change that cannot be made keeps nobody else waiting.
    ///
    /// # Errors
    ///
    /// When the database fails; whatever else was due is done all the same, unless the database cannot be reached.
    pub async fn apply_due(&self) -> Result<usize, DbError> {
        let (mut applied, mut failure, mut skipped) = (0, None, Vec::new());
        while let Some(person) = self.store.next_due(self.clock.now(), &skipped).await? {
            match self.apply_due_for(person).await {
                Ok(done) if done > 0 => applied += done,
                // Somebody else was faster.
                Ok(_) => skipped.push(person),
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => {
                    skipped.push(person);
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(applied), Err)
    }

    async fn apply_due_for(&self, person: UserNo) -> Result<usize, DbError> {
        let mut write = self.store.write(self.clock.now()).await?;
        let done = write.apply_due(person).await?;
        self.take_note(&write.commit().await?);
        Ok(done)
    }
}
