//! The rules, free of HTTP and SQL.

mod allowance;
mod audit;
mod change;
pub mod filename;
mod permission;
mod role;
mod room;
mod token;
mod web;
mod wording;

pub use allowance::Allowance;
pub use audit::{Action, Actor};
pub use change::{FlagChange, LaterFlags, PermissionChange};
pub use permission::{
    Decision, Defaults, Flag, Need, Override, Permissions, Refusal, Rule, Standing, may_ban, may_purge, resolve,
};
pub use role::{Role, RoleChange, Scope};
pub use room::{Counters, Member, Moderators, Pin, Room, RoomNo, User, UserNo};
pub use token::{InvalidToken, RoomToken};
pub use web::{WebPart, WebParts};
pub use wording::{BadWording, room_description, room_name};
