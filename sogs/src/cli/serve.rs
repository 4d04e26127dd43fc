//! `sogs serve`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use shared::clock::Clock;
use shared::shutdown::StopSignals;
use shared::telemetry;

use super::config;
use crate::serve::Running;
use crate::settings::Settings;

/// Serves. `sogs` is how commands for this server begin.
pub(super) async fn run(settings: Settings, sogs: &str) -> Result<ExitCode> {
    run_and_tell(settings, sogs, "").await
}

/// Serves, and once it does says this besides.
pub(super) async fn run_and_tell(settings: Settings, sogs: &str, besides: &str) -> Result<ExitCode> {
    let level = settings.common.log_level.as_deref().unwrap_or("info");
    telemetry::start_logging(level, settings.common.log_format)?;
    let mut signals = StopSignals::new().context("signals cannot be listened for")?;
    let warning = config::unreachable(&settings);
    let running = Running::start(settings, Clock::system()).await?;
    if let Some(warning) = warning {
        tracing::warn!("{warning}");
    }
    // Nobody may be reading, or not any longer, and that is no reason to stop.
    let _ = std::io::stdout().write_all((greeting(&running, sogs).await? + besides).as_bytes());
    signals.received().await;
    tracing::info!("stopping; a second signal stops at once");
    signals.finish(running.stop()).await;
    Ok(ExitCode::SUCCESS)
}

/// What the operator is told once the server serves.
async fn greeting(running: &Running, sogs: &str) -> Result<String> {
    let app = running.app();
    let mut text = format!(
        "Serving on http://{}\nPublic address: {}\nPublic key: {}\n",
        running.address(),
        app.settings.base_url(),
        app.key.public()
    );
    if app.directory.rooms().await?.iter().next().is_none() {
        text.push_str(&format!(
            "There are no rooms yet. `{sogs} room add TOKEN --name NAME` makes one beside the running server, and `{sogs} \
             mod add ID --global --admin` makes the account with that id an admin of everything.\n"
        ));
    }
    Ok(text)
}
