//! What is written down about changes: who did what.

use std::fmt;

use shared::crypto::UserId;

/// Who makes a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Actor {
    /// The server itself, when the time of something has come.
    #[default]
    Server,
    /// Whoever runs commands on the server.
    Operator,
    /// Somebody who asks through the API, by the id that they sign with.
    Person(UserId),
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => formatter.write_str("server"),
            Self::Operator => formatter.write_str("operator"),
            Self::Person(id) => id.fmt(formatter),
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// What was done. What people do with their own posts is not among it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $variant,)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name: what it was done to, then what was done.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

actions! {
    /// A room was made.
    RoomCreate = "room.create",
    /// A room's details, image, defaults or rate limit were changed.
    RoomChange = "room.change",
    /// A room was deleted.
    RoomDelete = "room.delete",
    /// Somebody got a role, another one or none any more.
    RoleChange = "role.change",
    /// Somebody was banned.
    BanSet = "ban.set",
    /// A ban was lifted, or ended.
    BanLift = "ban.lift",
    /// It was scheduled that a ban begins or ends.
    BanSchedule = "ban.schedule",
    /// Somebody may now what others may not, or the other way round.
    PermissionChange = "permission.change",
    /// It was scheduled that permissions change.
    PermissionSchedule = "permission.schedule",
    /// Somebody may not post for a while.
    TimeoutSet = "timeout.set",
    /// Somebody may post again before their time.
    TimeoutLift = "timeout.lift",
    /// Something was taken off the schedule.
    ScheduleCancel = "schedule.cancel",
    /// A message of somebody else was deleted, or several.
    MessageDelete = "message.delete",
    /// All that somebody posted in a room was deleted.
    MessagePurge = "message.purge",
    /// Reactions of others were taken off a message.
    ReactionClear = "reaction.clear",
    /// All reactions of somebody in a room were taken away.
    ReactionPurge = "reaction.purge",
    /// All direct messages from and to somebody were deleted.
    DirectPurge = "direct.purge",
    /// A message was pinned.
    PinSet = "pin.set",
    /// A pin was taken off, or several.
    PinRemove = "pin.remove",
    /// Files were deleted by themselves.
    FileDelete = "file.delete",
}
