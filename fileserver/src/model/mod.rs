//! The rules, free of HTTP and SQL.

mod allowance;
mod file_id;
mod lifetime;
mod quota;
mod releases;
mod spent;

pub use allowance::{Allowance, Spent};
pub use file_id::{BadFileId, FileId, FixedBits};
pub use lifetime::{BadTtl, Lifetimes};
pub use quota::{Quota, Room};
pub use releases::{Asset, Channel, Latest, Platform, Project, Release, Releases, Version};
pub use spent::SpentUntil;
