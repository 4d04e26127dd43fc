//! `fileserver usage`: how much there is.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use shared::clock::{Clock, Timestamp};

use super::{open_store, output};
use crate::settings::Settings;
use crate::store::{CheckCount, Usage as Survey};

/// Show how many files there are and what they take up
#[derive(Args)]
pub(super) struct Usage {
    /// Show also how many accounts checked for app versions
    #[arg(long)]
    versions: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Usage {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let store = open_store(settings).await?;
        let survey = store.usage(Clock::system().now()).await?;
        let checks = if self.versions {
            store.version_checks().await?
        } else {
            Vec::new()
        };
        if self.json {
            print_json(&survey, &checks)?;
        } else {
            print(&survey);
            if self.versions {
                print_checks(checks);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_json(survey: &Survey, checks: &[CheckCount]) -> Result<()> {
    let days = survey.days.iter();
    let days = days.map(|day| json!({ "day": output::day(day.start), "files": day.files, "bytes": day.bytes }));
    output::json(&json!({
        "files": survey.files,
        "bytes": survey.bytes,
        "oldest": survey.oldest,
        "days": days.collect::<Vec<_>>(),
        "version_checks": checks,
    }))
}

fn print(survey: &Survey) {
    println!("files   {}", survey.files);
    println!("bytes   {} ({})", survey.bytes, output::size(survey.bytes));
    println!(
        "oldest  {}\n",
        survey.oldest.map_or_else(|| "none".to_owned(), output::time)
    );
    let days = survey.days.iter();
    let days = days.map(|day| [output::day(day.start), day.files.to_string(), output::size(day.bytes)]);
    output::table(["UPLOADED ON", "FILES", "BYTES"], days);
}

fn print_checks(checks: Vec<CheckCount>) {
    let day = |days: i64| output::day(Timestamp::from_seconds(days * 86_400));
    let rows = checks.into_iter();
    let rows = rows.map(|count| {
        [
            day(count.day),
            count.platform,
            count.channel,
            count.visitors.to_string(),
        ]
    });
    println!();
    output::table(["CHECKED ON", "APP", "CHANNEL", "ACCOUNTS"], rows);
}
