//! What can be done about the permissions of one person.

/// What becomes of one permission of one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlagChange {
    /// It stays as it is.
    #[default]
    Keep,
    /// They have it, or not, whatever the room grants to everybody.
    Set(bool),
    /// What the room grants to everybody counts.
    Reset,
}

impl FlagChange {
    /// The permission after the change.
    #[must_use]
    pub fn apply(self, flag: Option<bool>) -> Option<bool> {
        match self {
            Self::Keep => flag,
            Self::Set(value) => Some(value),
            Self::Reset => None,
        }
    }
}

/// What becomes of the permissions of one person in one room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionChange {
    /// To read messages and files.
    pub read: FlagChange,
    /// To see that the room exists.
    pub accessible: FlagChange,
    /// To post.
    pub write: FlagChange,
    /// To upload files.
    pub upload: FlagChange,
}

impl PermissionChange {
    fn flags(&self) -> [FlagChange; 4] {
        [self.read, self.accessible, self.write, self.upload]
    }

    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flags().iter().all(|flag| *flag == FlagChange::Keep)
    }

    /// Whether anything is to be set, so that there is something to keep afterwards.
    #[must_use]
    pub fn sets(&self) -> bool {
        self.flags().iter().any(|flag| matches!(flag, FlagChange::Set(_)))
    }
}

/// Permissions that can be given or taken at a later time; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaterFlags {
    /// To read messages and files.
    pub read: Option<bool>,
    /// To post.
    pub write: Option<bool>,
    /// To upload files.
    pub upload: Option<bool>,
}
