//! `sogs config`, and what is allowed in the configuration of a community server, but hardly meant.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use shared::cli;
use shared::config::{Loaded, strange_variables};

use super::retention::retention;
use super::{NAME, remote};
use crate::app::Unfit;
use crate::import::{Ini, convert};
use crate::settings::{PREFIX, Settings};
use crate::{links, web};

/// Looks at the configuration, or makes one.
#[derive(Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Common(cli::config::Command),
    FromIni(FromIni),
}

/// Print the configuration of PySOGS as one of this server
///
/// What has no counterpart is in it as a comment. What should be looked at is told on standard error.
#[derive(Args)]
pub(super) struct FromIni {
    /// The configuration of PySOGS
    #[arg(value_name = "sogs.ini")]
    file: PathBuf,
    /// The folder that PySOGS ran in, by which it means its paths; by default that of the file
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Command {
    pub(super) fn run(&self, loaded: &Loaded<Settings>) -> Result<ExitCode> {
        match self {
            Self::Common(command) => {
                if let cli::config::Command::Check { .. } = command {
                    try_templates(&loaded.settings)?;
                }
                command.run(cli::config::Checked {
                    program: NAME,
                    prefix: PREFIX,
                    loaded,
                    warnings: warnings(&loaded.settings),
                    retention: retention(&loaded.settings),
                })
            }
            Self::FromIni(from) => from.run(),
        }
    }
}

impl FromIni {
    fn run(&self) -> Result<ExitCode> {
        let ini = Ini::read(&self.file)?;
        let file = std::path::absolute(&self.file).context("the current folder is gone")?;
        let folder = match &self.folder {
            Some(folder) => std::path::absolute(folder).context("the current folder is gone")?,
            None => file.parent().unwrap_or(&file).to_owned(),
        };
        let converted = convert(&ini, &folder);
        for note in &converted.notes {
            eprintln!("{NAME}: {note}");
        }
        print!("{}", converted.toml);
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn warnings(settings: &Settings) -> Vec<String> {
    let about_links = unreachable(settings);
    strange()
        .into_iter()
        .chain(about_links)
        .chain(narrow(settings))
        .collect()
}

/// Variables of the environment that are hardly meant.
pub(super) fn strange() -> Vec<String> {
    strange_variables::<Settings>(PREFIX, &[remote::PROXY, remote::IDENTITY])
}

/// Why large files are slow.
pub(super) fn narrow(settings: &Settings) -> Option<String> {
    (settings.common.http.body_budget < settings.files.max_size)
        .then(|| "http.body_budget is less than files.max_size; large files are taken one at a time".to_owned())
}

/// Looks whether the server would start with these templates.
fn try_templates(settings: &Settings) -> Result<(), Unfit> {
    Ok(web::check(settings)?)
}

/// Why clients will not get anywhere with the links of this server.
pub(super) fn unreachable(settings: &Settings) -> Option<String> {
    match &settings.common.base_url {
        None => Some(format!(
            "base_url is not set, so links name {}, which leads nowhere from elsewhere; set it to the public \
             address",
            settings.base_url()
        )),
        Some(url) => links::problem(url).map(|problem| format!("base_url {url}: {problem}")),
    }
}
