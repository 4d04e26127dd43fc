//! `sogs remote`: moderating a community from elsewhere.

mod access;
mod communities;
mod identity;
mod message;
mod moderators;
mod person;
mod pin;
mod place;
mod reaction;
mod report;
mod room;
mod schedule;
mod told;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use access::Access;
pub(super) use access::{IDENTITY, PROXY};

use crate::cli::NAME;
use crate::remote::RemoteError;

/// Moderate a community from elsewhere, with your own account
///
/// For moderators without access to the machine that serves. Works with every server of Session communities. First `sogs
/// remote identity add` and `sogs remote add LINK`, then the same commands as on the server with `remote` in between.
///
/// The server sees the address from which you connect, which it does not when you use the app; --proxy hides it.
///
/// The exit code is 0 if all went well, 1 if something was refused or could not be tried, 2 if the command line was wrong,
/// 3 if it is not known whether something was done.
#[derive(Args)]
pub(super) struct Remote {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say by which account you moderate
    #[command(subcommand)]
    Identity(identity::Command),
    Add(communities::Add),
    List(communities::List),
    Forget(communities::Forget),
    /// Look at rooms and change them
    #[command(subcommand)]
    Room(room::Command),
    /// Read messages and delete them
    #[command(subcommand)]
    Message(message::Command),
    /// Look at people, ban them, permit them things, delete what they posted
    #[command(subcommand)]
    User(person::Command),
    /// Pin messages
    #[command(subcommand)]
    Pin(pin::Command),
    /// Look at reactions and delete them
    #[command(subcommand)]
    Reaction(reaction::Command),
    /// Appoint and dismiss moderators and admins
    #[command(subcommand)]
    Mod(moderators::Command),
    /// Look at what is to change by itself
    #[command(subcommand)]
    Schedule(schedule::Command),
}

/// The exit code for what may or may not have been done.
const UNKNOWN: u8 = 3;

impl Remote {
    pub(super) fn run(&self) -> Result<ExitCode> {
        shared::crypto::init()?;
        let runtime = shared::cli::runtime(NAME)?;
        let outcome = runtime.block_on(self.dispatch());
        runtime.shutdown_background();
        match outcome {
            Err(error) if is_unknown(&error) => {
                eprintln!("{NAME}: {error:#}");
                Ok(ExitCode::from(UNKNOWN))
            }
            outcome => outcome,
        }
    }

    async fn dispatch(&self) -> Result<ExitCode> {
        let access = &self.access;
        match &self.command {
            Command::Identity(command) => command.run(access),
            Command::Add(add) => add.run(access),
            Command::List(list) => list.run(),
            Command::Forget(forget) => forget.run(),
            Command::Room(command) => command.run(&access.reach().await?).await,
            Command::Message(command) => command.run(&access.reach().await?).await,
            Command::User(command) => command.run(&access.reach().await?).await,
            Command::Pin(command) => command.run(&access.reach().await?).await,
            Command::Reaction(command) => command.run(&access.reach().await?).await,
            Command::Mod(command) => command.run(&access.reach().await?).await,
            Command::Schedule(command) => command.run(&access.reach().await?).await,
        }
    }
}

fn is_unknown(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<RemoteError>() {
        Some(RemoteError::Unknown) => true,
        Some(RemoteError::Refused(refusal)) => refusal.is_failure(),
        _ => false,
    }
}
