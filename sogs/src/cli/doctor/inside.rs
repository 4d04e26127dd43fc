//! What is looked at on the server's machine.

use shared::clock::Clock;
use shared::config::Loaded;
use shared::crypto::X25519Pair;
use shared::db::{Database, DbError};
use shared::doctor::{Finding, Inside, Report, configuration, key_file, running};

use super::acceptable;
use crate::cli::NAME;
use crate::cli::config::{narrow, strange};
use crate::keys::{self, KeyError};
use crate::settings::Settings;
use crate::store::{MIGRATIONS, Store};

const NEWEST: &str = "SELECT CAST(COALESCE(MAX(last_active), 0) AS BIGINT) FROM users WHERE id <> 0";

/// Looks at everything here; the key is given if it can be read.
pub(super) async fn look(report: &mut Report, loaded: &Loaded<Settings>, sogs: &str) -> Option<X25519Pair> {
    let settings = &loaded.settings;
    let inside = premises(settings, sogs);
    let warnings = strange().into_iter().chain(narrow(settings)).collect();
    configuration(report, NAME, loaded, warnings);
    report.add(base_url(settings));
    if !inside.data_folder(report) {
        inside.machine(report, None).await;
        return None;
    }
    let key = key(report, settings, sogs);
    let db = inside.database(report).await;
    if let Some(db) = &db {
        match belongs(db, key.as_ref(), sogs).await {
            Ok(findings) => report.extend(findings),
            Err(error) => report.add(unreadable(&error)),
        }
    }
    inside.files(report, db.as_ref()).await;
    inside.machine(report, db.as_ref()).await;
    if let Some(key) = &key
        && settings.listen().port() != 0
    {
        let listen = settings.listen();
        report.add(running(listen, key.public()).await.finding(inside.program, listen));
    }
    key
}

fn premises(settings: &Settings, sogs: &str) -> Inside {
    Inside {
        program: NAME,
        version: env!("CARGO_PKG_VERSION"),
        data: settings.data(),
        database: settings.database(),
        migrations: MIGRATIONS,
        blobs: settings.blobs(),
        floor: settings.files.free_space_floor.0,
        floor_key: "files.free_space_floor",
        http: settings.common.http.clone(),
        newest: NEWEST,
        repair: format!(
            "`{sogs} check` names them, and `{sogs} check --repair` gives up what is lost. To get them back restore a \
             backup."
        ),
        clock: Clock::system(),
    }
}

fn base_url(settings: &Settings) -> Finding {
    match &settings.common.base_url {
        Some(url) => acceptable(url),
        None => Finding::warning(
            "base_url",
            format!(
                "There is no base_url, so links name {}, which leads nowhere from elsewhere.",
                settings.base_url()
            ),
            "Set base_url in the configuration to the public address, such as https://chat.example.org.",
        ),
    }
}

fn key(report: &mut Report, settings: &Settings, sogs: &str) -> Option<X25519Pair> {
    const CHECK: &str = "key";
    let data = settings.data();
    if let Some(finding) = key_file(&data.join(keys::FILE)) {
        report.add(finding);
        return keys::read(&data).ok();
    }
    match keys::read(&data) {
        Ok(key) => {
            report.add(Finding::ok(
                CHECK,
                format!("The key is there; its public side is {}.", key.public()),
            ));
            Some(key)
        }
        Err(KeyError::None(_)) => {
            report.add(Finding::error(
                CHECK,
                format!("There is no key in {}.", data.display()),
                format!(
                    "Is --data or --config the same as the server's? If there was a key here, put it back from a backup \
                     before anything is started: clients know the server by it. If there is no server yet, `{sogs} \
                     quickstart` makes one, and all else."
                ),
            ));
            None
        }
        Err(error) => {
            report.add(Finding::error(
                CHECK,
                format!("{:#}.", anyhow::Error::from(error)),
                "If it was damaged, put the key back from a backup: clients know the server by it.",
            ));
            None
        }
    }
}

/// Whether the database is that of the key, and whether there is anything to join.
async fn belongs(db: &Database, key: Option<&X25519Pair>, sogs: &str) -> Result<Vec<Finding>, DbError> {
    let store = Store::on(db.clone(), None);
    let mut findings = Vec::new();
    let system = store.system_user().await?;
    match (system, key) {
        (Some(id), Some(key)) if id != format!("ff{}", key.public()) => findings.push(Finding::error(
            "key",
            "The database was last served with another key than the one in the data folder.",
            "Is --data or --config the same as the server's? If the key file was lost or replaced, put the old one back \
             from a backup: with another key every link is dead and everybody a stranger.",
        )),
        (None, _) => findings.push(Finding::warning(
            "database",
            "No server has used this database yet.",
            format!(
                "Is --data or --config the same as the server's? If there is no server yet, `{sogs} quickstart` prepares \
                 it, and so does the first start."
            ),
        )),
        _ => {}
    }
    let (_, rooms) = store.rooms().await?;
    let open = rooms.iter().filter(|room| room.room.defaults.read).count();
    findings.push(match rooms.len() {
        0 => Finding::warning(
            "rooms",
            "There are no rooms, so there is nothing to join.",
            format!("{sogs} room add lobby --name Lobby"),
        ),
        1 => Finding::ok("rooms", "There is one room."),
        count => Finding::ok(
            "rooms",
            format!("There are {count} rooms, {open} of them for everybody to read."),
        ),
    });
    Ok(findings)
}

fn unreadable(error: &DbError) -> Finding {
    Finding::error(
        "integrity",
        format!("The tables cannot be read: {error}."),
        "The database is damaged: restore a backup.",
    )
}
