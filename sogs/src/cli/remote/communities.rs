//! `sogs remote add`, `list` and `forget`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use shared::cli::output::{self, Format};

use super::access::Access;
use crate::remote::{Home, JoinLink, Name, Remembered};

/// Remember a community by its join link
///
/// With --proxy it is remembered too that the community is reached through this proxy. Adding it again replaces what was
/// remembered.
#[derive(Args)]
pub(super) struct Add {
    /// The join link, as the app copies it
    link: JoinLink,
    /// A short name; that of the room if it is left out
    #[arg(long)]
    name: Option<Name>,
}

/// List the communities that are remembered
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    format: Format,
}

/// Forget a community
#[derive(Args)]
pub(super) struct Forget {
    /// Its short name
    name: Name,
}

impl Add {
    pub(super) fn run(&self, access: &Access) -> Result<ExitCode> {
        let home = Home::of_user()?;
        let mut communities = home.communities()?;
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.link.room.as_str().parse()?,
        };
        let link = &self.link;
        if let Some(other) = communities.get(&name)
            && (&other.link.base_url, other.link.room.key()) != (&link.base_url, link.room.key())
        {
            bail!(
                "{name} is the name of {} already; --name gives this one another",
                other.link
            );
        }
        let remembered = Remembered {
            link: link.clone(),
            proxy: access.proxy.clone(),
        };
        communities.insert(name.clone(), remembered);
        home.remember(communities)?;
        println!("remembered {name}: the room {} at {}", link.room, link.base_url);
        match &access.proxy {
            Some(proxy) => println!("it is reached through {proxy}"),
            None => eprintln!(
                "Note: that server sees the IP address from which you connect to it; adding it again with --proxy hides it."
            ),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let communities: Vec<(Name, Remembered)> = Home::of_user()?.communities()?.into_iter().collect();
        let list = output::List {
            header: ["NAME", "ROOM", "SERVER", "THROUGH"],
            row: &|(name, Remembered { link, proxy }): &(Name, Remembered)| {
                let proxy = proxy.as_ref().map(ToString::to_string).unwrap_or_default();
                [name.to_string(), link.room.to_string(), link.base_url.clone(), proxy]
            },
            object: &|(name, Remembered { link, proxy })| {
                json!({
                    "name": name.to_string(),
                    "link": link.to_string(),
                    "room": link.room.as_str(),
                    "proxy": proxy.as_ref().map(ToString::to_string),
                })
            },
            name: &|(name, _)| name.to_string(),
            nothing: "None; `sogs remote add LINK` remembers one.",
        };
        list.print(self.format, &communities)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Forget {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let home = Home::of_user()?;
        let mut communities = home.communities()?;
        if communities.remove(&self.name).is_none() {
            bail!(
                "no community is remembered as {}; `sogs remote list` lists them",
                self.name
            );
        }
        home.remember(communities)?;
        println!("forgot {}", self.name);
        Ok(ExitCode::SUCCESS)
    }
}
