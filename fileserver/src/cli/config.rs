//! `fileserver config`: what is in force, and why.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;
use shared::config::{Loaded, strange_variables};

use super::output;
use crate::settings::{PREFIX, Settings};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Check the configuration, and say where each value comes from
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print all keys with the values in force, as a configuration file with comments
    Print,
}

pub(super) fn run(command: &Command, loaded: &Loaded<Settings>) -> Result<ExitCode> {
    match command {
        Command::Print => print!("{}", loaded.to_file()),
        Command::Check { json } => check(*json, loaded)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn check(as_json: bool, loaded: &Loaded<Settings>) -> Result<()> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut warnings: Vec<String> = strange_variables::<Settings>(PREFIX, names)
        .into_iter()
        .map(|name| format!("the environment variable {name} belongs to no key"))
        .collect();
    if loaded.settings.common.base_url.is_none() {
        warnings.push("base_url is not set; clients need a public address".to_owned());
    }
    if loaded.settings.common.http.body_budget < loaded.settings.files.max_size {
        warnings.push("http.body_budget is less than files.max_size; large files are taken one at a time".to_owned());
    }
    let shown = loaded.shown();
    if as_json {
        return output::json(&json!({ "settings": shown, "warnings": warnings }));
    }
    let rows = shown.into_iter().filter(|shown| !shown.is_default());
    output::table(
        ["KEY", "VALUE", "SET BY"],
        rows.map(|shown| [shown.key, shown.value.unwrap_or_default(), shown.origin]),
    );
    println!("\nAll other keys have their defaults; `fileserver config print` shows them.");
    for warning in warnings {
        println!("warning: {warning}");
    }
    println!("The configuration is valid.");
    Ok(())
}
