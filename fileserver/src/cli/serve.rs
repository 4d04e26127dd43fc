//! `fileserver serve`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use shared::clock::Clock;
use shared::shutdown::StopSignals;
use shared::telemetry;

use crate::serve::Running;
use crate::settings::Settings;

pub(super) async fn run(settings: Settings) -> Result<ExitCode> {
    let level = settings.common.log_level.as_deref().unwrap_or("info");
    telemetry::start_logging(level, settings.common.log_format)?;
    let mut signals = StopSignals::new().context("signals cannot be listened for")?;
    let running = Running::start(settings, Clock::system()).await?;
    println!("Serving on http://{}", running.address());
    if let Some(url) = &running.app().settings.common.base_url {
        println!("Public address: {url}");
    }
    println!("Public key: {}", running.keys().onion.public());
    signals.received().await;
    tracing::info!("stopping; a second signal stops at once");
    signals.finish(running.stop()).await;
    Ok(ExitCode::SUCCESS)
}
