//! The commands. Each prints what it did, and says what to do when it cannot do it.

mod archive;
mod config;
mod doctor;
mod files;
mod ids;
mod key;
mod retention;
mod serve;
mod transfer;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{CommandFactory, Parser, Subcommand};
use shared::blob::BlobStore;
use shared::cli::{self, about, output};
use shared::clock::Clock;
use shared::config::{CommonFlags, Loaded};
use shared::filing::meet;

use crate::checkup::Checked;
use crate::files::Files;
use crate::settings::{PREFIX, Settings};
use crate::store::Store;

const NAME: &str = "fileserver";

/// Keeps client-encrypted attachments of Session for a limited time.
///
/// Without a command it serves. Every common option is also an environment variable, FILESERVER_LISTEN for --listen and
/// so on, and a key of the configuration file; `fileserver config print` lists all keys.
#[derive(Parser)]
#[command(name = NAME, version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: CommonFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until stopped (this is what happens without a command)
    Serve,
    Doctor(doctor::Doctor),
    /// Look at the configuration
    #[command(subcommand)]
    Config(cli::config::Command),
    /// Look at the server's key, or make one
    #[command(subcommand)]
    Key(cli::key::Command),
    Info(files::Info),
    Extend(files::Extend),
    Delete(files::Delete),
    Block(files::Block),
    Unblock(files::Unblock),
    Blocked(files::Blocked),
    Usage(usage::Usage),
    Check(cli::check::Check),
    Backup(cli::archive::Backup),
    Restore(cli::archive::Restore),
    Put(transfer::Put),
    Get(transfer::Get),
    /// Ask a running server whether it is alive; for containers
    Healthcheck,
    Completions(about::Completions),
    Man(about::Man),
}

/// Runs the program. The exit code is 0 if all went well, 1 if something stood in the way, 2 if the command line was
/// wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse_from(std::env::args_os().map(ids::unlike_flags));
    cli::exit_code(NAME, run(cli))
}

fn run(cli: Cli) -> Result<ExitCode> {
    match &cli.command {
        Some(Command::Completions(completions)) => return Ok(completions.run(Cli::command())),
        Some(Command::Man(man)) => return man.run(Cli::command()),
        _ => {}
    }
    shared::memory::keep_bodies_apart();
    shared::names::look_up_without_modules();
    shared::crypto::init()?;
    if let Some(Command::Doctor(doctor)) = &cli.command {
        return doctor.run(&cli.common);
    }
    let loaded: Loaded<Settings> = cli::settings(PREFIX, &cli.common)?;
    loaded.settings.validate()?;
    if !matches!(cli.command, Some(Command::Config(_))) {
        shared::cli::work_as_owner_of(&loaded.settings.data())?;
    }
    let runtime = cli::runtime(NAME)?;
    let configuration = cli.common.config_file(PREFIX);
    let code = runtime.block_on(dispatch(cli.command.unwrap_or(Command::Serve), loaded, configuration));
    // A transfer that was given up may still occupy a thread; it must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn dispatch(command: Command, loaded: Loaded<Settings>, configuration: Option<PathBuf>) -> Result<ExitCode> {
    let settings = &loaded.settings;
    match command {
        Command::Serve => serve::run(loaded.settings).await,
        Command::Config(command) => command.run(cli::config::Checked {
            program: NAME,
            prefix: PREFIX,
            loaded: &loaded,
            warnings: config::warnings(settings),
            retention: retention::retention(settings),
        }),
        Command::Key(command) => key::run(&command, settings),
        Command::Info(info) => info.run(settings).await,
        Command::Extend(extend) => extend.run(settings).await,
        Command::Delete(delete) => delete.run(settings).await,
        Command::Block(block) => block.run(settings).await,
        Command::Unblock(unblock) => unblock.run(settings).await,
        Command::Blocked(blocked) => blocked.run(settings).await,
        Command::Usage(usage) => usage.run(settings).await,
        Command::Check(check) => run_check(&check, settings).await,
        Command::Backup(backup) => archive::backup(&backup, settings, configuration).await,
        Command::Restore(restore) => archive::restore(&restore, settings).await,
        Command::Put(put) => put.run(settings).await,
        Command::Get(get) => get.run(settings).await,
        Command::Healthcheck => cli::healthcheck(settings.common.metrics_listen).await,
        // It has been run before the settings were read.
        Command::Doctor(_) => bail!("the settings are in the way"),
        Command::Completions(completions) => Ok(completions.run(Cli::command())),
        Command::Man(man) => man.run(Cli::command()),
    }
}

async fn run_check(check: &cli::check::Check, settings: &Settings) -> Result<ExitCode> {
    let files = open_files(settings).await?;
    let code = check.run(&Checked(&files)).await?;
    files.store().database().close().await;
    Ok(code)
}

/// The files of the server that these settings describe, which may be running at the same time.
async fn open_files(settings: &Settings) -> Result<Files> {
    let store = open_store(settings).await?;
    let blobs = BlobStore::open(&settings.blobs()).context("the place for the files cannot be used")?;
    meet(store.database(), &blobs).await?;
    Ok(Files::new(store, blobs, Clock::system(), 0, settings.fixed_bits()))
}

async fn open_store(settings: &Settings) -> Result<Store> {
    Store::open_existing(&settings.database()).await.with_context(|| {
        format!(
            "the database cannot be used. Is --data or --config the same as the server's? The data folder is {}",
            settings.data().display()
        )
    })
}
