//! The rules, free of HTTP and SQL.

mod allowance;
pub mod filename;
mod permission;
mod room;
mod token;

pub use allowance::Allowance;
pub use permission::{Defaults, Need, Override, Permissions, Refusal, Standing, may_ban, may_purge, resolve};
pub use room::{Counters, Member, Moderators, Pin, Room, RoomNo, User, UserNo};
pub use token::{InvalidToken, RoomToken};
