//! The command `config`: what is in force, and why.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::output;
use crate::config::{Loaded, reference, schema};
use crate::retention::Retention;

/// Looks at the configuration.
#[derive(Subcommand)]
pub enum Command {
    /// Check the configuration, and say where each value comes from
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print all keys with the values in force, as a configuration file with comments
    Print,
    /// Print what is kept about whom, where and for how long, in Markdown, to be published
    Retention {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a page about all keys, in Markdown
    Reference,
    /// Print a JSON schema of the configuration file, for editors that check as you type
    Schema,
}

/// A configuration, and whose it is.
pub struct Checked<'a, T> {
    /// The name of the program.
    pub program: &'a str,
    /// What its environment variables begin with.
    pub prefix: &'a str,
    /// The settings.
    pub loaded: &'a Loaded<T>,
    /// What is allowed in these settings, but hardly meant.
    pub warnings: Vec<String>,
    /// What is kept with these settings.
    pub retention: Retention,
}

impl Command {
    /// Prints what was asked for.
    ///
    /// # Errors
    ///
    /// When the settings cannot be shown.
    pub fn run<T: Serialize + JsonSchema + Default>(&self, checked: Checked<'_, T>) -> Result<ExitCode> {
        match self {
            Self::Print => print!("{}", checked.loaded.to_file()),
            Self::Retention { json: true } => output::json(&checked.retention.list())?,
            Self::Retention { json: false } => print!("{}", checked.retention.page()),
            Self::Reference => print!("{}", reference::<T>(checked.program, checked.prefix)),
            Self::Schema => output::json(&schema::<T>())?,
            Self::Check { json } => check(*json, checked)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn check<T: Serialize + JsonSchema>(as_json: bool, checked: Checked<'_, T>) -> Result<()> {
    let warnings = checked.warnings;
    let shown = checked.loaded.shown();
    if as_json {
        return output::json(&json!({ "settings": shown, "warnings": warnings }));
    }
    let rows = shown.into_iter().filter(|shown| !shown.is_default());
    output::table(
        ["KEY", "VALUE", "SET BY"],
        rows.map(|shown| [shown.key, shown.value.unwrap_or_default(), shown.origin]),
    );
    println!(
        "\nAll other keys have their defaults; `{} config print` shows them.",
        checked.program
    );
    for warning in warnings {
        println!("warning: {warning}");
    }
    println!("The configuration is valid.");
    Ok(())
}
