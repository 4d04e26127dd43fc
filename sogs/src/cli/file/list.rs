//! `sogs file list`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;

use super::filter::Filter;
use crate::cli::beside::Server;
use crate::store::FileEntry;

/// List files that have not expired, the newest first
#[derive(Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    filter: Filter,
    /// With a smaller number than this
    #[arg(long, value_name = "NUMBER")]
    before: Option<i64>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    format: Format,
}

impl List {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let filter = self.filter.find(server).await?;
        let before = self.before.unwrap_or(i64::MAX);
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let one_more = i64::from(self.limit) + 1;
        let now = server.clock.now();
        let mut files = server.store.files(&filter, before, now, one_more).await?;
        let more = files.len() > most;
        files.truncate(most);
        print(self.format, &files)?;
        if let (true, Some(last)) = (more, files.last()) {
            eprintln!("There are more files: --before {} goes on from there.", last.id);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints files.
pub(super) fn print(format: Format, files: &[FileEntry]) -> Result<()> {
    let list = output::List {
        header: [
            "NUMBER", "SIZE", "UPLOADED", "EXPIRES", "ROOM", "UPLOADER", "MESSAGE", "NAME",
        ],
        row: &|file: &FileEntry| {
            [
                file.id.to_string(),
                output::size(file.size.unsigned_abs()),
                output::time(Timestamp::from_nanos(file.uploaded)),
                expires(file),
                file.room.clone().unwrap_or_default(),
                file.uploader.clone().unwrap_or_default(),
                belongs_to(file),
                output::excerpt(file.filename.as_deref().unwrap_or_default(), 60),
            ]
        },
        object: &object,
        name: &|file| file.id.to_string(),
        nothing: "No such files.",
    };
    list.print(format, files)
}

/// When a file ends.
pub(in crate::cli) fn expires(file: &FileEntry) -> String {
    match file.expiry {
        None => "never".to_owned(),
        // Deleted, and not swept up yet.
        Some(0) => "deleted".to_owned(),
        Some(expiry) => output::time(Timestamp::from_nanos(expiry)),
    }
}

/// The message of a file, or what else it is for.
fn belongs_to(file: &FileEntry) -> String {
    match (file.message, file.image) {
        (_, true) => "(image of the room)".to_owned(),
        (Some(message), _) => message.to_string(),
        (None, _) => "(none)".to_owned(),
    }
}

/// What programs are told about a file.
pub(in crate::cli) fn object(file: &FileEntry) -> Value {
    json!({
        "id": file.id,
        "size": file.size,
        "uploaded": Timestamp::from_nanos(file.uploaded),
        "expires": file.expiry.map(Timestamp::from_nanos),
        "room": file.room,
        "uploader": file.uploader,
        "message": file.message,
        "image": file.image,
        "name": file.filename,
    })
}
