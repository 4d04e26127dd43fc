//! Logs and metrics. No addresses are logged, and no ids above the debug level.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::LogFormat;

/// Logs or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is none that exists.
    #[error("{0:?} is no log level: use error, warn, info, debug, trace or off, or a list such as \"info,sqlx=debug\"")]
    Level(String),
    /// Something else has set up logging in this process.
    #[error("logging is set up already")]
    Logging(#[from] TryInitError),
    /// Something else has set up metrics in this process.
    #[error("metrics could not be set up")]
    Metrics(#[from] BuildError),
}

/// What is logged unless the operator says otherwise. The libraries tell too much at the level of the server itself.
const DEFAULT_FILTER: &str = "info,actix_server=warn,actix_http=warn,sqlx=warn,hyper_util=warn";

/// Whether ids are logged at this level, as they are at `debug` and `trace`.
#[must_use]
pub fn logs_ids(level: &str) -> bool {
    let most = filter(level).ok().and_then(|filter| filter.max_level_hint());
    most.is_none_or(|most| most >= LevelFilter::DEBUG)
}

/// Says whether [`start_logging`] would take this level.
///
/// # Errors
///
/// [`TelemetryError::Level`] if not.
pub fn check_level(level: &str) -> Result<(), TelemetryError> {
    filter(level).map(drop)
}

fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let wrong = || TelemetryError::Level(level.to_owned());
    for part in level.split(',').map(str::trim) {
        // To `tracing` any other word is the name of a module, and everything outside that module is then silent.
        let is_level = !part.is_empty() && part.parse::<LevelFilter>().is_ok();
        if !is_level && !part.contains(['=', '[']) {
            return Err(wrong());
        }
    }
    EnvFilter::try_new(format!("{DEFAULT_FILTER},{level}")).map_err(|_| wrong())
}

/// Starts to log to standard error.
///
/// `level` is one of the five levels, `off`, or a filter in the syntax of `tracing` such as `info,sqlx=debug`. Words of
/// a filter that are neither a level nor an assignment are refused.
///
/// # Errors
///
/// When the level does not exist or logging was set up before.
pub fn start_logging(level: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let registry = tracing_subscriber::registry().with(filter(level)?);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of the filter that belong to this text.
    fn parts(level: &str) -> Vec<String> {
        let filter = filter(level).unwrap().to_string();
        filter.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn a_mistyped_level_is_refused() {
        for level in [
            "debg",
            "verbose",
            "",
            "info,",
            "debg,sqlx=debug",
            "sqlx=loud",
            "info,sqlx",
        ] {
            assert!(check_level(level).is_err(), "{level:?}");
        }
    }

    #[test]
    fn every_level_and_lists_are_taken() {
        for level in [
            "error",
            "warn",
            "info",
            "debug",
            "trace",
            "off",
            "INFO",
            "info,sqlx=debug",
        ] {
            assert!(check_level(level).is_ok(), "{level:?}");
        }
    }

    #[test]
    fn what_the_operator_says_of_a_library_counts_more_than_the_default() {
        assert!(parts("info").contains(&"sqlx=warn".to_owned()));
        let chosen = parts("error,sqlx=debug");
        assert!(chosen.contains(&"sqlx=debug".to_owned()), "{chosen:?}");
        assert!(!chosen.contains(&"sqlx=warn".to_owned()), "{chosen:?}");
        assert!(
            chosen.contains(&"error".to_owned()) && !chosen.contains(&"info".to_owned()),
            "{chosen:?}"
        );
    }
}
