//! Who may do what in a room.
//!
//! Everything is decided from three things: what somebody is on the whole server, what differs for them in the room,
//! and what the room grants to everybody. The functions here are all there is; no endpoint has rules of its own.

/// What somebody is on the whole server. A moderator is never banned, an admin is a moderator too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Shut out of everything that needs a signature.
    pub banned: bool,
    /// Moderator of every room.
    pub moderator: bool,
    /// Admin of every room.
    pub admin: bool,
}

/// What a room grants to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// To read messages and files.
    pub read: bool,
    /// To see that the room exists.
    pub accessible: bool,
    /// To post.
    pub write: bool,
    /// To upload files; needs `write` as well.
    pub upload: bool,
}

/// What differs for one person in one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// Banned from the room.
    pub banned: bool,
    /// Moderator of the room.
    pub moderator: bool,
    /// Admin of the room.
    pub admin: bool,
    /// Whether others can see that the person moderates.
    pub visible_mod: bool,
    /// Instead of the room's own, where set.
    pub read: Option<bool>,
    /// Instead of the room's own, where set.
    pub accessible: Option<bool>,
    /// Instead of the room's own, where set.
    pub write: Option<bool>,
    /// Instead of the room's own, where set.
    pub upload: Option<bool>,
}

/// What an action asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To know of the room.
    Access,
    /// To read.
    Read,
    /// To post.
    Write,
    /// To upload, which needs the permission to post too.
    Upload,
    /// To be a moderator.
    Moderator,
    /// To be an admin.
    Admin,
}

/// How an action is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The room does not exist as far as the caller can know.
    Hidden,
    /// The caller knows of the room but may not do this.
    Forbidden,
}

/// What somebody is and may in a room, all taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Banned here or everywhere.
    pub banned: bool,
    /// Moderator here or everywhere.
    pub moderator: bool,
    /// Admin here or everywhere.
    pub admin: bool,
    /// Moderator of the whole server.
    pub global_moderator: bool,
    /// Admin of the whole server.
    pub global_admin: bool,
    /// The flags, before roles of the room are looked at.
    pub flags: Defaults,
}

impl Default for Defaults {
    /// All four, as a new room has them.
    fn default() -> Self {
        Self {
            read: true,
            accessible: true,
            write: true,
            upload: true,
        }
    }
}

impl Default for Override {
    /// Nothing differs.
    fn default() -> Self {
        Self {
            banned: false,
            moderator: false,
            admin: false,
            visible_mod: true,
            read: None,
            accessible: None,
            write: None,
            upload: None,
        }
    }
}

impl Override {
    /// Whether this says nothing, so that it need not be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let flags = [self.read, self.accessible, self.write, self.upload];
        !self.banned && !self.moderator && flags.iter().all(Option::is_none)
    }
}

/// Takes the three together. Somebody anonymous has the default standing and no override.
#[must_use]
pub fn resolve(standing: Standing, local: Option<&Override>, defaults: Defaults) -> Permissions {
    let none = Override::default();
    let local = local.unwrap_or(&none);
    let flag = |own: Option<bool>, default: bool| standing.moderator || own.unwrap_or(default);
    Permissions {
        banned: standing.banned || local.banned,
        moderator: standing.moderator || standing.admin || local.moderator || local.admin,
        admin: standing.admin || local.admin,
        global_moderator: standing.moderator || standing.admin,
        global_admin: standing.admin,
        flags: Defaults {
            read: flag(local.read, defaults.read),
            accessible: flag(local.accessible, defaults.accessible),
            write: flag(local.write, defaults.write),
            upload: flag(local.upload, defaults.upload),
        },
    }
}

impl Permissions {
    /// Whether an action is allowed.
    #[must_use]
    pub fn allows(&self, need: Need) -> bool {
        if self.admin {
            return true;
        }
        if need == Need::Admin {
            return false;
        }
        if self.moderator {
            return true;
        }
        if need == Need::Moderator || self.banned {
            return false;
        }
        match need {
            Need::Access => self.flags.accessible || self.flags.read,
            Need::Read => self.flags.read,
            Need::Write => self.flags.write,
            Need::Upload => self.flags.write && self.flags.upload,
            Need::Moderator | Need::Admin => false,
        }
    }

    /// Whether the caller would find the room if they were not banned from it.
    #[must_use]
    pub fn knows_of_it(&self) -> bool {
        Self { banned: false, ..*self }.allows(Need::Access)
    }

    /// Whether an action is allowed, and how it is refused if not.
    ///
    /// # Errors
    ///
    /// The [`Refusal`].
    pub fn require(&self, need: Need) -> Result<(), Refusal> {
        if !self.knows_of_it() {
            Err(Refusal::Hidden)
        } else if self.allows(need) {
            Ok(())
        } else {
            Err(Refusal::Forbidden)
        }
    }
}

/// Whether somebody may ban another from a room, or lift the ban; nobody bans themselves, which is not asked here.
#[must_use]
pub fn may_ban(actor: &Permissions, target: &Permissions) -> bool {
    actor.moderator && !target.global_moderator && (actor.admin || !target.moderator)
}

/// Whether somebody may delete all posts of another in a room. Everybody may delete all of their own.
#[must_use]
pub fn may_purge(actor: &Permissions, target: &Permissions) -> bool {
    actor.moderator && (actor.admin || !target.admin)
}
