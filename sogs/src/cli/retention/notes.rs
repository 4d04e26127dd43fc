//! What else is to be said.

use shared::retention::logs;

use crate::settings::Settings;

pub(super) fn notes(settings: &Settings) -> Vec<(&'static str, Vec<String>)> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    vec![
        ("Not kept", vec![not_kept(settings)]),
        ("What others can see", vec![shown(settings)]),
        ("In logs", logs(settings.common.log_level.as_deref(), "ids")),
        (
            "In backups",
            texts(&[
                "A backup has all of the database and the files, and the private key of the server. What is deleted later \
                 stays in it until it is brought up to date or removed, and comes back if it is restored.",
            ]),
        ),
        (
            "What deleting means",
            texts(&[
                "What is deleted or has run out is out of everybody's reach at once. In a SQLite database its rows are \
                 overwritten with zeros within seconds; the room that it took elsewhere on the disk (files, the \
                 database's log, PostgreSQL) is used again sooner or later, but not wiped. Apps keep what they have \
                 fetched, and so may anybody else who could read it.",
            ]),
        ),
        (
            "If somebody demands data",
            texts(&[
                "What is in the tables above under the operator's eyes can be handed over: `sogs user show ID` tells what \
                 is known about an id, `sogs message list` and `sogs audit` the rest. Direct messages are encrypted by the \
                 apps; the server cannot read them.",
            ]),
        ),
    ]
}

fn not_kept(settings: &Settings) -> String {
    let ids = if settings.users.require_blind_keys {
        "A blinded id cannot be traced to an account without the account's id, and differs from server to server; whoever \
         has both the account's id and the server's public key can compute it."
    } else {
        "Apps that do not blind their id show that of the account, which is the same everywhere."
    };
    format!(
        "It is not written down from which address somebody comes, which messages they read, nor any request that only \
         reads. There are no passwords, telephone numbers or contacts. {ids}"
    )
}

fn shown(settings: &Settings) -> String {
    let web = &settings.web;
    let parts: Vec<&str> = [
        (web.show_index, "a list of the public rooms (`web.show_index`)"),
        (web.show_page, "a page for each (`web.show_page`)"),
        (
            web.show_page && web.show_messages,
            "its messages with the names that people chose, never ids (`web.show_messages`)",
        ),
        (web.show_feed && web.show_messages, "a feed of them (`web.show_feed`)"),
    ]
    .into_iter()
    .filter_map(|(on, part)| on.then_some(part))
    .collect();
    let pages = if parts.is_empty() {
        "There are no pages for browsers, for all of them are switched off (`web`).".to_owned()
    } else {
        format!(
            "Without an app everybody can see of the rooms that everybody may read, unless it is switched off for a room: {}.",
            parts.join(", ")
        )
    };
    format!(
        "Whoever may read a room sees its messages with their authors' ids, and its moderators unless they are hidden. {pages}"
    )
}
