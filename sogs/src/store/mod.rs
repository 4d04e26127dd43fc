//! The rows: everything that is kept but the bytes of files.
//!
//! What only reads is a method of [`Store`]. What changes something is a method of [`Write`], one transaction that is
//! committed as a whole and then tells which caches are out of date.

mod attachments;
mod audit;
mod bans;
mod belongings;
mod blinding;
mod change_error;
mod contradictions;
mod deletion;
mod direct;
mod files;
mod inventory;
mod locks;
mod message_dossier;
mod messages;
mod moving;
mod overrides;
mod permissions;
mod pins;
#[cfg(test)]
mod plans;
mod posting;
mod pulse;
mod reactions;
mod roles;
mod room_changes;
mod rooms;
mod roster;
mod schedule;
mod schedule_list;
mod search;
mod shown;
mod survey;
mod timeouts;
mod upkeep;
mod users;
mod write;

use std::sync::Arc;

use shared::clock::Timestamp;
use shared::crypto::BlindingFactor;
use shared::db::{Database, DbError, DbOptions, Migrations};
use sqlx::migrate::Migrator;

pub use audit::{Record, Recorded, Sought};
pub use bans::Ban;
pub use belongings::Belongings;
pub use change_error::ChangeError;
pub use deletion::Purged;
pub use direct::{DirectMessage, Latest, Mailbox};
pub use files::{FileRow, NewFile};
pub use inventory::{FileEntry, FileFilter, FileUsage};
pub use message_dossier::{Former, MessageDossier, PinnedBy};
pub use messages::{MessageRow, Page, Query, Selection, Version, Viewer};
pub use moving::Unfinished;
pub use posting::{MessageError, NewMessage, Posted, RateLimit};
pub use pulse::{Pulse, RoomPulse};
pub use reactions::{OwnReaction, Reacted, ReactionRow, ReactionsOf};
pub use roles::{RoleChanged, RoleHolder};
pub use room_changes::{RoomChange, WebChange};
pub use rooms::{NewRoom, RoomRow};
pub use roster::{Different, Dossier, InRoom, Listed, Order, Pending};
pub use schedule::Planned;
pub use schedule_list::{Appointment, AppointmentNo};
pub use search::{FoundMessage, Search, Standing, Wanted};
pub use shown::{AttachedFile, Quoted};
pub use survey::{ACTIVE_DAYS, Amount, RoomRole, RoomSurvey};
pub use timeouts::TimedOut;
pub use upkeep::Stale;
pub use users::UserRow;
pub use write::{Committed, Write};

static SQLITE: Migrator = sqlx::migrate!("../migrations/sogs/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/sogs/postgres");

/// The schema of the community server, for both databases.
pub const MIGRATIONS: Migrations = Migrations {
    sqlite: &SQLITE,
    postgres: &POSTGRES,
};

/// The rows of a community server. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    db: Database,
    /// How accounts are blinded, if people are to use blinded ids.
    blinding: Option<Arc<BlindingFactor>>,
}

impl Store {
    /// Opens the database and brings it up to date; a SQLite file that is not there is made. `blinding` is how accounts
    /// are blinded, if people are to use blinded ids.
    ///
    /// # Errors
    ///
    /// As for [`Database::open`].
    pub async fn open(options: &DbOptions, blinding: Option<BlindingFactor>) -> Result<Self, DbError> {
        Ok(Self::on(Database::open(options, &MIGRATIONS).await?, blinding))
    }

    /// The same for a database that must be there already.
    ///
    /// # Errors
    ///
    /// As for [`Database::open_existing`].
    pub async fn open_existing(options: &DbOptions, blinding: Option<BlindingFactor>) -> Result<Self, DbError> {
        Ok(Self::on(Database::open_existing(options, &MIGRATIONS).await?, blinding))
    }

    /// The rows of a database that is open already.
    #[must_use]
    pub fn on(db: Database, blinding: Option<BlindingFactor>) -> Self {
        Self {
            db,
            blinding: blinding.map(Arc::new),
        }
    }

    /// The database itself, for health checks, leases and checkpoints.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// Begins a change. `now` is the time at which everything in it happens.
    ///
    /// # Errors
    ///
    /// As for [`Database::write`].
    pub async fn write(&self, now: Timestamp) -> Result<Write, DbError> {
        Ok(Write::new(self.db.write().await?, now, self.blinding.clone()))
    }

    /// The same for a change that a client waits for, which may become lasting together with others.
    ///
    /// # Errors
    ///
    /// As for [`Database::write_with_others`].
    pub async fn write_with_others(&self, now: Timestamp) -> Result<Write, DbError> {
        let tx = self.db.write_with_others().await?;
        Ok(Write::new(tx, now, self.blinding.clone()))
    }
}

/// A list as JSON text, which is how statements take lists on both databases.
fn json(list: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string(list).unwrap_or_default()
}
