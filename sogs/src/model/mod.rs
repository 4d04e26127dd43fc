//! The rules, free of HTTP and SQL.

mod permission;
mod reaction_limit;
mod room;
mod token;

pub use permission::{Defaults, Need, Override, Permissions, Refusal, Standing, may_ban, may_purge, resolve};
pub use reaction_limit::ReactionLimit;
pub use room::{Counters, Member, Moderators, Pin, Room, RoomNo, User, UserNo};
pub use token::{InvalidToken, RoomToken};
