//! Measures a running server: requests per second, latencies, and what a request costs the server.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use e2e::load::{Entrance, Prepared, Processes, Report, Target, fileserver, run};
use shared::config::Size;
use shared::crypto::X25519Public;
use shared::onion::Cipher;

/// Memory for request bodies that are built before the clock starts.
const PREPARED_LIMIT: u64 = 4 << 30;

/// Measures a running server: requests per second, latencies, and what a request costs the server.
///
/// Requests are built, and encrypted, before the clock starts. Answers are decrypted after theirs has stopped, but on the
/// same machine: trust the server's processor time more than requests per second, unless the server has cores to itself.
/// The server's settings count too: start it with FILESERVER_HTTP_MISSES_PER_MINUTE=0 and without an upload allowance.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Scenario {
    /// File server: upload random bytes
    Upload(Load),
    /// File server: download files that are put there first
    Download(Load),
    /// File server: ask about files that are put there first
    Info(Load),
    /// File server: many clients upload at the same moment; fails unless each is answered 200 or 503
    Flood(Load),
}

#[derive(Args)]
struct Load {
    /// Address of the server
    #[arg(long)]
    url: String,
    /// The server's public key, 64 hex digits; with it requests are sent as onion requests
    #[arg(long, value_name = "HEX", value_parser = key)]
    pubkey: Option<X25519Public>,
    /// Cipher of onion requests
    #[arg(long, default_value = "xchacha20", requires = "pubkey")]
    cipher: CipherName,
    /// Size of a file
    #[arg(long, default_value = "1 MB")]
    size: Size,
    /// How many requests; `flood` sends one from each client at once
    #[arg(long)]
    requests: Option<usize>,
    /// How many requests are in flight at the same time
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// How many different files; as many as requests unless given
    #[arg(long)]
    files: Option<usize>,
    /// A process of the server, to report its processor time and memory; may be repeated
    #[arg(long)]
    pid: Vec<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum CipherName {
    Xchacha20,
    AesGcm,
}

impl From<CipherName> for Cipher {
    fn from(name: CipherName) -> Self {
        match name {
            CipherName::Xchacha20 => Self::XChaCha20,
            CipherName::AesGcm => Self::Aes256Gcm,
        }
    }
}

fn key(text: &str) -> Result<X25519Public, &'static str> {
    X25519Public::from_hex(text).ok_or("not 64 hex digits")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    shared::crypto::init()?;
    let Cli { scenario } = Cli::parse();
    let (name, load) = match &scenario {
        Scenario::Upload(load) => ("upload", load),
        Scenario::Download(load) => ("download", load),
        Scenario::Info(load) => ("info", load),
        Scenario::Flood(load) => ("flood", load),
    };
    let requests = load.requests.unwrap_or(match scenario {
        Scenario::Flood(_) => 1000,
        Scenario::Upload(_) | Scenario::Download(_) | Scenario::Info(_) => 200,
    });
    let target = load.target()?;
    let prepared = match scenario {
        Scenario::Upload(_) => load.uploads(&target, requests, requests)?,
        Scenario::Flood(_) => load.uploads(&target, requests, 16)?,
        Scenario::Download(_) => fileserver::downloads(&target, &load.put(&target).await?, requests)?,
        Scenario::Info(_) => fileserver::infos(&target, &load.put(&target).await?, requests)?,
    };
    let concurrency = match scenario {
        Scenario::Flood(_) => requests,
        Scenario::Upload(_) | Scenario::Download(_) | Scenario::Info(_) => load.concurrency,
    };
    let outcome = run(prepared, concurrency, &Processes::new(load.pid.clone())).await?;
    let report = Report::new(load.name(name), concurrency, &outcome);
    if load.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{}", Report::table(std::slice::from_ref(&report)));
    }
    let is_orderly = report.statuses.keys().all(|status| status == "200" || status == "503");
    Ok(if matches!(scenario, Scenario::Flood(_)) && !is_orderly {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

impl Load {
    fn target(&self) -> Result<Target> {
        let entrance = match self.pubkey {
            Some(server) => Entrance::Onion {
                server,
                cipher: self.cipher.into(),
            },
            None => Entrance::Direct,
        };
        Target::new(&self.url, entrance)
    }

    fn uploads(&self, target: &Target, requests: usize, distinct: usize) -> Result<Vec<Prepared>> {
        let distinct = self.files.unwrap_or(distinct);
        if self.size.0.saturating_mul(distinct as u64) > PREPARED_LIMIT {
            bail!(
                "{distinct} bodies of {} bytes are too many to build beforehand: give --files",
                self.size.0
            );
        }
        fileserver::uploads(target, requests, distinct, self.bytes()?)
    }

    async fn put(&self, target: &Target) -> Result<Vec<String>> {
        fileserver::put(target, self.files.unwrap_or(16), self.bytes()?).await
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
