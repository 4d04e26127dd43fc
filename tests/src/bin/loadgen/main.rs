//! Measures a running server: requests per second, latencies, and what a request costs the server.

mod community;
mod fileserver;
mod pace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures a running server: requests per second, latencies, and what a request costs the server.
///
/// Requests are built, signed and encrypted before the clock starts. Answers are decrypted after theirs has stopped, but
/// on the same machine: trust the server's processor time more than requests per second, unless the server has cores to
/// itself.
///
/// The server's settings count too. Start a file server with FILESERVER_HTTP_MISSES_PER_MINUTE=0 and without an upload
/// allowance, a community server with SOGS_LIMITS_UPLOADS_PER_HOUR=0, and lift the rate limit of the room with
/// `sogs room set TOKEN --rate-limit off`.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Scenario {
    /// File server: upload random bytes
    Upload(fileserver::Load),
    /// File server: download files that are put there first
    Download(fileserver::Load),
    /// File server: ask about files that are put there first
    Info(fileserver::Load),
    /// File server: as many clients as --requests, 1000 by default, upload at the same moment; fails unless each is
    /// answered 200 or 503
    Flood(fileserver::Load),
    /// Community server: ask for the list of rooms
    Rooms(community::Load),
    /// Community server: ask for the latest 100 messages
    Recent(community::Load),
    /// Community server: ask what is new, with the batch of five that clients send every few seconds
    Poll(community::Poll),
    /// Community server: post messages of random bytes
    Post(community::Post),
    /// Community server: upload random bytes
    CommunityUpload(community::Upload),
    /// Community server: download files that are put there first
    CommunityDownload(community::Download),
    /// Community server: fill a room with messages, straight in the database
    Seed(community::Seed),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    shared::crypto::init()?;
    let Cli { scenario } = Cli::parse();
    let report = match &scenario {
        Scenario::Upload(load) => load.upload().await?,
        Scenario::Download(load) => load.download().await?,
        Scenario::Info(load) => load.info().await?,
        Scenario::Flood(load) => load.flood().await?,
        Scenario::Rooms(load) => load.rooms().await?,
        Scenario::Recent(load) => load.recent().await?,
        Scenario::Poll(poll) => poll.poll().await?,
        Scenario::Post(post) => post.post().await?,
        Scenario::CommunityUpload(upload) => upload.upload().await?,
        Scenario::CommunityDownload(download) => download.download().await?,
        Scenario::Seed(seed) => {
            seed.seed().await?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let is_orderly = report.statuses.keys().all(|status| status == "200" || status == "503");
    Ok(if matches!(scenario, Scenario::Flood(_)) && !is_orderly {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
