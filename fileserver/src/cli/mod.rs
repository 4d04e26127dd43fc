//! The commands. Each prints what it did, and says what to do when it cannot do it.

mod about;
mod backup;
mod check;
mod config;
mod files;
mod ids;
mod key;
mod output;
mod progress;
mod restore;
mod serve;
mod transfer;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use shared::blob::BlobStore;
use shared::clock::Clock;
use shared::config::{CommonFlags, Loaded, load};
use shared::filing::meet;

use crate::files::Files;
use crate::settings::{PREFIX, Settings};
use crate::store::Store;

/// Keeps client-encrypted attachments of Session for a limited time.
///
/// Without a command it serves. Every common option is also an environment variable, FILESERVER_LISTEN for --listen and
/// so on, and a key of the configuration file; `fileserver config print` lists all keys.
#[derive(Parser)]
#[command(name = "fileserver", version, max_term_width = 100)]
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
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Look at the server's key, or make one
    #[command(subcommand)]
    Key(key::Command),
    Info(files::Info),
    Extend(files::Extend),
    Delete(files::Delete),
    Block(files::Block),
    Unblock(files::Unblock),
    Blocked(files::Blocked),
    Usage(usage::Usage),
    Check(check::Check),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Put(transfer::Put),
    Get(transfer::Get),
    /// Ask a running server whether it is alive; for containers
    Healthcheck,
    Completions(about::Completions),
    /// Print the manual page
    Man,
}

/// Runs the program. The exit code is 0 if all went well, 1 if something stood in the way, 2 if the command line was
/// wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse_from(std::env::args_os().map(ids::unlike_flags));
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fileserver: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    match &cli.command {
        Some(Command::Completions(completions)) => return Ok(completions.run()),
        Some(Command::Man) => return about::man(),
        _ => {}
    }
    shared::memory::keep_bodies_apart();
    shared::crypto::init()?;
    let loaded = settings(&cli.common)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("fileserver")
        .build()
        .context("the threads of the server could not be started")?;
    let configuration = cli.common.config_file(PREFIX);
    let code = runtime.block_on(dispatch(cli.command.unwrap_or(Command::Serve), loaded, configuration));
    // A transfer that was given up may still occupy a thread; it must not hold up the end.
    runtime.shutdown_background();
    code
}

fn settings(flags: &CommonFlags) -> Result<Loaded<Settings>> {
    let file = flags.config_file(PREFIX);
    let variable = |name: &str| std::env::var(name).ok();
    let loaded: Loaded<Settings> = load(PREFIX, file.as_deref(), variable, &flags.given())?;
    loaded.settings.validate()?;
    Ok(loaded)
}

async fn dispatch(command: Command, loaded: Loaded<Settings>, configuration: Option<PathBuf>) -> Result<ExitCode> {
    let settings = &loaded.settings;
    match command {
        Command::Serve => serve::run(loaded.settings).await,
        Command::Config(command) => config::run(&command, &loaded),
        Command::Key(command) => key::run(&command, settings),
        Command::Info(info) => info.run(settings).await,
        Command::Extend(extend) => extend.run(settings).await,
        Command::Delete(delete) => delete.run(settings).await,
        Command::Block(block) => block.run(settings).await,
        Command::Unblock(unblock) => unblock.run(settings).await,
        Command::Blocked(blocked) => blocked.run(settings).await,
        Command::Usage(usage) => usage.run(settings).await,
        Command::Check(check) => check.run(settings).await,
        Command::Backup(backup) => backup.run(settings, configuration).await,
        Command::Restore(restore) => restore.run(settings).await,
        Command::Put(put) => put.run(settings).await,
        Command::Get(get) => get.run(settings).await,
        Command::Healthcheck => serve::healthcheck(settings).await,
        Command::Completions(completions) => Ok(completions.run()),
        Command::Man => about::man(),
    }
}

/// Keeps what the program makes from now on from everybody but its owner.
fn keep_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
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
