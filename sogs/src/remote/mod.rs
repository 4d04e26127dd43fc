//! Moderating a community from elsewhere: a client of any server that speaks the public API, with the moderator's own
//! account.

mod answers;
mod call;
mod community;
mod error;
mod home;
mod identity;
mod link;
mod proxy;

pub use answers::{Message, Pin, Planned, Purged, Reaction, Rights, Room};
pub use call::{Call, Outcome};
pub use community::Community;
pub use error::{Refusal, RemoteError, Right};
pub use home::{Home, HomeError, Name, Remembered};
pub use identity::{IdentityError, Seed};
pub use link::{InvalidLink, JoinLink};
pub use proxy::{InvalidProxy, Proxy};
