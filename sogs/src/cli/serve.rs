//! `sogs serve`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use shared::clock::Clock;
use shared::shutdown::StopSignals;
use shared::telemetry;

use super::config;
use crate::serve::Running;
use crate::settings::Settings;

const NO_ROOMS: &str = "There are no rooms yet. `sogs room add TOKEN --name NAME` makes one beside the running server, \
    and `sogs mod add ID --global --admin` makes the account with that id an admin of everything.";

pub(super) async fn run(settings: Settings) -> Result<ExitCode> {
    let level = settings.common.log_level.as_deref().unwrap_or("info");
    telemetry::start_logging(level, settings.common.log_format)?;
    let mut signals = StopSignals::new().context("signals cannot be listened for")?;
    let warning = config::unreachable(&settings);
    let running = Running::start(settings, Clock::system()).await?;
    println!("Serving on http://{}", running.address());
    println!("Public address: {}", running.app().settings.base_url());
    println!("Public key: {}", running.app().key.public());
    if let Some(warning) = warning {
        eprintln!("sogs: warning: {warning}");
    }
    if running.app().directory.rooms().await?.iter().next().is_none() {
        println!("{NO_ROOMS}");
    }
    signals.received().await;
    tracing::info!("stopping; a second signal stops at once");
    signals.finish(running.stop()).await;
    Ok(ExitCode::SUCCESS)
}
