//! Asks a service that lists releases as GitHub does. No client ever waits for it: what was learnt last is kept on disk
//! and served until there is something newer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use shared::http::StatusCode;
use shared::jobs::Turns;

use super::releases;
use crate::app::FileServer;
use crate::model::{Asset, Platform, Project, Release, Version};

/// How long to wait for the service.
const PATIENCE: Duration = Duration::from_secs(5);

/// Releases of each project that are asked for. More than the newest three, because drafts and odd tags are skipped.
const ASKED_FOR: u32 = 10;

/// The most bytes of an answer that are read.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
struct Listed {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    name: Option<String>,
    body: Option<String>,
    #[serde(default)]
    assets: Vec<ListedAsset>,
}

#[derive(Deserialize)]
struct ListedAsset {
    name: String,
    browser_download_url: Option<String>,
}

/// Asks for one project after the other, evenly spread over the interval, for ever.
pub(super) async fn fetching(app: Arc<FileServer>) {
    let kept = kept(&app);
    if let Ok(releases) = releases::read(&kept).await {
        app.releases.store(Arc::new(releases));
    }
    let http = match shared::client::http() {
        Ok(http) => http,
        Err(error) => {
            tracing::error!(%error, "news about app versions cannot be fetched");
            return;
        }
    };
    let projects = Platform::ALL.len();
    let mut turns = Turns::every(app.settings.versions.fetch_interval.0 / u32::try_from(projects).unwrap_or(1));
    for platform in Platform::ALL.into_iter().cycle() {
        turns.next().await;
        turns
            .take("fetching app versions", fetch(&app, &http, platform, &kept))
            .await;
    }
}

async fn fetch(app: &FileServer, http: &reqwest::Client, platform: Platform, kept: &Path) {
    let project = project(app, platform);
    if project.is_empty() {
        return;
    }
    match ask(app, http, project).await {
        Ok(releases) => learn(app, platform, releases, kept).await,
        Err(error) => tracing::warn!(project, error, "news about app versions could not be fetched"),
    }
}

/// The file that keeps what was learnt last.
fn kept(app: &FileServer) -> PathBuf {
    app.settings.data().join("versions.json")
}

fn project(app: &FileServer, platform: Platform) -> &str {
    let versions = &app.settings.versions;
    match platform {
        Platform::Desktop => &versions.desktop_project,
        Platform::Android => &versions.android_project,
        Platform::Ios => &versions.ios_project,
    }
}

async fn ask(app: &FileServer, http: &reqwest::Client, project: &str) -> Result<Vec<Release>, String> {
    let upstream = app.settings.versions.upstream.trim_end_matches('/');
    let url = format!("{upstream}/repos/{project}/releases?per_page={ASKED_FOR}");
    let answer = http
        .get(url)
        .timeout(PATIENCE)
        .header("user-agent", "session-file-server")
        .send();
    let mut answer = answer.await.map_err(|error| error.to_string())?;
    if answer.status().as_u16() != StatusCode::OK.as_u16() {
        return Err(format!("the service answered {}", answer.status()));
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| error.to_string())? {
        if body.len() + piece.len() > ANSWER_LIMIT {
            return Err("the answer is too large".to_owned());
        }
        body.extend_from_slice(&piece);
    }
    let listed: Vec<Listed> = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    Ok(listed
        .into_iter()
        .filter(|listed| !listed.draft)
        .filter_map(release)
        .collect())
}

/// A release whose tag is a version; others are skipped.
fn release(listed: Listed) -> Option<Release> {
    let Some(version) = Version::from_tag(&listed.tag_name) else {
        tracing::warn!(
            tag = listed.tag_name,
            "a release has a tag that is no version; it is skipped"
        );
        return None;
    };
    let asset = |listed: ListedAsset| {
        Some(Asset {
            name: listed.name,
            url: listed.browser_download_url?,
        })
    };
    Some(Release {
        version,
        prerelease: listed.prerelease,
        name: listed.name.unwrap_or_default(),
        notes: listed.body.unwrap_or_default(),
        assets: listed.assets.into_iter().filter_map(asset).collect(),
    })
}

async fn learn(app: &FileServer, platform: Platform, releases: Vec<Release>, kept: &Path) {
    if releases.is_empty() {
        return;
    }
    let mut known = app.releases.load_full().as_ref().clone();
    known.learn_more(
        platform,
        Project {
            updated: app.clock.now().as_seconds_f64(),
            releases,
        },
    );
    let text = serde_json::to_vec(&known).unwrap_or_default();
    app.releases.store(Arc::new(known));
    // To a file beside it first, so that a crash leaves no half of it.
    let draft = kept.with_extension("json.new");
    let written = async {
        tokio::fs::write(&draft, text).await?;
        tokio::fs::rename(&draft, kept).await
    };
    shared::jobs::report(written.await, "keeping the news about app versions");
}
