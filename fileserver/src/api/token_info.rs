//! `/token_info`: figures about the network's token, if the operator supplies them.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::clock::Timestamp;
use shared::http::{Request, Response};

use super::ApiError;
use crate::app::FileServer;

/// Days of history that are told when nothing sensible is asked for.
const USUAL_DAYS: u32 = 7;
const MOST_DAYS: u32 = 30;

const DAY_SECONDS: i64 = 86_400;

/// What the operator's file holds, and what is answered with a part of its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenInfo {
    maximum_supply: i64,
    sent_per_node: i64,
    staking_reward_pool: i64,
    history: Vec<Figures>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Figures {
    /// A decimal with six places, as text.
    current_value: String,
    circulating_supply: i64,
    total_nodes: i64,
    /// Seconds since the epoch.
    updated: f64,
}

impl TokenInfo {
    /// The same with the history from midnight so many days ago.
    fn since(mut self, now: Timestamp, days: u32) -> Self {
        let today = now.as_seconds().div_euclid(DAY_SECONDS) * DAY_SECONDS;
        let from = Timestamp::from_seconds(today).minus(Duration::from_secs(u64::from(days) * 86_400));
        self.history.retain(|figures| figures.updated >= from.as_seconds_f64());
        self
    }
}

pub(super) async fn token_info(app: Arc<FileServer>, request: Request) -> Result<Response, ApiError> {
    let path = app
        .settings
        .versions
        .token_info_file
        .as_ref()
        .ok_or(ApiError::NothingKnown)?;
    let text = tokio::fs::read(path).await.map_err(|error| unusable(&error))?;
    let info: TokenInfo = serde_json::from_slice(&text).map_err(|error| unusable(&error))?;
    let days = request.head.query_value("days").and_then(|days| days.parse().ok());
    let days = days.filter(|days| (1..=MOST_DAYS).contains(days)).unwrap_or(USUAL_DAYS);
    let info = info.since(app.clock.now(), days);
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "status_code": 200, "info": info }),
    ))
}

fn unusable(error: &dyn std::error::Error) -> ApiError {
    tracing::warn!(%error, "versions.token_info_file cannot be used");
    ApiError::NothingKnown
}
