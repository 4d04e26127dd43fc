//! Logs and metrics. No addresses are logged, and no ids above the debug level.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::LogFormat;

/// Logs or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is none that exists.
    #[error("{0:?} is no log level: use error, warn, info, debug or trace")]
    Level(String),
    /// Something else has set up logging in this process.
    #[error("logging is set up already: {0}")]
    Logging(#[from] TryInitError),
    /// Something else has set up metrics in this process.
    #[error("metrics could not be set up: {0}")]
    Metrics(#[from] BuildError),
}

/// Starts to log to standard error.
///
/// `level` is one of the five levels, or a filter in the syntax of `tracing` such as `info,sqlx=debug`.
///
/// # Errors
///
/// When the level does not exist or logging was set up before.
pub fn start_logging(level: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let filter = format!("{level},actix_server=warn,actix_http=warn,sqlx=warn,hyper_util=warn");
    let filter = EnvFilter::try_new(filter).map_err(|_| TelemetryError::Level(level.to_owned()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    match format {
        LogFormat::Text => registry
            .with(lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())))
            .try_init(),
        LogFormat::Json => registry.with(lines.json()).try_init(),
    }?;
    log_panics();
    Ok(())
}

/// Says where a panic happened, but not what it said: that may hold a client's bytes.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "unknown".to_owned(), ToString::to_string);
        tracing::error!(place, "a task panicked; this is a fault of the server");
    }));
}

/// Starts to count. Until then counting does nothing and costs next to nothing.
///
/// # Errors
///
/// When counting was started before.
pub fn start_metrics() -> Result<PrometheusHandle, TelemetryError> {
    Ok(PrometheusBuilder::new().install_recorder()?)
}
