//! Load on a running server: prepared requests, answered as fast as the server can, and what that took it.
//!
//! [`Target`] turns a request into the bytes that go out, directly or in an onion envelope; [`run`] sends prepared
//! requests and measures; [`fileserver`] has the requests of the file server's scenarios and [`Community`] those of the
//! community server's, signed by [`People`]. [`seed`] fills a room beforehand.

mod community;
pub mod fileserver;
mod people;
mod process;
mod report;
mod run;
mod seed;
mod target;

pub use community::Community;
pub use people::People;
pub use process::{Processes, Usage};
pub use report::Report;
pub use run::{Outcome, run};
pub use seed::{Filling, seed};
pub use target::{Entrance, Prepared, Target};
