//! What the community server keeps about people, where and for how long (`sogs config retention`).

mod memory;
mod notes;
mod stored;

use shared::retention::Retention;

use super::NAME;
use crate::settings::Settings;

/// All that a server with these settings keeps.
pub(super) fn retention(settings: &Settings) -> Retention {
    let mut kept = stored::people(settings);
    kept.extend(stored::changes(settings));
    kept.extend(stored::posts(settings));
    kept.extend(stored::files(settings));
    kept.extend(stored::server());
    kept.extend(memory::kept(settings));
    Retention {
        program: NAME,
        kind: "community server",
        database: settings.database(),
        blobs: settings.blobs(),
        kept,
        notes: notes::notes(settings),
    }
}
