//! Blocks that belong into a file: settings, units, statements for a database.

use std::fs;
use std::process::Command;

use shared::db::sqlx::{self, AssertSqlSafe, Connection, PgConnection};
use shared::testing::{missing, postgres};

use crate::page::Block;
use crate::tour::Tour;

/// The server takes the settings.
pub(crate) fn settings(tour: &Tour, place: &str, text: &str) {
    let name = tour.server.name();
    fs::write(tour.sandbox.path("tmp/settings.toml"), text).unwrap();
    let checked = tour.run(&format!(
        "target/release/{name} --config /tmp/settings.toml config check"
    ));
    assert!(checked.contains("The configuration is valid."), "{place}: {checked}");
}

/// Systemd understands the unit, which is put where the page says.
pub(crate) fn unit(tour: &Tour, place: &str, block: &Block, text: &str) {
    let file = block
        .file
        .as_deref()
        .unwrap_or_else(|| panic!("{place}: no file is named above"));
    let file = tour.sandbox.path(file.trim_start_matches('/'));
    fs::write(&file, text).unwrap();
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&file)
        .output();
    let Ok(verified) = verified else {
        return missing("systemd-analyze", "install systemd").unwrap_or_default();
    };
    let complaints = String::from_utf8_lossy(&verified.stderr);
    assert!(
        verified.status.success() && complaints.trim().is_empty(),
        "{place}: {complaints}"
    );
}

/// A database server of its own takes the statements, in which names end with this `fileserver`.
pub(crate) fn statements(place: &str, text: &str) {
    let Some(database) = postgres() else { return };
    // Names are those of the whole database server, which others may use.
    let name = format!("fileserver_{:x}", rand::random::<u64>());
    let text = text.replace("fileserver", &name);
    let undone = format!("DROP DATABASE {name};DROP ROLE {name};");
    let run = async {
        let mut connection = PgConnection::connect(&database.url).await?;
        for statement in text.split_inclusive(';').chain(undone.split_inclusive(';')) {
            if !statement.trim().is_empty() {
                sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
                    .execute(&mut connection)
                    .await?;
            }
        }
        connection.close().await
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Err(error) = runtime.block_on(run) {
        panic!("{place}: {error}\n{text}");
    }
}
