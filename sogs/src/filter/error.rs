//! What can be wrong with the settings of filters.

use std::path::PathBuf;

/// The filters cannot be set up as the settings ask.
#[derive(Debug, thiserror::Error)]
pub enum BadFilters {
    /// A list of words cannot be read.
    #[error("cannot read the list of words {}", path.display())]
    UnreadableList {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A list of words has none.
    #[error("there are no words in {}; to switch the filter off, set profanity_filter to false", path.display())]
    EmptyList {
        /// The file.
        path: PathBuf,
    },
    /// Two entries are about one room, as upper and lower case do not count in tokens.
    #[error("there are two entries for the room {token:?}; upper and lower case are the same")]
    SameRoom {
        /// One of the two ways in which the room's token is written.
        token: String,
    },
    /// A reply would have no author.
    #[error("a profile_name of replies in the room {room:?} is empty")]
    Nameless {
        /// The room's token, or `*`.
        room: String,
    },
}
