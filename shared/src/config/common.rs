//! Keys and flags that both servers have.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Secret, Size, Span};
use crate::blob::S3Options;
use crate::http::{Limits, MissLimiter};

/// The window in which "not found" answers are counted.
pub const MISS_WINDOW: Duration = Duration::from_secs(60);

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Keys that both servers have. Their defaults, where the servers differ, are the servers' own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CommonSettings {
    /// Folder for the key, the database and the files.
    pub data: Option<PathBuf>,
    /// Address and port to serve on. Keep it on this machine and put a proxy in front.
    pub listen: Option<SocketAddr>,
    /// The public address, such as `https://files.example.org`; it is shown to the operator and used for links.
    pub base_url: Option<String>,
    /// The database: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`. By default a SQLite file in the data folder.
    pub database_url: Option<Secret>,
    /// Where files are kept: a folder, or `s3://BUCKET/PREFIX`. By default a folder in the data folder.
    pub blob_url: Option<String>,
    /// Address and port for `/metrics`, `/healthz` and `/readyz`. Off if not set.
    pub metrics_listen: Option<SocketAddr>,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace` or `off`. From `debug` on, file ids are logged.
    pub log_level: Option<String>,
    /// How log lines are written: `text` or `json`.
    pub log_format: LogFormat,
    /// Access to an S3 object store.
    pub s3: S3Options,
    /// Limits for requests.
    pub http: HttpSettings,
}

/// Limits for requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct HttpSettings {
    /// Bytes that bodies in flight may take up in memory together. Beyond that requests wait, then get 503.
    pub body_budget: Size,
    /// How long a request waits for room in that budget.
    pub budget_wait: Span,
    /// Time to send the head of a request.
    pub head_timeout: Span,
    /// How long a connection may be idle between requests.
    pub idle_timeout: Span,
    /// Longest pause while a body is sent. When this time is over, it must also have come at 64 kB a second on average.
    pub body_idle_timeout: Span,
    /// Longest time for a whole body. A client that takes a large answer slowly has so much time too, and more as long as
    /// it takes 64 kB a second on average; then the connection is cut.
    pub body_timeout: Span,
    /// Time that a request may take once it has arrived.
    pub handler_timeout: Span,
    /// How long requests may go on when the server is asked to stop.
    pub shutdown_timeout: Span,
    /// Connections at the same time.
    pub max_connections: u32,
    /// Threads that serve sockets; 0 means one for each core.
    pub workers: u16,
    /// Header in which a proxy on this machine or in a private network names the client, such as `X-Forwarded-For`. Only
    /// used, in memory, to slow down clients that guess ids.
    pub client_address_header: Option<String>,
    /// How often a direct client may be told "not found" within a minute before it gets 429; 0 means as often as it
    /// likes.
    pub misses_per_minute: u32,
}

impl Default for HttpSettings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            body_budget: Size(256 * 1024 * 1024),
            budget_wait: Span(limits.budget_wait),
            head_timeout: Span(limits.head_timeout),
            idle_timeout: Span(limits.idle_timeout),
            body_idle_timeout: Span(limits.body_idle_timeout),
            body_timeout: Span(limits.body_timeout),
            handler_timeout: Span(limits.handler_timeout),
            shutdown_timeout: Span(limits.shutdown_timeout),
            max_connections: u32::try_from(limits.max_connections).unwrap_or(u32::MAX),
            workers: 0,
            client_address_header: None,
            misses_per_minute: 600,
        }
    }
}

impl HttpSettings {
    /// Counts "not found" answers, if they are to be limited.
    #[must_use]
    pub fn miss_limiter(&self) -> Option<MissLimiter> {
        (self.misses_per_minute > 0).then(|| MissLimiter::new(self.misses_per_minute, MISS_WINDOW))
    }

    /// The limits as the HTTP layer wants them.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            head_timeout: self.head_timeout.0,
            idle_timeout: self.idle_timeout.0,
            body_idle_timeout: self.body_idle_timeout.0,
            body_timeout: self.body_timeout.0,
            handler_timeout: self.handler_timeout.0,
            budget_wait: self.budget_wait.0,
            linger: default.linger,
            shutdown_timeout: self.shutdown_timeout.0,
            max_connections: self.max_connections as usize,
            workers: if self.workers == 0 {
                default.workers
            } else {
                usize::from(self.workers)
            },
        }
    }
}

/// Flags that both servers have, before and after a subcommand.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Common options")]
pub struct CommonFlags {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Folder for the key, the database and the files
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<String>,
    /// Address and port to serve on
    #[arg(long, value_name = "ADDR:PORT", global = true)]
    pub listen: Option<String>,
    /// The public address
    #[arg(long, value_name = "URL", global = true)]
    pub base_url: Option<String>,
    /// The database: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL", global = true)]
    pub database_url: Option<String>,
    /// Where files are kept: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL", global = true)]
    pub blob_url: Option<String>,
    /// Address and port for metrics and health
    #[arg(long, value_name = "ADDR:PORT", global = true)]
    pub metrics_listen: Option<String>,
    /// error, warn, info, debug, trace or off
    #[arg(long, value_name = "LEVEL", global = true)]
    pub log_level: Option<String>,
    /// text or json
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,
}

/// Where a server that is installed for the whole machine has its configuration: `/etc/sogs/sogs.toml` for `SOGS`.
#[must_use]
pub fn installed_config(prefix: &str) -> PathBuf {
    let name = prefix.to_ascii_lowercase();
    PathBuf::from(format!("/etc/{name}/{name}.toml"))
}

impl CommonFlags {
    /// The configuration file: the flag's, or the environment's, or that of an installed server, or that in the data
    /// folder.
    #[must_use]
    pub fn config_file(&self, prefix: &str) -> Option<PathBuf> {
        let variable = |key: &str| std::env::var_os(format!("{prefix}_{key}")).filter(|value| !value.is_empty());
        let named = self.config.clone().or_else(|| variable("CONFIG").map(PathBuf::from));
        // Who names a data folder means another server than the installed one.
        let elsewhere = self.data.is_some() || variable("DATA").is_some();
        let installed = || Some(installed_config(prefix)).filter(|file| !elsewhere && file.is_file());
        let beside = || Some(self.config_beside(prefix)).filter(|file| file.is_file());
        named.or_else(installed).or_else(beside)
    }

    /// The configuration file in the data folder that flags or environment name, or else the usual one, be it there or
    /// not: `data/sogs/sogs.toml` for `SOGS`.
    #[must_use]
    pub fn config_beside(&self, prefix: &str) -> PathBuf {
        let name = prefix.to_ascii_lowercase();
        let variable = || std::env::var_os(format!("{prefix}_DATA")).filter(|value| !value.is_empty());
        let data = self
            .data
            .clone()
            .map(PathBuf::from)
            .or_else(|| variable().map(PathBuf::from));
        data.unwrap_or_else(|| PathBuf::from("./data").join(&name))
            .join(format!("{name}.toml"))
    }

    /// How commands for the same server begin: the program with the flags that say which server is meant.
    #[must_use]
    pub fn command(&self, program: &str) -> String {
        let mut command = program.to_owned();
        if let Some(file) = &self.config {
            command.push_str(&format!(" --config {}", file.display()));
        }
        if let Some(data) = &self.data {
            command.push_str(&format!(" --data {data}"));
        }
        command
    }

    /// The flags that were given, as pairs of key and value.
    #[must_use]
    pub fn given(&self) -> Vec<(&'static str, String)> {
        [
            ("data", &self.data),
            ("listen", &self.listen),
            ("base_url", &self.base_url),
            ("database_url", &self.database_url),
            ("blob_url", &self.blob_url),
            ("metrics_listen", &self.metrics_listen),
            ("log_level", &self.log_level),
            ("log_format", &self.log_format),
        ]
        .into_iter()
        .filter_map(|(key, value)| value.clone().map(|value| (key, value)))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_server_has_its_configuration_under_etc() {
        assert_eq!(installed_config("SOGS"), PathBuf::from("/etc/sogs/sogs.toml"));
    }

    #[test]
    fn a_file_in_the_data_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let flags = CommonFlags {
            data: Some(folder.path().display().to_string()),
            ..CommonFlags::default()
        };
        assert_eq!(flags.config_file("SOGS"), None);
        let file = folder.path().join("sogs.toml");
        std::fs::write(&file, "").unwrap();
        assert_eq!(flags.config_file("SOGS"), Some(file));
    }

    #[test]
    fn commands_for_the_same_server_name_it_as_this_one_did() {
        assert_eq!(CommonFlags::default().command("sogs"), "sogs");
        let flags = CommonFlags {
            config: Some(PathBuf::from("here.toml")),
            data: Some("there".to_owned()),
            listen: Some("127.0.0.1:9".to_owned()),
            ..CommonFlags::default()
        };
        assert_eq!(flags.command("sogs"), "sogs --config here.toml --data there");
    }

    #[test]
    fn a_file_that_is_named_is_the_configuration_wherever_it_is() {
        let flags = CommonFlags {
            config: Some(PathBuf::from("here.toml")),
            data: Some("there".to_owned()),
            ..CommonFlags::default()
        };
        assert_eq!(flags.config_file("SOGS"), flags.config);
    }
}
