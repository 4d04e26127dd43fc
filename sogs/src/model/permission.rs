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
    /// Banned from the whole server.
    pub global_ban: bool,
    /// The flags, which count for those who have no role and no ban.
    flags: Flags,
}

/// Each flag, and whether it differs for the person from what the room grants to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flags {
    read: Grant,
    accessible: Grant,
    write: Grant,
    upload: Grant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grant {
    flag: Flag,
    granted: bool,
    own: bool,
}

/// One of the four permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// To read messages and files.
    Read,
    /// To see that the room exists.
    Accessible,
    /// To post.
    Write,
    /// To upload files.
    Upload,
}

/// The rule that decides whether somebody may do something in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Admins of the whole server may everything.
    GlobalAdmin,
    /// Admins of the room may everything there.
    RoomAdmin,
    /// Moderators of the whole server may everything but what is for admins.
    GlobalModerator,
    /// Moderators of the room may everything there but what is for admins.
    RoomModerator,
    /// It needs a role.
    NoRole,
    /// Somebody banned from the whole server may nothing.
    GlobalBan,
    /// Somebody banned from the room may nothing there.
    RoomBan,
    /// This permission differs for them.
    Own(Flag),
    /// This permission is as the room grants it to everybody.
    Default(Flag),
}

/// Whether something is allowed, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is.
    pub allowed: bool,
    /// What decided it.
    pub rule: Rule,
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

impl Flag {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Accessible => "accessible",
            Self::Write => "write",
            Self::Upload => "upload",
        }
    }
}

impl Rule {
    /// What it is called by programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GlobalAdmin => "global admin",
            Self::RoomAdmin => "room admin",
            Self::GlobalModerator => "global moderator",
            Self::RoomModerator => "room moderator",
            Self::NoRole => "no role",
            Self::GlobalBan => "global ban",
            Self::RoomBan => "room ban",
            Self::Own(_) => "own permission",
            Self::Default(_) => "default",
        }
    }
}

impl Decision {
    const fn yes(rule: Rule) -> Self {
        Self { allowed: true, rule }
    }

    const fn no(rule: Rule) -> Self {
        Self { allowed: false, rule }
    }
}

impl From<Grant> for Decision {
    fn from(grant: Grant) -> Self {
        let rule = if grant.own { Rule::Own } else { Rule::Default };
        Self {
            allowed: grant.granted,
            rule: rule(grant.flag),
        }
    }
}

/// Takes the three together. Somebody anonymous has the default standing and no override.
#[must_use]
pub fn resolve(standing: Standing, local: Option<&Override>, defaults: Defaults) -> Permissions {
    let none = Override::default();
    let local = local.unwrap_or(&none);
    let grant = |flag, own: Option<bool>, default: bool| Grant {
        flag,
        granted: own.unwrap_or(default),
        own: own.is_some(),
    };
    Permissions {
        banned: standing.banned || local.banned,
        moderator: standing.moderator || standing.admin || local.moderator || local.admin,
        admin: standing.admin || local.admin,
        global_moderator: standing.moderator || standing.admin,
        global_admin: standing.admin,
        global_ban: standing.banned,
        flags: Flags {
            read: grant(Flag::Read, local.read, defaults.read),
            accessible: grant(Flag::Accessible, local.accessible, defaults.accessible),
            write: grant(Flag::Write, local.write, defaults.write),
            upload: grant(Flag::Upload, local.upload, defaults.upload),
        },
    }
}

impl Permissions {
    /// Whether an action is allowed.
    #[must_use]
    pub fn allows(&self, need: Need) -> bool {
        self.decide(need).allowed
    }

    /// Whether an action is allowed, and which rule says so.
    #[must_use]
    pub fn decide(&self, need: Need) -> Decision {
        if self.admin {
            let everywhere = self.global_admin;
            return Decision::yes(if everywhere { Rule::GlobalAdmin } else { Rule::RoomAdmin });
        }
        if need == Need::Admin {
            return Decision::no(Rule::NoRole);
        }
        if self.moderator {
            let everywhere = self.global_moderator;
            return Decision::yes(if everywhere {
                Rule::GlobalModerator
            } else {
                Rule::RoomModerator
            });
        }
        if need == Need::Moderator {
            return Decision::no(Rule::NoRole);
        }
        if self.banned {
            let everywhere = self.global_ban;
            return Decision::no(if everywhere { Rule::GlobalBan } else { Rule::RoomBan });
        }
        self.by_flags(need)
    }

    /// What the flags say of an action, for those who have no role and no ban.
    fn by_flags(&self, need: Need) -> Decision {
        let Flags {
            read,
            accessible,
            write,
            upload,
        } = self.flags;
        match need {
            // Whoever may read knows of the room too.
            Need::Access if !accessible.granted && read.granted => read.into(),
            Need::Access => accessible.into(),
            Need::Read => read.into(),
            Need::Upload if write.granted => upload.into(),
            Need::Write | Need::Upload => write.into(),
            Need::Moderator | Need::Admin => Decision::no(Rule::NoRole),
        }
    }

    /// Whether the caller would find the room if they were not banned from it.
    #[must_use]
    pub fn knows_of_it(&self) -> bool {
        self.without_ban().allows(Need::Access)
    }

    /// The same for somebody who is not banned.
    #[must_use]
    pub fn without_ban(&self) -> Self {
        Self { banned: false, ..*self }
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
