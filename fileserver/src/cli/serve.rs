//! `fileserver serve` and `fileserver healthcheck`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
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

/// Asks the operator's listener of a server with the same settings.
pub(super) async fn healthcheck(settings: &Settings) -> Result<ExitCode> {
    let Some(address) = settings.common.metrics_listen else {
        bail!("metrics_listen is not set, so there is nothing to ask");
    };
    let url = format!("http://{address}/healthz");
    let answer = shared::client::http()?
        .get(url)
        .send()
        .await
        .context("the server does not answer")?;
    if !answer.status().is_success() {
        bail!("the server answered {}", answer.status());
    }
    println!("alive");
    Ok(ExitCode::SUCCESS)
}
