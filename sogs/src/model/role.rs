//! Roles, and what can be done about them.

use super::RoomNo;

/// Where something holds: on the whole server, or in some rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Server,
    /// In these rooms only.
    Rooms(Vec<RoomNo>),
}

/// A role, in a room or on the whole server. An admin is a moderator too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// Moderator.
    pub moderator: bool,
    /// Admin.
    pub admin: bool,
    /// Whether others can see it.
    pub visible: bool,
}

/// A change of a role. Whoever is given one is seen as asked for, or as is usual: in rooms, but not on the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleChange {
    /// Makes somebody an admin.
    Admin {
        /// Whether others can see it.
        visible: Option<bool>,
    },
    /// Makes somebody a moderator. An admin stays one.
    Moderator {
        /// Whether others can see it.
        visible: Option<bool>,
    },
    /// Makes somebody a moderator and no more. An admin stops being one.
    OnlyModerator {
        /// Whether others can see it.
        visible: Option<bool>,
    },
    /// Leaves an admin a moderator, and everybody else as they are.
    NoAdmin,
    /// Takes away whatever role there is.
    Nothing,
}

impl Role {
    /// No role.
    #[must_use]
    pub fn none(visible: bool) -> Self {
        Self {
            moderator: false,
            admin: false,
            visible,
        }
    }
}

impl RoleChange {
    /// Whether this gives a role to somebody who has none.
    #[must_use]
    pub fn appoints(self) -> bool {
        !matches!(self, Self::NoAdmin | Self::Nothing)
    }

    /// The role after the change. `usual` is whether roles of this kind are seen where nothing else is said.
    #[must_use]
    pub fn apply(self, role: Role, usual: bool) -> Role {
        let moderator = |admin, visible: Option<bool>| Role {
            moderator: true,
            admin,
            visible: visible.unwrap_or(usual),
        };
        match self {
            Self::Admin { visible } => moderator(true, visible),
            Self::Moderator { visible } => moderator(role.admin, visible),
            Self::OnlyModerator { visible } => moderator(false, visible),
            Self::NoAdmin => Role { admin: false, ..role },
            Self::Nothing => Role::none(usual),
        }
    }
}
