//! What is looked at on the server's machine.

use shared::clock::Clock;
use shared::config::Loaded;
use shared::crypto::X25519Public;
use shared::doctor::{Finding, Inside, Report, configuration, key_file, running};

use crate::cli::NAME;
use crate::cli::config::{narrow, strange};
use crate::keys::{KEY_FILES, Keys, KeysError};
use crate::settings::Settings;
use crate::store::MIGRATIONS;

const NEWEST: &str = "SELECT CAST(COALESCE(MAX(uploaded), 0) AS BIGINT) FROM files";

/// Looks at everything here; the public key is given if the key can be read.
pub(super) async fn look(report: &mut Report, loaded: &Loaded<Settings>, fileserver: &str) -> Option<X25519Public> {
    let settings = &loaded.settings;
    let inside = premises(settings, fileserver);
    let warnings = strange().into_iter().chain(narrow(settings)).collect();
    configuration(report, NAME, loaded, warnings);
    if settings.common.base_url.is_none() {
        report.add(no_base_url());
    }
    if !inside.data_folder(report) {
        inside.machine(report, None).await;
        return None;
    }
    let key = key(report, settings);
    let db = inside.database(report).await;
    inside.files(report, db.as_ref()).await;
    inside.machine(report, db.as_ref()).await;
    if let Some(key) = &key
        && settings.listen().port() != 0
    {
        let listen = settings.listen();
        report.add(running(listen, key).await.finding(inside.program, listen));
    }
    key
}

fn premises(settings: &Settings, fileserver: &str) -> Inside {
    Inside {
        program: NAME,
        version: env!("CARGO_PKG_VERSION"),
        data: settings.data(),
        database: settings.database(),
        migrations: MIGRATIONS,
        blobs: settings.blobs(),
        floor: settings.abuse.free_space_floor.0,
        floor_key: "abuse.free_space_floor",
        http: settings.common.http.clone(),
        newest: NEWEST,
        repair: format!(
            "`{fileserver} check` names them, and `{fileserver} check --repair` removes them, so that they can be uploaded \
             again. To get them back restore a backup."
        ),
        clock: Clock::system(),
    }
}

pub(super) fn no_base_url() -> Finding {
    Finding::warning(
        "base_url",
        "There is no base_url, so nobody is told where the server can be reached.",
        "Set base_url in the configuration to the public address, such as https://files.example.org.",
    )
}

fn key(report: &mut Report, settings: &Settings) -> Option<X25519Public> {
    const CHECK: &str = "key";
    let data = settings.data();
    let exposed = KEY_FILES.iter().find_map(|name| key_file(&data.join(name)));
    let is_exposed = exposed.is_some();
    report.extend(exposed);
    match Keys::read(&data) {
        Ok(keys) => {
            let public = *keys.onion.public();
            if !is_exposed {
                report.add(Finding::ok(
                    CHECK,
                    format!("The key is there; its public side is {public}."),
                ));
            }
            return Some(public);
        }
        Err(_) if is_exposed => {}
        Err(KeysError::None(_)) => report.add(Finding::error(
            CHECK,
            format!("There is no key in {}.", data.display()),
            "If there was one, put it back from a backup before anything is started: clients know the server by it. \
             Otherwise the first start makes one.",
        )),
        Err(error) => report.add(Finding::error(
            CHECK,
            format!("{:#}.", anyhow::Error::from(error)),
            "If it was damaged, put the key back from a backup: clients know the server by it.",
        )),
    }
    None
}
