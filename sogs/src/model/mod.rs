//! The rules, free of HTTP and SQL.

mod allowance;
pub mod filename;
mod permission;
mod reaction_limit;
mod role;
mod room;
mod token;

pub use allowance::Allowance;
pub use permission::{Defaults, Need, Override, Permissions, Refusal, Standing, may_ban, may_purge, resolve};
pub use reaction_limit::ReactionLimit;
pub use role::{FlagChange, LaterFlags, PermissionChange, Role, RoleChange, Scope};
pub use room::{Counters, Member, Moderators, Pin, Room, RoomNo, User, UserNo};
pub use token::{InvalidToken, RoomToken};
