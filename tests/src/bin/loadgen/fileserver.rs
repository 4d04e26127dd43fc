//! The scenarios of the file server.

use anyhow::{Context, Result};
use clap::Args;
use e2e::load::{Entrance, Prepared, Report, Target, fileserver};
use shared::config::Size;
use shared::crypto::X25519Public;
use shared::onion::Cipher;

use crate::pace::{CipherName, Pace, check_memory, key};

const REQUESTS: usize = 200;

const CLIENTS: usize = 1000;

#[derive(Args)]
pub(crate) struct Load {
    #[command(flatten)]
    pace: Pace,
    /// The server's public key, 64 hex digits; with it requests are sent as onion requests
    #[arg(long, value_name = "HEX", value_parser = key)]
    pubkey: Option<X25519Public>,
    /// Cipher of onion requests
    #[arg(long, default_value = "xchacha20", requires = "pubkey")]
    cipher: CipherName,
    /// Size of a file
    #[arg(long, default_value = "1 MB")]
    size: Size,
    /// How many different files; as many as requests unless given
    #[arg(long)]
    files: Option<usize>,
}

impl Load {
    pub(crate) async fn upload(&self) -> Result<Report> {
        let requests = self.requests();
        self.measure("upload", self.uploads(requests, requests)?).await
    }

    pub(crate) async fn download(&self) -> Result<Report> {
        let (target, ids) = self.put().await?;
        self.measure("download", fileserver::downloads(&target, &ids, self.requests())?)
            .await
    }

    pub(crate) async fn info(&self) -> Result<Report> {
        let (target, ids) = self.put().await?;
        self.measure("info", fileserver::infos(&target, &ids, self.requests())?)
            .await
    }

    pub(crate) async fn flood(&self) -> Result<Report> {
        let clients = self.pace.requests.unwrap_or(CLIENTS);
        let requests = self.uploads(clients, 16)?;
        self.pace.measure(self.name("flood"), clients, requests).await
    }

    async fn measure(&self, scenario: &str, requests: Vec<Prepared>) -> Result<Report> {
        self.pace
            .measure(self.name(scenario), self.pace.concurrency, requests)
            .await
    }

    fn requests(&self) -> usize {
        self.pace.requests.unwrap_or(REQUESTS)
    }

    fn target(&self) -> Result<Target> {
        let entrance = match self.pubkey {
            Some(server) => Entrance::Onion {
                server,
                cipher: self.cipher.into(),
            },
            None => Entrance::Direct,
        };
        Target::new(&self.pace.url, entrance)
    }

    fn uploads(&self, requests: usize, distinct: usize) -> Result<Vec<Prepared>> {
        let distinct = self.files.unwrap_or(distinct);
        check_memory(distinct, self.size.0, "--files")?;
        fileserver::uploads(&self.target()?, requests, distinct, self.bytes()?)
    }

    async fn put(&self) -> Result<(Target, Vec<String>)> {
        let target = self.target()?;
        let ids = fileserver::put(&target, self.files.unwrap_or(16), self.bytes()?).await?;
        Ok((target, ids))
    }

    fn bytes(&self) -> Result<usize> {
        usize::try_from(self.size.0).context("the size is too large")
    }

    /// What is measured, in words.
    fn name(&self, scenario: &str) -> String {
        let entrance = match self.pubkey {
            Some(_) => Cipher::from(self.cipher).name(),
            None => "direct",
        };
        format!("{scenario} {} bytes, {entrance}", self.size.0)
    }
}
