//! What is in memory only.

use std::time::Duration;

use shared::retention::{Kept, Place, Term, words};

use crate::app::RATE_SPAN;
use crate::files::UPLOAD_SPAN;
use crate::jobs::FLUSH_INTERVAL;
use crate::nonces;
use crate::settings::Settings;
use crate::web;

const DISPLACED: &str = "what was asked for later takes the room";

pub(super) fn kept(settings: &Settings) -> Vec<Kept> {
    let limits = &settings.limits;
    let memory = |what: &str, about, term| Kept::new(what, about, Place::Memory, term);
    vec![
        memory(
            "Requests that are being answered, and the keys of their envelopes",
            "callers",
            Term::until("they are answered"),
        ),
        memory(
            "Who was seen when and where, until it is written down",
            "visitors and readers",
            Term::span(FLUSH_INTERVAL),
        ),
        memory(
            "Of each request: a hash of the id that signed it and its random number, from which neither can be told",
            "visitors",
            // One half fills while the other is still asked.
            Term::until("others take the room").but(&format!(
                "within {} on a server that is used",
                words(nonces::LONGEST * 2)
            )),
        ),
        memory(
            "Who came lately, and what they may: as in the database",
            "visitors",
            Term::until(DISPLACED),
        ),
        memory(
            "Messages that were read lately: as in the database",
            "authors",
            Term::until(DISPLACED),
        ),
        memory(
            "Pages for browsers that were read lately",
            "authors",
            Term::until(DISPLACED).but(&format!("shown for {} at most", words(web::LIFE))),
        ),
        memory(
            "How often somebody reacted lately",
            "those who react",
            counted(limits.reactions_per_minute, RATE_SPAN, "limits.reactions_per_minute"),
        ),
        memory(
            "How often somebody uploaded lately",
            "those who upload",
            counted(limits.uploads_per_hour, UPLOAD_SPAN, "limits.uploads_per_hour"),
        ),
        memory(
            "How often somebody was told lately that a filter holds back what they wrote",
            "authors",
            Term::span(RATE_SPAN + FLUSH_INTERVAL),
        ),
        Kept::addresses(settings.common.http.misses_per_minute),
    ]
}

/// Counts are forgotten when they do not matter any more and somebody comes by.
fn counted(limit: u32, span: Duration, key: &'static str) -> Term {
    match limit {
        0 => Term::off(key),
        _ => Term::span(span + FLUSH_INTERVAL).unless_zero(key),
    }
}
