//! `fileserver put` and `fileserver get`: uploads and downloads as clients make them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use serde_json::json;
use shared::cli::pipe;
use shared::cli::progress;
use shared::client::{DownloadUrl, Progress};
use shared::config::Span;
use shared::crypto::X25519Public;
use shared::onion::Cipher;

use super::output;
use crate::keys::Keys;
use crate::model::FileId;
use crate::remote::{LARGEST, Remote, RemoteError};
use crate::settings::Settings;

/// Upload a file as clients do, and print its address
///
/// The file goes up as it is: clients encrypt before, this does not. Without --url it goes to the server that the
/// configuration describes. It travels in an onion envelope, which takes the server's key: the one given with --key, or
/// that in the data folder for the server of the configuration. Without a key it is sent as plain HTTP.
#[derive(Args)]
pub(super) struct Put {
    /// The file, at most 10,223,616 bytes; servers take 10,000,000 unless they are set otherwise
    file: PathBuf,
    /// The server's address, such as https://files.example.org
    #[arg(long)]
    url: Option<String>,
    /// How long it is to live, such as "1 day"; by default as long as the server likes
    #[arg(long, value_name = "TIME", value_parser = Span::with_unit)]
    ttl: Option<Span>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    way: Way,
}

/// Download a file as clients do
///
/// The address is what `put` prints and what clients send each other. The server's key is taken from its end (#p=…),
/// from --key, or for the server of the configuration from the data folder. Without a key it is fetched by plain HTTP.
#[derive(Args)]
pub(super) struct Get {
    /// The address, such as https://files.example.org/file/ID#p=KEY
    url: DownloadUrl,
    /// Where to write it, "-" for standard output; by default a file named by the id
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    way: Way,
}

/// How requests travel.
#[derive(Args)]
struct Way {
    /// The server's X25519 public key, as `key show` prints it
    #[arg(long, value_name = "HEX", value_parser = key)]
    key: Option<X25519Public>,
    /// The cipher of the envelope
    #[arg(long, value_name = "CIPHER", default_value = "xchacha20")]
    cipher: CipherName,
    /// Use plain HTTP, without an onion envelope
    #[arg(long, conflicts_with = "cipher")]
    direct: bool,
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

pub(super) fn key(text: &str) -> Result<X25519Public, String> {
    X25519Public::from_hex(text).ok_or_else(|| "a key has 64 hex digits".to_owned())
}

/// The address of the server without a slash at its end.
fn trimmed(url: &str) -> &str {
    url.trim_end_matches('/')
}

impl Way {
    /// The keys that the server may have, in the order to try them. `from_address` are those that the address brought.
    fn keys(&self, url: &str, settings: &Settings, from_address: Vec<X25519Public>) -> Result<Vec<X25519Public>> {
        if let Some(key) = self.key {
            return Ok(vec![key]);
        }
        if !from_address.is_empty() {
            return Ok(from_address);
        }
        if trimmed(url) == settings.base_url() {
            return match Keys::read(&settings.data()) {
                Ok(keys) => Ok(vec![*keys.onion.public()]),
                Err(_) if self.direct => Ok(Vec::new()),
                Err(error) => Err(error.into()),
            };
        }
        if !self.direct {
            eprintln!("fileserver: the key of {url} is not known, so no onion envelope is used; --key names it");
        }
        Ok(Vec::new())
    }

    /// How to reach the server, one attempt after the other; `None` is plain HTTP.
    fn attempts(&self, keys: &[X25519Public]) -> Vec<Option<X25519Public>> {
        if self.direct || keys.is_empty() {
            return vec![None];
        }
        keys.iter().copied().map(Some).collect()
    }
}

impl Put {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let bytes = self.read()?;
        let url = trimmed(self.url.as_deref().unwrap_or(&settings.base_url())).to_owned();
        let keys = self.way.keys(&url, settings, Vec::new())?;
        let key = self.way.attempts(&keys).first().copied().flatten();
        let bar = progress::bytes(bytes.len() as u64);
        let shown = bar.clone();
        let remote = Remote::new(&url, key, self.way.cipher.into())?.with_progress(move |progress| {
            if let Progress::Sent(sent) = progress {
                shown.inc(sent as u64);
            }
        });
        let uploaded = remote.upload(bytes, self.ttl.map(|ttl| ttl.0.as_secs())).await;
        bar.finish_and_clear();
        let uploaded = uploaded.with_context(|| format!("{url} did not take the file"))?;
        let fragment = keys.first().map(|key| format!("#p={key}")).unwrap_or_default();
        let address = format!("{url}/file/{}{fragment}", uploaded.id);
        if self.json {
            output::json(&json!({
                "url": address,
                "id": uploaded.id,
                "size": uploaded.size,
                "uploaded": uploaded.uploaded,
                "expires": uploaded.expires,
            }))?;
        } else {
            println!("{address}");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn read(&self) -> Result<Bytes> {
        let shown = self.file.display();
        let metadata = fs::metadata(&self.file).with_context(|| format!("cannot read {shown}"))?;
        if metadata.is_dir() {
            bail!("{shown} is a folder");
        }
        if metadata.len() > LARGEST {
            bail!(
                "{shown} is too large: it has {} bytes, and at most {LARGEST} fit into an onion request",
                metadata.len()
            );
        }
        let bytes = fs::read(&self.file).with_context(|| format!("cannot read {shown}"))?;
        if bytes.is_empty() {
            bail!("{shown} is empty, which file servers do not take");
        }
        Ok(bytes.into())
    }
}

impl Get {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let id: FileId = self.url.file_id.parse().context("the address names no file")?;
        let target = self.output.clone().unwrap_or_else(|| PathBuf::from(id.as_str()));
        let to_stdout = target.as_os_str() == "-";
        if !to_stdout && !self.force && target.exists() {
            bail!(
                "{} is there already; --force writes over it, -o FILE names another",
                target.display()
            );
        }
        let bytes = self.download(&id, settings).await?;
        if to_stdout {
            pipe::write(&bytes);
        } else {
            write(&target, &bytes, self.force).with_context(|| format!("cannot write {}", target.display()))?;
            eprintln!("{} ({} bytes)", target.display(), bytes.len());
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn download(&self, id: &FileId, settings: &Settings) -> Result<Bytes> {
        let url = self.url.base_url();
        let mut failure = None;
        let keys = self.way.keys(&url, settings, self.url.server_keys())?;
        for key in self.way.attempts(&keys) {
            let bar = progress::bytes(0);
            let shown = bar.clone();
            let remote = Remote::new(&url, key, self.way.cipher.into())?.with_progress(move |progress| {
                if let Progress::Received(received) = progress {
                    shown.inc(received as u64);
                    shown.set_length(shown.position());
                }
            });
            let outcome = remote.download(id).await;
            bar.finish_and_clear();
            match outcome {
                Ok(bytes) => return Ok(bytes),
                // An address does not tell which kind of key it has: another reading may do.
                Err(error) if error.is_about_key() => failure = Some(error),
                Err(error) => return Err(unfetched(error, &url)),
            }
        }
        Err(failure.map_or_else(
            || anyhow::anyhow!("the address has no key"),
            |error| unfetched(error, &url),
        ))
    }
}

fn unfetched(error: RemoteError, url: &str) -> anyhow::Error {
    anyhow::Error::from(error).context(format!("{url} did not give the file"))
}

/// Writes beside the file first, so that nothing but whole files gets its name.
fn write(target: &Path, bytes: &[u8], force: bool) -> io::Result<()> {
    if force {
        let mut draft = target.as_os_str().to_owned();
        draft.push(".part");
        fs::write(&draft, bytes)?;
        return fs::rename(&draft, target);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(target)?;
    let written = file.write_all(bytes);
    if written.is_err() {
        let _ = fs::remove_file(target);
    }
    written
}
