//! Why a role, ban or permission is not changed.

use shared::db::DbError;

/// Why a role, ban or permission is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Somebody banned cannot get a role.
    #[error("This person is banned: lift the ban first, then give them a role")]
    Banned,
    /// Moderators and admins of the whole server cannot be banned.
    #[error("Moderators and admins of the whole server cannot be banned: take away their role first")]
    Moderates,
    /// There can be nobody with this id: its digits are no key.
    #[error("There can be nobody with this id")]
    Nobody,
    /// A room was deleted meanwhile.
    #[error("No such room")]
    RoomGone,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}
