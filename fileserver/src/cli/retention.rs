//! What the file server keeps about people, where and for how long (`fileserver config retention`).

use std::time::Duration;

use shared::filing::{LEFTOVER_AGE, STRAY_AGE};
use shared::retention::{Kept, Place, Retention, Term, logs, words};

use super::{NAME, doctor};
use crate::jobs::TIDY_INTERVAL;
use crate::settings::{Settings, VersionSource};
use crate::store::KEPT_DAYS;

const DAY: Duration = Duration::from_hours(24);

/// All that a server with these settings keeps.
pub(super) fn retention(settings: &Settings) -> Retention {
    let mut kept = files(settings);
    kept.extend(visitors(settings));
    kept.extend(server());
    kept.extend(memory(settings));
    Retention {
        program: NAME,
        kind: "file server",
        database: settings.database(),
        blobs: settings.blobs(),
        kept,
        notes: notes(settings),
    }
}

fn files(settings: &Settings) -> Vec<Kept> {
    let sweep = settings.files.sweep_interval.0;
    let lifetimes = settings.lifetimes();
    let tried = match lifetimes.max {
        Duration::ZERO => lifetimes.default,
        _ => doctor::LIFE,
    };
    vec![
        Kept::new(
            "The bytes of a file, as the app encrypted them; the server has no key to them",
            "uploaders, who are not known",
            Place::Files,
            life(settings).or_sooner(&format!(
                "the bytes go within {} of that, or when a backup that is being made is done",
                words(sweep)
            )),
        ),
        Kept::new(
            "The file's id, its size, a digest of the encrypted bytes, the times of upload and expiry",
            "uploaders, who are not known",
            Place::Database,
            life(settings).or_sooner(&format!("it goes within {} of that", words(sweep))),
        ),
        Kept::new(
            "Random bytes that `fileserver doctor` sends to try the public address",
            "nobody",
            Place::DatabaseAndFiles,
            Term::span(tried),
        ),
        Kept::new(
            "What an upload that broke off left behind",
            "nobody, since nothing is known about it",
            Place::Files,
            Term::span(STRAY_AGE.max(LEFTOVER_AGE) + TIDY_INTERVAL),
        ),
        Kept::new(
            "Ids that the operator has blocked, since when, and the operator's note",
            "nobody",
            Place::Database,
            Term::until("they are unblocked"),
        ),
    ]
}

/// How long a file is kept.
fn life(settings: &Settings) -> Term {
    let lifetimes = settings.lifetimes();
    let span = if lifetimes.max > lifetimes.default {
        Term::at_most("it expires", lifetimes.max).set_by("files.max_ttl")
    } else {
        Term::at_most("it expires", lifetimes.default).set_by("files.default_ttl")
    };
    span.or_sooner("counted from the last upload or extension")
        .but("longer if the operator extends it (`fileserver extend`)")
}

/// Who asks for versions.
fn visitors(settings: &Settings) -> [Kept; 2] {
    let on = settings.versions.statistics && settings.versions.source != VersionSource::Off;
    let term = |span| match on {
        true => Term::span(span).set_by("versions.statistics"),
        false => Term::off(if settings.versions.statistics {
            "versions.source"
        } else {
            "versions.statistics"
        }),
    };
    [
        Kept::new(
            "How many different accounts asked for versions of apps, per day, platform and release channel: one keyed hash \
             for each, which is a number only once its key is gone",
            "those whose app asks this server for updates",
            Place::Database,
            term(DAY * KEPT_DAYS + DAY + TIDY_INTERVAL),
        ),
        Kept::new(
            "The key of these hashes, with which it could be told whether a given account is among them",
            "those whose app asks this server for updates",
            Place::Database,
            term(DAY + TIDY_INTERVAL),
        ),
    ]
}

/// What belongs to the server itself.
fn server() -> [Kept; 2] {
    [
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

fn memory(settings: &Settings) -> [Kept; 2] {
    [
        Kept::new(
            "Requests that are being answered, and the keys of their envelopes",
            "callers",
            Place::Memory,
            Term::until("they are answered"),
        ),
        Kept::addresses(settings.common.http.misses_per_minute),
    ]
}

fn notes(settings: &Settings) -> Vec<(&'static str, Vec<String>)> {
    let mut logs = logs(settings.common.log_level.as_deref(), "ids of files");
    logs.push(
        "Whoever knows the id of a file can fetch it, so treat a log that has ids like the files themselves."
            .to_owned(),
    );
    vec![
        (
            "Not kept",
            vec![
                "It is not written down from which address somebody comes, what a file is called (some apps say so; it is \
                 dropped unread), who uploaded or fetched what and how often, nor anything of an onion request but the \
                 file it carries. There are no accounts."
                    .to_owned(),
            ],
        ),
        ("In logs", logs),
        (
            "In backups",
            vec![format!(
                "A backup has the files, what is known about them, blocked ids, the private key, and the numbers of \
                 version checks without the key that could tell who was counted. It keeps files beyond their time, except \
                 that a restore leaves out what has expired. Remove it when it has served its purpose: {} after it was \
                 made there is hardly anything in it that an app could still ask for. Keep the key apart, and keep that \
                 for good.",
                words(settings.lifetimes().max.max(settings.lifetimes().default))
            )],
        ),
        (
            "What deleting means",
            vec![
                "A file is out of everybody's reach the moment it expires or is deleted. The room that its bytes took on \
                 the disk is used again sooner or later, but not wiped."
                    .to_owned(),
            ],
        ),
        (
            "If somebody demands data",
            vec![
                "It can be told whether a file with a given id is there, how large it is, when it came and when it goes \
                 (`fileserver info ID`), and its encrypted bytes can be handed over. It cannot be told what it is or who \
                 has it."
                    .to_owned(),
            ],
        ),
    ]
}
