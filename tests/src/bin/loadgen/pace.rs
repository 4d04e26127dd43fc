//! What all scenarios have in common: where requests go, how many, and how they are reported.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use e2e::load::{Prepared, Processes, Report, run};
use shared::crypto::X25519Public;
use shared::onion::Cipher;

/// Memory for request bodies that are built before the clock starts.
const PREPARED_LIMIT: u64 = 4 << 30;

#[derive(Args)]
pub(crate) struct Pace {
    /// Address of the server
    #[arg(long)]
    pub(crate) url: String,
    /// How many requests
    #[arg(long)]
    pub(crate) requests: Option<usize>,
    /// How many requests are in flight at the same time
    #[arg(long, default_value_t = 8)]
    pub(crate) concurrency: usize,
    /// A process of the server, to report its processor time and memory; may be repeated
    #[arg(long)]
    pid: Vec<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum CipherName {
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

pub(crate) fn key(text: &str) -> Result<X25519Public, &'static str> {
    X25519Public::from_hex(text).ok_or("not 64 hex digits")
}

/// Refuses to build so many bodies of this size beforehand.
pub(crate) fn check_memory(bodies: usize, size: u64, advice: &str) -> Result<()> {
    if size.saturating_mul(bodies as u64) > PREPARED_LIMIT {
        bail!("{bodies} bodies of {size} bytes are too many to build beforehand: give {advice}");
    }
    Ok(())
}

impl Pace {
    /// Sends the requests and prints what came of them.
    pub(crate) async fn measure(&self, name: String, at_once: usize, requests: Vec<Prepared>) -> Result<Report> {
        let outcome = run(requests, at_once, &Processes::new(self.pid.clone())).await?;
        let report = Report::new(name, at_once, &outcome);
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!("{}", Report::table(std::slice::from_ref(&report)));
        }
        Ok(report)
    }
}
