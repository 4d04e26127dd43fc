//! `sogs user bans`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use shared::cli::output;
use shared::clock::Timestamp;

use crate::cli::beside::Server;
use crate::cli::scope::Scope;

/// List bans, of everything if no place is named
#[derive(Args)]
#[command(mut_group("Scope", |group| group.required(false)))]
pub(in crate::cli) struct Bans {
    #[command(flatten)]
    scope: Option<Scope>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Bans {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let mut bans = server.store.bans().await?;
        if let Some(scope) = &self.scope {
            scope.check(server).await?;
            bans.retain(|ban| scope.includes(ban.room.as_deref()));
        }
        if self.json {
            let all = bans.iter().map(|ban| {
                json!({
                    "id": ban.session_id,
                    "room": ban.room,
                    "until": ban.until.map(Timestamp::from_nanos),
                    "reason": ban.reason,
                })
            });
            output::json(&all.collect::<Vec<_>>())?;
        } else if bans.is_empty() {
            println!("Nobody is banned.");
        } else {
            let rows = bans.into_iter().map(|ban| {
                let until = ban.until.map(Timestamp::from_nanos);
                [
                    ban.session_id,
                    ban.room.unwrap_or_else(|| "(whole server)".to_owned()),
                    until.map_or_else(|| "for good".to_owned(), output::time),
                    ban.reason.unwrap_or_default(),
                ]
            });
            output::table(["ID", "FROM", "UNTIL", "REASON"], rows);
        }
        Ok(ExitCode::SUCCESS)
    }
}
