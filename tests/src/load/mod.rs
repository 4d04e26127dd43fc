//! Load on a running server: prepared requests, answered as fast as the server can, and what that took it.
//!
//! [`Target`] turns a request into the bytes that go out, directly or in an onion envelope; [`run`] sends prepared
//! requests and measures; [`fileserver`] has the requests of the file server's scenarios. Another server's scenarios need
//! a file like that one and a command in the `loadgen` program.

pub mod fileserver;
mod process;
mod report;
mod run;
mod target;

pub use process::{Processes, Usage};
pub use report::Report;
pub use run::{Outcome, run};
pub use target::{Entrance, Prepared, Target};
