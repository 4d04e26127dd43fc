//! What the commands of both servers have in common.

#[macro_use]
pub mod pipe;

pub mod about;
pub mod archive;
pub mod check;
pub mod config;
pub mod key;
pub mod output;
mod owner;
pub mod progress;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::config::{CommonFlags, ConfigError, Loaded, load};

pub use owner::work_as_owner_of;

/// The exit code of the program `name`: what the command answered, or 1 once it has been said what stood in the way.
#[must_use]
pub fn exit_code(name: &str, outcome: Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("{name}: {error:#}");
        ExitCode::FAILURE
    })
}

/// The settings by flags, environment and configuration file.
///
/// # Errors
///
/// [`ConfigError`], worded for the operator.
pub fn settings<T: DeserializeOwned + JsonSchema>(prefix: &str, flags: &CommonFlags) -> Result<Loaded<T>, ConfigError> {
    let file = flags.config_file(prefix);
    let variable = |name: &str| std::env::var(name).ok();
    load(prefix, file.as_deref(), variable, &flags.given())
}

/// The threads that a program runs on, which bear its name.
///
/// # Errors
///
/// When the system gives none.
pub fn runtime(name: &str) -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name(name)
        .build()
        .context("the threads of the server could not be started")
}

/// Keeps what the program makes from now on from everybody but its owner.
pub fn keep_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Asks a running server whether it is alive, on its operator's listener.
///
/// # Errors
///
/// When it is not, or there is no such listener.
pub async fn healthcheck(metrics_listen: Option<SocketAddr>) -> Result<ExitCode> {
    let Some(address) = metrics_listen else {
        bail!(
            "metrics_listen is not set, so there is nothing to ask. Give the server an address for it, such as \
             127.0.0.1:9080, and this command the same, with --metrics-listen or in the configuration"
        );
    };
    let url = format!("http://{address}/healthz");
    let answer = crate::client::http()?.get(url).send().await.with_context(|| {
        format!(
            "the server does not answer at {address}. Does it run, and with the same metrics_listen? Its log says \
                 more"
        )
    })?;
    if !answer.status().is_success() {
        bail!(
            "what listens at {address} answered {}, which is not the server: is another program using that port?",
            answer.status()
        );
    }
    println!("alive");
    Ok(ExitCode::SUCCESS)
}
