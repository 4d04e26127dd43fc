//! What is in the database, among the files and in the data folder.

use shared::filing::{LEFTOVER_AGE, STRAY_AGE};
use shared::retention::{Kept, Place, Term, words};

use crate::files::UNATTACHED;
use crate::jobs::{INTERVAL, NONCE_SLACK, TIDY_INTERVAL};
use crate::nonces;
use crate::settings::Settings;

/// Who is known, and what they may.
pub(super) fn people(settings: &Settings) -> Vec<Kept> {
    let id = if settings.users.require_blind_keys {
        "a blinded id, or the id of the account if a moderator named them by it"
    } else {
        "the id they signed with, which is that of the account unless the app blinds it \
         (`users.require_blind_keys` is off), or by which a moderator named them"
    };
    vec![
        Kept::new(
            format!(
                "Everybody who has signed a request or was named by a moderator: {id}; when they were first and last \
                 seen; roles and bans on the whole server, with reasons"
            ),
            "visitors",
            Place::Database,
            Term::ever(),
        ),
        Kept::new(
            "Of those whom a moderator named by the id of their account: the blinded id that belongs to it",
            "those who are named so",
            Place::Database,
            Term::until("they come with it"),
        ),
        Kept::new(
            "What differs for somebody in a room: roles, bans with reasons, permissions",
            "visitors",
            Place::Database,
            Term::until("it is taken back or the room is deleted"),
        ),
        Kept::new(
            "What is to happen to somebody by itself: the begin and end of bans, timeouts and other permissions",
            "visitors",
            Place::Database,
            Term::until("its time has come or it is cancelled"),
        ),
        Kept::new(
            "When somebody last read in a room",
            "readers",
            Place::Database,
            Term::setting(
                settings.rooms.active_prune_threshold,
                INTERVAL,
                "rooms.active_prune_threshold",
            ),
        ),
    ]
}

/// Who changed what.
pub(super) fn changes(settings: &Settings) -> [Kept; 2] {
    [
        Kept::new(
            "Who changed what about rooms and people: when; the id of who did it, or `operator`; the id of whom it was \
             done to; the kind of change, the token of the room, new names and permissions, numbers of messages, the \
             reason if one was given. Not what was said, and nothing of what people do with their own messages. It \
             stays when the room is deleted or the ban lifted",
            "moderators and those they act on",
            Place::Database,
            Term::setting_or_ever(settings.audit.keep, "audit.keep"),
        ),
        Kept::new(
            "Of each request that changed something: the id that signed it and a random number, so that nobody can \
             send it again",
            "everybody who posts or changes something",
            Place::Database,
            Term::at_most("it could not be sent again", nonces::LONGEST + NONCE_SLACK),
        ),
    ]
}

/// Rooms and what is said in them and beside them.
pub(super) fn posts(settings: &Settings) -> [Kept; 8] {
    let message = Place::Database;
    [
        Kept::new(
            "Rooms: names, descriptions, rules",
            "nobody",
            Place::Database,
            Term::until("they are deleted"),
        ),
        Kept::new(
            "Of deleted rooms: the token, and how far their numbers had come",
            "nobody",
            Place::Database,
            Term::ever(),
        ),
        Kept::new(
            "Messages: content and signature as the app sent them, author, when posted and edited, to whom if whispered",
            "authors, and those who are whispered to",
            message,
            Term::until("they or their room are deleted"),
        ),
        Kept::new(
            "Of deleted messages: number, author, times, to whom if whispered, so that apps learn that they are gone",
            "authors, and those who are whispered to",
            message,
            Term::until("the room is deleted"),
        ),
        Kept::new(
            "What messages said before they were edited or deleted; shown to nobody but the operator",
            "authors",
            message,
            Term::setting(
                settings.messages.history_prune_threshold,
                INTERVAL,
                "messages.history_prune_threshold",
            ),
        ),
        Kept::new(
            "Reactions: who, with what and when",
            "those who react",
            message,
            Term::until("they are taken back or the message is deleted"),
        ),
        Kept::new(
            "Pins: who pinned what and when",
            "moderators",
            message,
            Term::until("they are taken off or the message is deleted"),
        ),
        Kept::new(
            "Direct messages, encrypted by the app: content, who sent it to whom and when",
            "senders and recipients",
            message,
            Term::setting(settings.direct_messages.expiry, INTERVAL, "direct_messages.expiry")
                .or_sooner("sooner if the recipient deletes them or a moderator purges one of the two"),
        ),
    ]
}

/// Attachments and images.
pub(super) fn files(settings: &Settings) -> [Kept; 3] {
    let unattached = words(UNATTACHED);
    [
        Kept::new(
            "Attachments and images: the bytes as the app sent them, name, size, who uploaded them when to which room \
             and for which message",
            "those who upload",
            Place::DatabaseAndFiles,
            Term::setting_or_ever(settings.files.expiry, "files.expiry")
                .but(&format!(
                    "{unattached} if no message takes them up, but for uploads of the oldest apps"
                ))
                .but("for ever while pinned or the image of a room")
                .but("until the message is deleted, if that is sooner")
                .but(&format!(
                    "the bytes go within {} of that, or when a backup that is being made is done",
                    words(INTERVAL)
                )),
        ),
        Kept::new(
            "What an upload that broke off left behind",
            "nobody, since nothing is known about it",
            Place::Files,
            Term::span(STRAY_AGE.max(LEFTOVER_AGE) + TIDY_INTERVAL),
        ),
        Kept::new(
            "After a move from PySOGS: ids that files had on its oldest versions, if messages may still name them",
            "nobody",
            Place::Database,
            Term::until("the files are deleted"),
        ),
    ]
}

/// What belongs to the server itself.
pub(super) fn server() -> [Kept; 3] {
    [
        Kept::new(
            "While a community is moved here from PySOGS: where from, and its public key",
            "nobody",
            Place::Database,
            Term::until("the import is finished"),
        ),
        Kept::new(
            "A random name that database and files have in common, to know each other by",
            "nobody",
            Place::DatabaseAndFiles,
            Term::ever(),
        ),
        Kept::new(
            "The private key of the server",
            "nobody",
            Place::DataFolder,
            Term::until("the operator removes it"),
        ),
    ]
}
