//! From the command line to the report.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::configuration::bad_configuration;
use super::{Finding, Report};
use crate::cli;
use crate::config::{BadSettings, CommonFlags, Loaded};

/// The settings of a server, or that they cannot be used.
///
/// # Errors
///
/// What is wrong with them, as a finding.
pub fn settings<T: DeserializeOwned + JsonSchema>(
    program: &str,
    prefix: &str,
    common: &CommonFlags,
    validate: impl FnOnce(&T) -> Result<(), BadSettings>,
) -> Result<Loaded<T>, Finding> {
    let loaded: Loaded<T> = cli::settings(prefix, common).map_err(|error| bad_configuration(program, &error))?;
    match validate(&loaded.settings) {
        Ok(()) => Ok(loaded),
        Err(error) => Err(bad_configuration(program, &error)),
    }
}

/// Looks, as the owner of the data folder if there is one, and prints what was found. The exit code says how bad it is.
///
/// # Errors
///
/// When the program gets no threads, or the report cannot be printed.
pub fn visit(
    program: &str,
    as_json: bool,
    data: Option<&Path>,
    look: impl AsyncFnOnce(&mut Report),
) -> Result<ExitCode> {
    if let Some(data) = data {
        // As the user of the server, to whom other things may be forbidden. If that cannot be, as who asks.
        let _ = cli::work_as_owner_of(data);
    }
    let mut report = Report::new(as_json);
    let runtime = cli::runtime(program)?;
    runtime.block_on(look(&mut report));
    // What was given up may still occupy a thread.
    runtime.shutdown_background();
    report.finish()
}
