//! Completions and the manual page, both made from the commands themselves.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;

/// Print the completions for a shell
#[derive(Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> ExitCode {
        clap_complete::generate(self.shell, &mut Cli::command(), "fileserver", &mut std::io::stdout());
        ExitCode::SUCCESS
    }
}

/// Prints one manual page with all commands.
pub(super) fn man() -> Result<ExitCode> {
    let command = Cli::command().flatten_help(true);
    clap_mangen::Man::new(command).render(&mut std::io::stdout())?;
    Ok(ExitCode::SUCCESS)
}
