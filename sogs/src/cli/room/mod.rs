//! `sogs room`.

mod add;
mod delete;
mod image;
mod rights;
mod set;
mod show;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;

use super::beside::Server;
use crate::model::{room_description, room_name};
use crate::settings::{RoomSettings, Settings};

#[derive(Subcommand)]
pub(super) enum Command {
    Add(add::Add),
    List(show::List),
    Show(show::Show),
    Set(set::Set),
    Image(image::Image),
    Delete(delete::Delete),
}

impl Command {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let server = Server::open(settings).await?;
        match self {
            Self::Add(add) => add.run(&server).await,
            Self::List(list) => list.run(&server).await,
            Self::Show(show) => show.run(&server).await,
            Self::Set(set) => set.run(&server).await,
            Self::Image(image) => image.run(&server).await,
            Self::Delete(delete) => delete.run(&server).await,
        }
    }
}

/// The name that an argument gives.
pub(super) fn name(argument: &str, limits: &RoomSettings) -> Result<String> {
    let name = room_name(argument, limits.max_name_length)?;
    if name.trim().is_empty() {
        bail!("a room needs a name; without --name a new room is called like its token");
    }
    Ok(name)
}

/// The description that an argument gives, in which `\n` stands for a line break and `\\` for a backslash. An empty one
/// is none.
fn description(argument: &str, limits: &RoomSettings) -> Result<Option<String>> {
    Ok(room_description(&unescaped(argument), limits.max_description_length)?)
}

/// With `\n` as a line break and `\\` as a backslash.
pub(in crate::cli) fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => plain.push('\n'),
                Some('\\') | None => plain.push('\\'),
                Some(other) => plain.extend(['\\', other]),
            },
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_line_breaks_and_backslashes_are_written_with_a_backslash() {
        assert_eq!(unescaped(r"one\ntwo\\n \t\"), "one\ntwo\\n \\t\\");
    }
}
