//! Ids on the command line, and the people they stand for.

use anyhow::Result;
use shared::crypto::UserId;

use crate::model::User;
use crate::store::Write;

/// Somebody who was named, and as whom the server knows them.
pub(super) struct Person {
    pub(super) user: User,
    given: UserId,
}

impl Person {
    /// The people of these ids, each of them once; those that the server has not met yet are noted down.
    pub(super) async fn named(write: &mut Write, ids: &[UserId]) -> Result<Vec<Self>> {
        let mut people: Vec<Self> = Vec::new();
        for given in ids {
            let user = write.named(given).await?;
            if people.iter().all(|person| person.user.no != user.no) {
                people.push(Self { user, given: *given });
            }
        }
        Ok(people)
    }
}

impl std::fmt::Display for Person {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.user.session_id)?;
        if self.user.session_id != self.given.to_string() {
            write!(formatter, " ({})", self.given)?;
        }
        Ok(())
    }
}
