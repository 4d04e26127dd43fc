//! Completions and manual pages, both made from the commands themselves.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use clap_complete::Shell;

use super::pipe;

/// Print the completions for a shell
#[derive(Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Print the manual page, or write one for each command into a folder
#[derive(Args)]
pub struct Man {
    /// The folder; without it one page with all commands is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Completions {
    /// Prints them for this program.
    #[must_use]
    pub fn run(&self, mut program: clap::Command) -> ExitCode {
        let name = program.get_name().to_owned();
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut program, name, &mut text);
        pipe::write(&text);
        ExitCode::SUCCESS
    }
}

impl Man {
    /// Prints or writes them for this program.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn run(&self, program: clap::Command) -> Result<ExitCode> {
        match &self.folder {
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(program.flatten_help(true)).render(&mut page)?;
                pipe::write(&page);
            }
            Some(folder) => std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(program, folder))
                .with_context(|| format!("cannot write the pages into {}", folder.display()))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
