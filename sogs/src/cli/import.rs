//! `sogs import`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use shared::cli::output;
use shared::clock::Clock;

use crate::import::{Action, Converted, Ini, Progress, Report, Source, convert, import};
use crate::settings::Settings;

/// The file that the old configuration is written to in the new form, in the data folder.
const CONFIGURATION: &str = "sogs-from-pysogs.toml";

/// How many missing files are named to people; all are in the JSON.
const NAMED: usize = 20;

#[derive(Subcommand)]
pub(super) enum Command {
    Pysogs(Pysogs),
}

/// Move a community of PySOGS here, so that its apps notice nothing
///
/// Stop the old server first. It is only read: its rooms, messages, people, roles, bans, files and its key are copied into
/// an empty server, that of the data folder. An import that was broken off can be run again, and until it is finished
/// no server starts.
#[derive(Args)]
pub(super) struct Pysogs {
    /// The folder that the old server ran in, with its key and mostly its database and uploads
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only look whether it can be done and what would come of it
    #[arg(long)]
    dry_run: bool,
    /// Its configuration, if that is not sogs.ini in the folder (Debian: /etc/sogs/sogs.ini)
    #[arg(long, value_name = "FILE")]
    ini: Option<PathBuf>,
    /// Its database, if that is not the one in its configuration: postgresql://… or sqlite:///PATH
    #[arg(long, value_name = "URL")]
    from_database: Option<String>,
    /// Take files from outside of the folder, too
    #[arg(long)]
    allow_outside: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) async fn run(self, settings: &Settings) -> Result<ExitCode> {
        match self {
            Self::Pysogs(pysogs) => pysogs.run(settings).await,
        }
    }
}

impl Pysogs {
    async fn run(self, settings: &Settings) -> Result<ExitCode> {
        let source = Source {
            folder: self.folder.clone(),
            ini: self.ini.clone(),
            database_url: self.from_database,
            allow_outside: self.allow_outside,
        };
        let mut bar = Bar(ProgressBar::hidden());
        let outcome = import(&source, settings, &Clock::system(), self.dry_run, &mut bar).await;
        bar.0.finish_and_clear();
        let what = if self.dry_run {
            "the community cannot be moved"
        } else {
            "the community was not moved"
        };
        let mut report = outcome.context(what)?;
        let ini = self.ini.unwrap_or_else(|| self.folder.join("sogs.ini"));
        if ini.exists() {
            let converted = convert(&Ini::read(&ini)?, &std::path::absolute(&self.folder)?);
            if !self.dry_run {
                report.configuration = Some(write_configuration(&settings.data(), &converted)?);
            }
            report.configuration_notes = converted.notes;
        }
        if self.json {
            output::json(&report)?;
        } else {
            print(&report);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the configuration into the data folder, over one of an earlier attempt. It names that folder: a server that
/// knows only this file would make another community elsewhere.
fn write_configuration(data: &Path, converted: &Converted) -> Result<PathBuf> {
    let path = data.join(CONFIGURATION);
    let folder = serde_json::to_string(&std::path::absolute(data)?)?;
    let text = format!("data = {folder}\n{}", converted.toml);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("the community was moved, but {} cannot be written", path.display()))?;
    Ok(path)
}

fn print(report: &Report) {
    let done = if report.dry_run { "Would be moved" } else { "Moved" };
    println!("{done} from {}:", report.source);
    for (kind, count) in &report.taken {
        println!("  {count} {kind}");
    }
    println!("  {} of files", output::size(report.file_bytes));
    for (action, title) in [
        (Action::Attention, "See to this:"),
        (Action::LeftOut, "Left out:"),
        (Action::Changed, "Mended:"),
        (Action::Kept, "Odd, and taken over as it is:"),
    ] {
        print_findings(report, action, title);
    }
    print_missing(report);
    println!("\nPublic key: {}", report.public_key);
    if let Some(url) = &report.base_url {
        println!("Links, as they were:");
        for token in &report.rooms {
            println!("  {url}/{token}?public_key={}", report.public_key);
        }
    }
    if let Some(path) = &report.configuration {
        println!("\nThe old configuration in the new form: {}", path.display());
    }
    for note in &report.configuration_notes {
        println!("  {note}");
    }
    if report.dry_run {
        println!("\nNothing was written. Without --dry-run the community is moved.");
    }
}

fn print_findings(report: &Report, action: Action, title: &str) {
    let mut title = Some(title);
    for finding in report.findings.values().filter(|finding| finding.action == action) {
        if let Some(title) = title.take() {
            println!("\n{title}");
        }
        println!("  {} {}", finding.count, finding.text);
        if !finding.examples.is_empty() {
            let more = if finding.count > finding.examples.len() as u64 {
                ", …"
            } else {
                ""
            };
            println!("    {}{more}", output::plain(&finding.examples.join(", ")));
        }
    }
}

fn print_missing(report: &Report) {
    if report.missing_files.is_empty() {
        return;
    }
    println!("\nMissing files:");
    for file in report.missing_files.iter().take(NAMED) {
        println!("  {} {}", file.id, output::plain(&file.path));
    }
    if report.missing_files.len() > NAMED {
        println!("  and {} more; --json names them", report.missing_files.len() - NAMED);
    }
}

/// How far it has come, on standard error if that is a terminal.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn begin(&mut self, what: &'static str, total: u64) {
        self.0.finish_and_clear();
        let style = ProgressStyle::with_template("{msg:22} {wide_bar} {pos}/{len}, {eta} left");
        self.0 = ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.0.set_message(what);
    }

    fn done(&mut self, count: u64) {
        self.0.inc(count);
    }
}
