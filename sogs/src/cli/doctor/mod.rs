//! `sogs doctor`: what is wrong, and what to do about it.

mod inside;
mod outside;
mod target;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use shared::config::{CommonFlags, Loaded};
use shared::doctor::{Finding, Report, settings, visit};

use crate::links;
use crate::settings::{PREFIX, Settings};
use target::Target;

/// Find out what is wrong, and what to do about it
///
/// Without an address it looks at the configuration, the key, the database, the files and the machine. With the public
/// address or a join link, or --outside for the one in the configuration, it goes on as a client would, up to a file of
/// 10 MB that it uploads into a public room and downloads again (it is gone in an hour). On a machine that has no data
/// folder only that is done, and takes a join link.
///
/// Nothing is changed. Each finding has a level and, if it is not ok, what to do. The exit code is 0 if all is well, 1 if
/// there are warnings, 2 if there are errors.
#[derive(Args)]
pub(super) struct Doctor {
    /// The public address, or a join link
    url: Option<Target>,
    /// Look from outside too, at the base_url of the configuration
    #[arg(long, conflicts_with = "url")]
    outside: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
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

    /// `sogs` is how commands for this server begin.
    async fn look(&self, report: &mut Report, loaded: Result<Loaded<Settings>, Finding>, sogs: &str) {
        let is_here = match &loaded {
            Ok(loaded) => loaded.settings.data().exists(),
            Err(_) => true,
        };
        let mut key = None;
        if is_here || self.url.is_none() {
            report.heading("From inside:");
            match &loaded {
                Ok(loaded) => key = inside::look(report, loaded, sogs).await,
                Err(finding) => report.add(finding.clone()),
            }
        }
        let settings = loaded.ok().map(|loaded| loaded.settings);
        let Some(target) = self.target(settings.as_ref()) else {
            if self.outside {
                report.add(no_base_url());
            }
            return;
        };
        report.heading(&format!(
            "From outside, at {}:",
            target.base.as_str().trim_end_matches('/')
        ));
        let here = outside::Here {
            settings: settings.as_ref().filter(|_| is_here),
            key: key.as_ref(),
            sogs,
        };
        outside::look(report, &target, here).await;
    }

    fn target(&self, settings: Option<&Settings>) -> Option<Target> {
        match &self.url {
            Some(target) => Some(target.clone()),
            None if self.outside => settings?.common.base_url.as_ref()?.parse().ok(),
            None => None,
        }
    }
}

fn no_base_url() -> Finding {
    Finding::error(
        "base_url",
        "There is no base_url, so there is no address to look at.",
        "Set base_url in the configuration to the public address, or name it: sogs doctor https://chat.example.org",
    )
}

/// Whether clients accept links with this public address.
fn acceptable(base_url: &str) -> Finding {
    const CHECK: &str = "base_url";
    match links::problem(base_url) {
        None => Finding::ok(CHECK, format!("Clients accept links with {base_url}.")),
        Some(problem) => Finding::error(
            CHECK,
            format!("Clients do not accept links with {base_url}: {problem}."),
            "Set base_url to the address that the proxy serves, such as https://chat.example.org, and hand out new links.",
        ),
    }
}
