//! The commands. Each prints what it did, and says what to do when it cannot do it.

mod archive;
mod audit;
mod beside;
mod config;
mod confirm;
mod deletion;
mod doctor;
mod file;
mod import;
mod init;
mod key;
mod letters;
mod message;
mod moderators;
mod moment;
mod people;
mod qr;
mod quickstart;
mod remote;
mod retention;
mod rights;
mod room;
mod schedule;
mod scope;
mod serve;
mod templates;
mod user;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{CommandFactory, Parser, Subcommand};
use shared::cli::{self, about};
use shared::config::{CommonFlags, Loaded};

use crate::settings::{PREFIX, Settings};

const NAME: &str = "sogs";

/// Serves public rooms of Session.
///
/// Without a command it serves. Every common option is also an environment variable, SOGS_LISTEN for --listen and so on,
/// and a key of the configuration file; `sogs config print` lists all keys.
///
/// Commands work beside a running server, which honours them within a second.
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
    Quickstart(quickstart::Quickstart),
    /// Make the data folder, the key and the database, as the first start does, without serving
    Init,
    Doctor(doctor::Doctor),
    /// Make, show, change and delete rooms
    #[command(subcommand)]
    Room(room::Command),
    /// Appoint and dismiss moderators and admins
    #[command(subcommand)]
    Mod(moderators::Command),
    /// Look at people, ban them, permit them things, delete what they posted
    #[command(subcommand)]
    User(user::Command),
    /// Find messages, look at them, delete them
    #[command(subcommand)]
    Message(message::Command),
    /// See which files there are and what they take up, delete them
    #[command(subcommand)]
    File(file::Command),
    /// See which bans and permissions begin or end at a time, cancel that
    #[command(subcommand)]
    Schedule(schedule::Command),
    Check(cli::check::Check),
    Backup(cli::archive::Backup),
    Restore(cli::archive::Restore),
    Audit(audit::Audit),
    /// Move a community here from another server
    #[command(subcommand)]
    Import(import::Command),
    /// Look at the configuration, or convert one
    #[command(subcommand)]
    Config(config::Command),
    /// Look at the server's key, or make one
    #[command(subcommand)]
    Key(cli::key::Command),
    Remote(remote::Remote),
    Templates(templates::Templates),
    /// Ask a running server whether it is alive; for containers
    Healthcheck,
    Completions(about::Completions),
    Man(about::Man),
}

/// Runs the program. The exit code is 0 if all went well, 1 if something stood in the way, 2 if the command line was
/// wrong.
#[must_use]
pub fn main() -> ExitCode {
    cli::exit_code(NAME, run(Cli::parse()))
}

fn run(cli: Cli) -> Result<ExitCode> {
    match &cli.command {
        Some(Command::Completions(completions)) => return Ok(completions.run(Cli::command())),
        Some(Command::Man(man)) => return man.run(Cli::command()),
        // It has nothing to do with the settings of a server.
        Some(Command::Remote(remote)) => return remote.run(),
        _ => {}
    }
    shared::memory::keep_bodies_apart();
    shared::memory::share_heaps();
    shared::names::look_up_without_modules();
    shared::crypto::init()?;
    // These two look at the settings themselves, which may not be there yet, or not be good.
    match &cli.command {
        Some(Command::Doctor(doctor)) => return doctor.run(&cli.common),
        Some(Command::Quickstart(quickstart)) => return quickstart.run(&cli.common),
        _ => {}
    }
    let loaded: Loaded<Settings> = cli::settings(PREFIX, &cli.common)?;
    loaded.settings.validate()?;
    if !matches!(cli.command, Some(Command::Config(_))) {
        shared::cli::work_as_owner_of(&loaded.settings.data())?;
    }
    let runtime = cli::runtime(NAME)?;
    let configuration = cli.common.config_file(PREFIX);
    let sogs = cli.common.command(NAME);
    let command = cli.command.unwrap_or(Command::Serve);
    let code = runtime.block_on(dispatch(command, loaded, configuration, &sogs));
    runtime.shutdown_background();
    code
}

async fn dispatch(
    command: Command,
    loaded: Loaded<Settings>,
    configuration: Option<PathBuf>,
    sogs: &str,
) -> Result<ExitCode> {
    let settings = &loaded.settings;
    match command {
        Command::Serve => serve::run(loaded.settings, sogs).await,
        Command::Init => init::run(settings).await,
        Command::Room(command) => command.run(settings).await,
        Command::Mod(command) => command.run(settings).await,
        Command::User(command) => command.run(settings).await,
        Command::Message(command) => command.run(settings).await,
        Command::File(command) => command.run(settings).await,
        Command::Schedule(command) => command.run(settings).await,
        Command::Check(check) => archive::check(&check, settings).await,
        Command::Backup(backup) => archive::backup(&backup, settings, configuration).await,
        Command::Restore(restore) => archive::restore(&restore, settings).await,
        Command::Import(command) => command.run(settings).await,
        Command::Config(command) => command.run(&loaded),
        Command::Audit(audit) => audit.run(settings).await,
        Command::Key(command) => key::run(&command, settings),
        Command::Remote(remote) => remote.run(),
        Command::Templates(templates) => templates.run(),
        Command::Healthcheck => cli::healthcheck(settings.common.metrics_listen).await,
        // They have been run before the settings were read.
        Command::Doctor(_) | Command::Quickstart(_) => bail!("the settings are in the way"),
        Command::Completions(completions) => Ok(completions.run(Cli::command())),
        Command::Man(man) => man.run(Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }
}
