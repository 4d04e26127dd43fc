//! Commands about single files. They work beside a running server, which honours them at once.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use shared::cli::output::Format;
use shared::clock::{Clock, Timestamp};
use shared::config::Span;

use super::{ids, open_files, open_store, output};
use crate::model::FileId;
use crate::settings::Settings;
use crate::store::{Blocked as BlockedRow, FileRow};

/// Show a file's size and times
#[derive(Args)]
pub(super) struct Info {
    /// Id or address of the file
    #[arg(value_parser = ids::parse)]
    id: FileId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Let a file live longer
#[derive(Args)]
pub(super) struct Extend {
    /// Id or address of the file
    #[arg(value_parser = ids::parse)]
    id: FileId,
    /// How long from now, such as "30 days"; by default as long as a new file
    #[arg(long = "for", value_name = "TIME", value_parser = Span::with_unit)]
    span: Option<Span>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Delete files at once
#[derive(Args)]
pub(super) struct Delete {
    /// Ids or addresses of the files
    #[arg(required = true, value_parser = ids::parse)]
    ids: Vec<FileId>,
}

/// Stop serving files, and refuse to take their bytes again
///
/// The bytes stay on disk until the file expires; `fileserver delete` removes them at once.
#[derive(Args)]
pub(super) struct Block {
    /// Ids or addresses of the files
    #[arg(required = true, value_parser = ids::parse)]
    ids: Vec<FileId>,
    /// Why, for your own records
    #[arg(long, default_value = "")]
    note: String,
}

/// Serve blocked files again, and take their bytes again
#[derive(Args)]
pub(super) struct Unblock {
    /// Ids or addresses of the files
    #[arg(required = true, value_parser = ids::parse)]
    ids: Vec<FileId>,
}

/// List blocked ids
#[derive(Args)]
pub(super) struct Blocked {
    #[command(flatten)]
    format: Format,
}

#[derive(Serialize)]
struct Described<'a> {
    id: &'a str,
    size: u64,
    uploaded: Timestamp,
    expires: Timestamp,
}

fn describe(row: &FileRow, as_json: bool) -> Result<()> {
    let FileRow {
        id,
        size,
        uploaded,
        expires,
        ..
    } = row;
    if as_json {
        return output::json(&Described {
            id,
            size: *size,
            uploaded: *uploaded,
            expires: *expires,
        });
    }
    println!("id        {id}");
    println!("size      {} ({size} bytes)", output::size(*size));
    println!("uploaded  {}", output::time(*uploaded));
    println!("expires   {}", output::time(*expires));
    Ok(())
}

const GONE: &str = "there is no such file: it never was, has expired, was deleted or is blocked";

impl Info {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let store = open_store(settings).await?;
        let row = store.find(&self.id, Clock::system().now()).await?.context(GONE)?;
        describe(&row, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Extend {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let store = open_store(settings).await?;
        let now = Clock::system().now();
        let expires = now.plus(self.span.unwrap_or(settings.files.default_ttl).0);
        let row = store.extend(&self.id, now, expires).await?.context(GONE)?;
        describe(&row, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Delete {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let files = open_files(settings).await?;
        let mut code = ExitCode::SUCCESS;
        for id in &self.ids {
            if files.delete(id).await? {
                println!("deleted {id}");
            } else {
                eprintln!("fileserver: there is no file {id}");
                code = ExitCode::FAILURE;
            }
        }
        Ok(code)
    }
}

impl Block {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let store = open_store(settings).await?;
        for id in &self.ids {
            for blocked in store.block(id, &self.note, Clock::system().now()).await? {
                println!("blocked {blocked}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Unblock {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let store = open_store(settings).await?;
        let mut code = ExitCode::SUCCESS;
        for id in &self.ids {
            if store.unblock(id).await? {
                println!("unblocked {id}");
            } else {
                eprintln!("fileserver: {id} was not blocked");
                code = ExitCode::FAILURE;
            }
        }
        Ok(code)
    }
}

impl Blocked {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let blocked = open_store(settings).await?.blocked().await?;
        let since = |blocked: &BlockedRow| Timestamp::from_nanos(blocked.since);
        let list = output::List {
            header: ["ID", "SINCE", "NOTE"],
            row: &|blocked: &BlockedRow| [blocked.id.clone(), output::time(since(blocked)), blocked.note.clone()],
            object: &|blocked| json!({ "id": blocked.id, "since": since(blocked), "note": blocked.note }),
            name: &|blocked| blocked.id.clone(),
            nothing: "Nothing is blocked.",
        };
        list.print(self.format, &blocked)?;
        Ok(ExitCode::SUCCESS)
    }
}
