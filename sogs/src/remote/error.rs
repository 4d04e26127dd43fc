//! What can stand in the way, in words that say what to do.

use std::fmt;

use shared::cli::output::plain;
use shared::client::ClientError;

/// The longest text of a server that is passed on.
const LONGEST: usize = 200;

/// Why a community could not be asked, or whether it did what was asked is not known.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No connection, so nothing was done.
    #[error("{0} cannot be reached, so nothing was done; are the address and, if there is one, the proxy right?")]
    Unreachable(String, #[source] ClientError),
    /// Something was asked for and no answer came.
    #[error("no answer from {0}; try again later")]
    NoAnswer(String, #[source] ClientError),
    /// The server, or what stands in front of it, is not up to it.
    #[error("{0} answers {1}: the server is down or has too much to do; try again later")]
    Down(String, u16),
    /// A change was sent and no answer came.
    #[error(
        "the answer was lost on its way, so it is not known whether this was done. Look before you do it again: a second \
         time does no harm, but may not be needed"
    )]
    Unknown,
    /// Whoever answers is no community server.
    #[error("{0} answers {1}, as no community server does; is the address right?")]
    NotACommunity(String, u16),
    /// The server cannot open what was encrypted for another key.
    #[error("the server at {0} cannot read the request: its key is not the one in the link. Ask for the current link")]
    WrongKey(String),
    /// The request is larger than whatever stands in front of the server takes.
    #[error("the request is too large for {0}")]
    TooLarge(String),
    /// An answer that makes no sense.
    #[error("the answer of {0} makes no sense ({1})")]
    Malformed(String, &'static str),
    /// The server does not do it.
    #[error("{0}")]
    Refused(Refusal),
    /// The request cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// What somebody must be to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Whoever may read the room.
    Reader,
    /// A moderator of the room, or of the whole server.
    Moderator,
    /// An admin of the room, or of the whole server.
    Admin,
    /// A moderator of the whole server.
    GlobalModerator,
    /// An admin of the whole server.
    GlobalAdmin,
}

/// A server's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    text: String,
}

impl Refusal {
    pub(super) fn new(status: u16, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body.get(..LONGEST).unwrap_or(body)).into_owned();
        // Old servers send pages for browsers.
        let text = if text.contains('<') {
            String::new()
        } else {
            plain(&text)
        };
        Self { status, text }
    }

    /// Whether the server says so because there is no such thing.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        self.status == 404
    }

    /// Whether the server failed half-way, so that nobody knows what was done.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        self.status >= 500
    }

    pub(super) fn is_used_nonce(&self) -> bool {
        self.status == 425 && self.text.to_ascii_lowercase().contains("nonce")
    }

    /// In plain words, when what was asked needed this right.
    #[must_use]
    pub fn explained(&self, needed: Right) -> String {
        let Self { status, text } = self;
        match status {
            403 if text == "Banned" => "you are banned from this server".to_owned(),
            403 => format!(
                "refused: {needed}{}; `sogs remote room show` tells what you are there",
                self.said(&["permission denied"])
            ),
            404 if text.contains("post") => "there is no such message in the room (any more)".to_owned(),
            404 if text.contains("user") => {
                "the server knows nobody by this id; take the one that `sogs remote message list` shows".to_owned()
            }
            404 => "there is no such room, or it is hidden from you".to_owned(),
            _ => self.to_string(),
        }
    }

    /// What the server says, in brackets, unless that says nothing.
    fn said(&self, nothing: &[&str]) -> String {
        if self.text.is_empty() || nothing.contains(&self.text.to_ascii_lowercase().as_str()) {
            String::new()
        } else {
            format!(" (the server says: {})", self.text)
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.said(&[]);
        match self.status {
            400 => write!(formatter, "the server does not understand this, or not so{said}"),
            401 => write!(formatter, "the server does not accept your signature{said}"),
            403 if self.text == "Banned" => formatter.write_str("you are banned from this server"),
            403 => write!(formatter, "you may not do this{said}"),
            404 => write!(
                formatter,
                "there is no such thing there, or it is hidden from you{said}"
            ),
            405 => write!(formatter, "this server cannot do that"),
            413 => write!(formatter, "that is too much for the server{said}"),
            425 if self.is_used_nonce() => write!(formatter, "the server has had this very request before"),
            425 => write!(
                formatter,
                "the clock of this machine and that of the server are more than a day apart; set it right and try again"
            ),
            429 => write!(formatter, "too many requests; wait a little and try again{said}"),
            500.. => write!(
                formatter,
                "the server failed ({}), so it is not known whether this was done; look before you do it again",
                self.status
            ),
            status => write!(formatter, "the server answers {status}{said}"),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Reader => "one must be allowed to read the room",
            Self::Moderator => "one must be a moderator there",
            Self::Admin => "one must be an admin there",
            Self::GlobalModerator => "one must be a moderator of the whole server",
            Self::GlobalAdmin => "one must be an admin of the whole server",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_in_plain_words() {
        for (status, body, needed, expected) in [
            (403, "Banned", Right::Admin, "you are banned from this server"),
            (403, "Permission denied", Right::Admin, "an admin there;"),
            (
                403,
                "This endpoint requires moderator room permissions",
                Right::Moderator,
                "(the server says: This endpoint requires moderator room permissions)",
            ),
            (404, "No such post: 7", Right::Moderator, "no such message"),
            (404, "No such user: 15…", Right::Moderator, "by this id"),
            (
                404,
                "<!doctype html><title>404</title>",
                Right::Reader,
                "hidden from you",
            ),
            (
                425,
                "Invalid authentication: X-SOGS-Timestamp is too far from current time",
                Right::Reader,
                "clock",
            ),
            (500, "", Right::Reader, "not known whether"),
            (
                400,
                "\u{1b}[2Jname must be a string",
                Right::Admin,
                "(the server says: \u{fffd}[2Jname must be",
            ),
        ] {
            let told = Refusal::new(status, body.as_bytes()).explained(needed);
            assert!(told.contains(expected), "{told}");
        }
    }
}
