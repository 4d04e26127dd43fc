//! Keeps the news about app versions fresh, from the operator's file or from the network.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::app::FileServer;
use crate::model::Releases;
use shared::jobs::Turns;

/// How often the operator's file is looked at.
const INTERVAL: Duration = Duration::from_secs(60);

pub(super) async fn rereading(app: Arc<FileServer>) {
    let mut turns = Turns::every(INTERVAL);
    loop {
        turns.next().await;
        turns.take("reading versions.file", reread(&app)).await;
    }
}

async fn reread(app: &FileServer) {
    let Some(path) = &app.settings.versions.file else {
        return;
    };
    match read(path).await {
        Ok(releases) => app.releases.store(Arc::new(releases)),
        Err(error) => tracing::warn!(%error, "versions.file cannot be used; what was read before stays"),
    }
}

/// Reads releases from a JSON file.
pub(super) async fn read(path: &Path) -> std::io::Result<Releases> {
    let text = tokio::fs::read(path).await?;
    let read: Releases = serde_json::from_slice(&text).map_err(std::io::Error::other)?;
    let mut releases = Releases::default();
    for (platform, project) in read.projects() {
        releases.learn(platform, project);
    }
    Ok(releases)
}
