//! `/session_version`: which version of an app is the newest, asked through this server so that nobody else learns who
//! asks.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use shared::crypto::VersionId;
use shared::crypto::fs_auth;
use shared::crypto::sogs_auth::SignedRequest;
use shared::http::{Head, Request, Response};

use super::ApiError;
use crate::app::FileServer;
use crate::model::{Asset, Channel, Latest, Platform, Release};

#[derive(Serialize)]
struct Answer<'a> {
    status_code: u16,
    updated: f64,
    #[serde(flatten)]
    release: ReleaseAnswer<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prerelease: Option<Prerelease<'a>>,
}

#[derive(Serialize)]
struct Prerelease<'a> {
    updated: f64,
    #[serde(flatten)]
    release: ReleaseAnswer<'a>,
}

#[derive(Serialize)]
struct ReleaseAnswer<'a> {
    result: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    notes: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    assets: &'a [Asset],
}

impl<'a> From<&'a Release> for ReleaseAnswer<'a> {
    fn from(release: &'a Release) -> Self {
        let Release {
            version,
            name,
            notes,
            assets,
            ..
        } = release;
        Self {
            result: version.to_string(),
            name,
            notes,
            assets,
        }
    }
}

/// The platform is checked first, then the signature, then whether anything is known.
pub(super) async fn latest(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let head = &request.head;
    let platform: Platform = head
        .query_value("platform")
        .and_then(|name| name.parse().ok())
        .ok_or(ApiError::NotFound)?;
    let visitor = authenticate(&app, head)?;
    let channel = head.query_value("release_channel").unwrap_or_default();
    let channel: Channel = channel.parse().map_err(|()| ApiError::NothingKnown)?;
    let releases = app.releases.load();
    let Latest {
        updated,
        release,
        prerelease,
    } = releases.latest(platform, channel).ok_or(ApiError::NothingKnown)?;
    if let Some(visitor) = visitor
        && app.settings.versions.statistics
    {
        let store = app.files.store();
        let visitor = visitor.to_string();
        let counted = store.count_version_check(visitor.as_bytes(), platform, channel, app.clock.now());
        // What is known is in memory: a database that is away is no reason to withhold it.
        if let Err(error) = counted.await {
            tracing::warn!(%error, "a version check was not counted");
        }
    }
    let prerelease = prerelease.map(|release| Prerelease {
        updated,
        release: release.into(),
    });
    let answer = Answer {
        status_code: 200,
        updated,
        release: release.into(),
        prerelease,
    };
    Ok(Response::json(StatusCode::OK, &answer))
}

fn authenticate(app: &FileServer, head: &Head) -> Result<Option<VersionId>, ApiError> {
    let headers = fs_auth::Headers::pick(|name| head.credential(name));
    let method = head.method.as_str();
    let signed = SignedRequest {
        method,
        path: &head.path,
        query: head.query.as_deref(),
        body: &[],
    };
    Ok(fs_auth::verify(headers, &signed, &app.points, app.clock.now())?)
}
