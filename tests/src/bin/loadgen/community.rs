//! The scenarios of the community server.

use anyhow::{Context, Result};
use clap::Args;
use e2e::load::{Community, Entrance, Filling, People, Prepared, Report, Target, seed};
use shared::config::Size;
use shared::crypto::{BlindingFactor, X25519Public};
use shared::db::DbOptions;
use shared::onion::Cipher;
use sogs::model::RoomToken;
use sogs::store::Store;

use crate::pace::{CipherName, Pace, check_memory, key};

const REQUESTS: usize = 1000;

#[derive(Args)]
pub(crate) struct Load {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    room: Room,
    /// Send requests as onion requests
    #[arg(long)]
    onion: bool,
    /// Cipher of onion requests
    #[arg(long, default_value = "xchacha20", requires = "onion")]
    cipher: CipherName,
}

#[derive(Args)]
struct Room {
    /// The server's public key, 64 hex digits
    #[arg(long, value_name = "HEX", value_parser = key)]
    pubkey: X25519Public,
    /// The room
    #[arg(long, value_name = "TOKEN")]
    room: RoomToken,
    /// How many people take turns; they are the same every time
    #[arg(long, default_value_t = 50)]
    people: usize,
}

#[derive(Args)]
pub(crate) struct Poll {
    #[command(flatten)]
    load: Load,
    /// How many messages are new to those who poll
    #[arg(long, value_name = "MESSAGES", default_value_t = 0)]
    behind: u64,
}

#[derive(Args)]
pub(crate) struct Post {
    #[command(flatten)]
    load: Load,
    /// Size of a message
    #[arg(long, default_value = "400 B")]
    size: Size,
}

#[derive(Args)]
pub(crate) struct Upload {
    #[command(flatten)]
    load: Load,
    /// Size of a file
    #[arg(long, default_value = "1 MB")]
    size: Size,
}

#[derive(Args)]
pub(crate) struct Download {
    #[command(flatten)]
    upload: Upload,
    /// How many different files
    #[arg(long, default_value_t = 16)]
    files: usize,
}

#[derive(Args)]
pub(crate) struct Seed {
    /// The server's database: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL")]
    database_url: String,
    #[command(flatten)]
    room: Room,
    /// How many messages
    #[arg(long, default_value_t = 1000)]
    messages: usize,
    /// Size of a message
    #[arg(long, default_value = "400 B")]
    size: Size,
}

impl Load {
    pub(crate) async fn rooms(&self) -> Result<Report> {
        let requests = self.community().await?.rooms(self.requests())?;
        self.measure("rooms", requests).await
    }

    pub(crate) async fn recent(&self) -> Result<Report> {
        let requests = self.community().await?.recent(self.requests()).await?;
        self.measure("recent, 100 messages", requests).await
    }

    async fn community(&self) -> Result<Community> {
        let entrance = if self.onion {
            Entrance::Onion {
                server: self.room.pubkey,
                cipher: self.cipher.into(),
            }
        } else {
            Entrance::Direct
        };
        let target = Target::new(&self.pace.url, entrance)?;
        Community::enter(target, self.room.people(), self.room.room.as_str()).await
    }

    fn requests(&self) -> usize {
        self.pace.requests.unwrap_or(REQUESTS)
    }

    async fn measure(&self, what: &str, requests: Vec<Prepared>) -> Result<Report> {
        let entrance = if self.onion {
            Cipher::from(self.cipher).name()
        } else {
            "direct"
        };
        self.pace
            .measure(format!("{what}, {entrance}"), self.pace.concurrency, requests)
            .await
    }
}

impl Room {
    fn people(&self) -> People {
        People::new(self.people, self.pubkey)
    }
}

impl Poll {
    pub(crate) async fn poll(&self) -> Result<Report> {
        let Self { load, behind } = self;
        let requests = load.community().await?.polls(load.requests(), *behind).await?;
        load.measure(&format!("poll, {behind} behind"), requests).await
    }
}

impl Post {
    pub(crate) async fn post(&self) -> Result<Report> {
        let Self { load, size } = self;
        let requests = load.community().await?.posts(load.requests(), bytes(*size)?)?;
        load.measure(&format!("post {} bytes", size.0), requests).await
    }
}

impl Upload {
    pub(crate) async fn upload(&self) -> Result<Report> {
        let Self { load, size } = self;
        check_memory(load.requests(), size.0, "fewer --requests")?;
        let requests = load.community().await?.uploads(load.requests(), bytes(*size)?)?;
        load.measure(&format!("community-upload {} bytes", size.0), requests)
            .await
    }
}

impl Download {
    pub(crate) async fn download(&self) -> Result<Report> {
        let Self {
            upload: Upload { load, size },
            files,
        } = self;
        let community = load.community().await?;
        let requests = community.downloads(load.requests(), *files, bytes(*size)?).await?;
        load.measure(&format!("community-download {} bytes", size.0), requests)
            .await
    }
}

impl Seed {
    pub(crate) async fn seed(&self) -> Result<()> {
        let blinding = BlindingFactor::for_server(&self.room.pubkey);
        let store = Store::open_existing(&DbOptions::at(&self.database_url), Some(blinding)).await?;
        let filling = Filling {
            room: self.room.room.clone(),
            people: self.room.people(),
            messages: self.messages,
            size: bytes(self.size)?,
        };
        seed(&store, &filling).await?;
        store.database().close().await;
        println!("{} has {} more messages", filling.room, filling.messages);
        Ok(())
    }
}

fn bytes(size: Size) -> Result<usize> {
    usize::try_from(size.0).context("the size is too large")
}
