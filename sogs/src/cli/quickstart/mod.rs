//! `sogs quickstart`: from nothing to a community that can be joined.

mod dialogue;
mod file;
mod made;
mod wanted;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use shared::cli;
use shared::config::{CommonFlags, Loaded, Origin, load};
use shared::crypto::SessionId;
use shared::doctor::{Running, running};

use super::beside::Server;
use super::scope::token;
use super::{qr, serve};
use crate::model::RoomToken;
use crate::settings::{PREFIX, Settings};
use made::Community;

/// Set up a community and serve it: address, key, database, first room, admin
///
/// Asks for what is not given. At the end it serves, and shows the link by which the room is joined and its QR code. The
/// public address is written into a configuration file in the data folder, or where --config says, unless there is one.
///
/// Running it again changes nothing: it says what is there, and serves.
#[derive(Args)]
pub(super) struct Quickstart {
    /// What names the first room in links: 1 to 64 letters, digits, `-` and `_`
    #[arg(long, value_name = "TOKEN", value_parser = token)]
    room: Option<RoomToken>,
    /// The name of the first room
    #[arg(long)]
    name: Option<String>,
    /// The Session ID of who is to be an admin of everything: 05 and 64 more digits, in the settings of the app
    #[arg(long, value_name = "ID")]
    admin: Option<SessionId>,
    /// Ask nothing
    #[arg(long)]
    yes: bool,
    /// Only set it up
    #[arg(long)]
    no_serve: bool,
    /// Show no QR code
    #[arg(long)]
    no_qr: bool,
}

impl Quickstart {
    pub(super) fn run(&self, common: &CommonFlags) -> Result<ExitCode> {
        let file = common
            .config_file(PREFIX)
            .unwrap_or_else(|| common.config_beside(PREFIX));
        let loaded = settings(common, &file)?;
        cli::work_as_owner_of(&loaded.settings.data())?;
        let runtime = cli::runtime(super::NAME)?;
        let code = runtime.block_on(self.set_up(common, loaded, file));
        runtime.shutdown_background();
        code
    }

    async fn set_up(&self, common: &CommonFlags, loaded: Loaded<Settings>, file: PathBuf) -> Result<ExitCode> {
        let is_written = matches!(loaded.origin("base_url"), Origin::File(_));
        let mut settings = loaded.settings;
        let community = match Community::found(&settings).await? {
            Some(community) => {
                println!("There is a community here already, and nothing was changed.");
                if let Some(room) = &self.room
                    && !community.has(room)
                {
                    let sogs = common.command(super::NAME);
                    println!("It has no room {room}; `{sogs} room add {room}` makes one.");
                }
                community
            }
            None => {
                let wanted = self.wanted(&settings)?;
                settings.common.base_url = Some(wanted.base_url.clone());
                settings.validate()?;
                Community::make(&settings, &wanted).await?
            }
        };
        let unwritten = match &settings.common.base_url {
            Some(base_url) if !is_written => !file::write(&file, common, base_url)?,
            _ => false,
        };
        print!("{}", community.told(common, &settings, &file)?);
        let unwritten = Some(file.as_path()).filter(|_| unwritten);
        let left = made::left_to_do(common, &settings, unwritten);
        let ending = left + &self.link(&settings, &community).await?;
        if self.no_serve {
            print!("{ending}");
            return Ok(ExitCode::SUCCESS);
        }
        if running(settings.listen(), &community.key).await == Running::Ours {
            print!("{ending}");
            println!("\nThe server runs already, on {}.", settings.listen());
            return Ok(ExitCode::SUCCESS);
        }
        println!();
        serve::run_and_tell(settings, &common.command(super::NAME), &ending).await
    }

    /// What is to be made, by flags or by asking.
    fn wanted(&self, settings: &Settings) -> Result<wanted::Wanted> {
        let given = wanted::Given {
            base_url: settings.common.base_url.as_deref(),
            room: self.room.as_ref(),
            name: self.name.as_deref(),
            admin: self.admin,
        };
        if self.yes || !std::io::stdin().is_terminal() {
            let missing = given.missing(self.yes);
            if !missing.is_empty() {
                bail!(
                    "nobody is there to be asked, so {} must be given; nothing was made. For example: sogs quickstart \
                     --base-url https://chat.example.org --room lobby --name Lobby --admin YOUR_SESSION_ID --yes",
                    missing.join(" and ")
                );
            }
            return given.complete(&settings.rooms);
        }
        let mut dialogue = dialogue::Dialogue::new(std::io::stdin().lock(), std::io::stderr());
        given.ask(&mut dialogue, &settings.rooms)
    }

    /// How to join, with the code if there is a terminal.
    async fn link(&self, settings: &Settings, community: &Community) -> Result<String> {
        let Some(room) = community.first_room(self.room.as_ref()) else {
            return Ok(String::new());
        };
        let server = Server::open(settings).await?;
        let link = server.link(room);
        server.store.database().close().await;
        let mut text = format!("\nJoin {room} in the Session app by this link:\n\n{link}\n\n");
        if !self.no_qr && std::io::stdout().is_terminal() {
            text.push_str(&qr::terminal(&link).unwrap_or_default());
        }
        Ok(text)
    }
}

/// The settings, from the file if it is there yet.
fn settings(common: &CommonFlags, file: &std::path::Path) -> Result<Loaded<Settings>> {
    let file = Some(file).filter(|file| file.exists());
    let variable = |name: &str| std::env::var(name).ok();
    let loaded: Loaded<Settings> = load(PREFIX, file, variable, &common.given())?;
    loaded.settings.validate()?;
    Ok(loaded)
}
