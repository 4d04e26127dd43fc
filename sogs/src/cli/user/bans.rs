//! `sogs user bans`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use shared::cli::output::{self, Format};
use shared::clock::Timestamp;

use crate::cli::beside::Server;
use crate::cli::scope::{Scope, place};
use crate::store::Ban;

/// List bans, of everything if no place is named
#[derive(Args)]
#[command(mut_group("Scope", |group| group.required(false)))]
pub(in crate::cli) struct Bans {
    #[command(flatten)]
    scope: Option<Scope>,
    #[command(flatten)]
    format: Format,
}

impl Bans {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let mut bans = server.store.bans().await?;
        if let Some(scope) = &self.scope {
            let places = scope.included(server).await?;
            bans.retain(|ban| places.has(ban.room.as_deref()));
        }
        let until = |ban: &Ban| ban.until.map(Timestamp::from_nanos);
        let list = output::List {
            header: ["ID", "FROM", "UNTIL", "REASON"],
            row: &|ban: &Ban| {
                [
                    ban.session_id.clone(),
                    place(ban.room.as_deref()),
                    until(ban).map_or_else(|| "for good".to_owned(), output::time),
                    ban.reason.clone().unwrap_or_default(),
                ]
            },
            object: &|ban| {
                json!({
                    "id": ban.session_id,
                    "room": ban.room,
                    "until": until(ban),
                    "reason": ban.reason,
                })
            },
            name: &|ban| ban.session_id.clone(),
            nothing: "Nobody is banned.",
        };
        list.print(self.format, &bans)?;
        Ok(ExitCode::SUCCESS)
    }
}
