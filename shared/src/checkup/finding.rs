//! What a checkup finds.

use std::fmt;

use serde::Serialize;

/// Something that does not fit together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// Whether it was mended.
    pub repaired: bool,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// A file has lost its bytes.
    Missing {
        /// The file.
        id: String,
    },
    /// A file's bytes are more or fewer than they should be.
    WrongSize {
        /// The file.
        id: String,
        /// How many bytes there should be.
        expected: u64,
        /// How many there are.
        actual: u64,
    },
    /// A file's bytes are not those that were uploaded.
    WrongContent {
        /// The file.
        id: String,
    },
    /// A file's bytes could not be read. They may be all right: this is never mended.
    Unreadable {
        /// The file.
        id: String,
        /// Why.
        reason: String,
    },
    /// Bytes that no file has.
    Stray {
        /// Where they are.
        blob: String,
        /// How many there are.
        size: u64,
    },
    /// Rows contradict each other.
    Contradiction {
        /// What it is about, such as `room lobby`.
        about: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The database itself is damaged, which is never mended.
    Database {
        /// What it says.
        problem: String,
    },
}

impl Finding {
    /// Something that was found and is not mended yet.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, repaired: false }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let removed = if self.repaired { "; removed" } else { "" };
        match &self.fault {
            Fault::Missing { id } => write!(formatter, "file {id}: its bytes are missing{removed}"),
            Fault::WrongSize { id, expected, actual } => {
                write!(formatter, "file {id}: {actual} bytes instead of {expected}{removed}")
            }
            Fault::WrongContent { id } => write!(formatter, "file {id}: its bytes are damaged{removed}"),
            Fault::Unreadable { id, reason } => write!(formatter, "file {id}: its bytes cannot be read: {reason}"),
            Fault::Stray { blob, size } => write!(formatter, "bytes {blob}: {size} bytes without a file{removed}"),
            Fault::Contradiction { about, problem } => {
                write!(
                    formatter,
                    "{about}: {problem}{}",
                    if self.repaired { "; mended" } else { "" }
                )
            }
            Fault::Database { problem } => write!(formatter, "database: {problem}"),
        }
    }
}
