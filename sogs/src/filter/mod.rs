//! Keeps unwanted messages out of rooms: by the script they are written in, or by the words in them.
//!
//! A message is looked at before it is stored. What comes of a catch is up to the caller; [`Filters::reply`] has the
//! answer that the operator wants given.

mod alphabet;
mod error;
mod glyphs;
mod replies;
mod rules;
mod settings;
mod words;

pub use alphabet::Alphabet;
pub use error::BadFilters;
pub use replies::{Reply, Room};
pub use rules::{Caught, Filters, Kind};
pub use settings::{FilterSettings, ReplySettings, RoomFilterSettings, RoomReplySettings};
