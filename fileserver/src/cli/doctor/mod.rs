//! `fileserver doctor`: what is wrong, and what to do about it.

mod inside;
mod outside;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use shared::config::{CommonFlags, Loaded};
use shared::crypto::X25519Public;
use shared::doctor::{Finding, Report, settings, visit};
use url::Url;

pub(super) use outside::LIFE;

use super::transfer::key;
use crate::settings::{PREFIX, Settings};

/// Find out what is wrong, and what to do about it
///
/// Without an address it looks at the configuration, the key, the database, the files and the machine. With the public
/// address, or --outside for the one in the configuration, it goes on as a client would, up to a file of 10 MB that it
/// uploads and downloads again (it lives for a minute). On a machine that has no data folder only that is done, and takes
/// the --key of the server.
///
/// Nothing is changed. Each finding has a level and, if it is not ok, what to do. The exit code is 0 if all is well, 1 if
/// there are warnings, 2 if there are errors.
#[derive(Args)]
pub(super) struct Doctor {
    /// The public address
    #[arg(value_parser = address)]
    url: Option<Url>,
    /// The server's X25519 public key, as `key show` prints it; by default that in the data folder
    #[arg(long, value_name = "HEX", value_parser = key)]
    key: Option<X25519Public>,
    /// Look from outside too, at the base_url of the configuration
    #[arg(long, conflicts_with = "url")]
    outside: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn address(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err("an address such as https://files.example.org is needed".to_owned()),
    }
}

impl Doctor {
    /// Looks, whatever state the settings are in.
    pub(super) fn run(&self, common: &CommonFlags) -> Result<ExitCode> {
        let loaded = settings(super::NAME, PREFIX, common, Settings::validate);
        let data = loaded.as_ref().ok().map(|loaded| loaded.settings.data());
        visit(super::NAME, self.json, data.as_deref(), async |report| {
            self.look(report, loaded, &common.command(super::NAME)).await;
        })
    }

    /// `fileserver` is how commands for this server begin.
    async fn look(&self, report: &mut Report, loaded: Result<Loaded<Settings>, Finding>, fileserver: &str) {
        let is_here = match &loaded {
            Ok(loaded) => loaded.settings.data().exists(),
            Err(_) => true,
        };
        let mut own = None;
        if is_here || self.url.is_none() {
            report.heading("From inside:");
            match &loaded {
                Ok(loaded) => own = inside::look(report, loaded, fileserver).await,
                Err(finding) => report.add(finding.clone()),
            }
        }
        let settings = loaded.ok().map(|loaded| loaded.settings);
        let Some(url) = self.address(settings.as_ref()) else {
            if self.outside {
                report.add(inside::no_base_url());
            }
            return;
        };
        report.heading(&format!("From outside, at {}:", url.as_str().trim_end_matches('/')));
        let settings = settings.filter(|_| is_here).unwrap_or_default();
        outside::look(report, url, self.key, own, &settings).await;
    }

    fn address(&self, settings: Option<&Settings>) -> Option<Url> {
        match &self.url {
            Some(url) => Some(url.clone()),
            None if self.outside => address(settings?.common.base_url.as_ref()?).ok(),
            None => None,
        }
    }
}
