//! `sogs room`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use super::beside::Server;
use super::scope::token;
use crate::model::{Defaults, RoomToken, room_description, room_name};
use crate::settings::Settings;
use crate::store::NewRoom;

#[derive(Subcommand)]
pub(super) enum Command {
    Add(Add),
}

/// Make a room
#[derive(Args)]
pub(super) struct Add {
    /// What names it in links: 1 to 64 letters, digits, `-` and `_`
    #[arg(value_parser = token)]
    token: RoomToken,
    /// Its name; by default the token
    #[arg(long)]
    name: Option<String>,
    /// What it is about; \n begins a new line
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Let only moderators post and upload
    #[arg(long, group = "defaults")]
    read_only: bool,
    /// Let only moderators find and read it, and those who are permitted with `sogs user permit ID --room TOKEN --allow ra`
    #[arg(long, group = "defaults")]
    private: bool,
}

impl Command {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let server = Server::open(settings).await?;
        match self {
            Self::Add(add) => add.run(&server).await,
        }
    }
}

impl Add {
    async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let limits = &server.settings.rooms;
        let name = self.name.as_deref().unwrap_or(self.token.as_str());
        let name = room_name(name, limits.max_name_length)?;
        if name.is_empty() {
            bail!("the name is empty; without --name it is the token");
        }
        let description = match &self.description {
            Some(text) => room_description(&unescaped(text), limits.max_description_length)?,
            None => None,
        };
        let new = NewRoom {
            token: self.token.clone(),
            name,
            description,
            defaults: self.defaults(),
        };
        let mut write = server.change().await?;
        if write.create_room(&new).await?.is_none() {
            bail!("there is a room {} already; `sogs room set` changes it", self.token);
        }
        let lines = [
            format!("made the room {} ({})", new.name, self.token),
            server.link(self.token.as_str()),
        ];
        server.commit(write, &lines).await
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            read: !self.private,
            accessible: !self.private,
            write: !self.read_only,
            upload: !self.read_only,
        }
    }
}

/// A text in which `\n` stands for a line break and `\\` for a backslash.
fn unescaped(text: &str) -> String {
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
