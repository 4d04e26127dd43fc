//! `sogs init`.

use std::process::ExitCode;

use anyhow::Result;
use shared::clock::Clock;

use crate::serve::{Opened, open, prepare};
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings) -> Result<ExitCode> {
    let Opened { key, store, serving } = open(settings).await?;
    prepare(&store, &Clock::system(), key.public()).await?;
    serving.end().await;
    store.database().close().await;
    println!("Data folder: {}", settings.data().display());
    println!("Public key: {}", key.public());
    Ok(ExitCode::SUCCESS)
}
