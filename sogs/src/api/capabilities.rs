//! What this server can do (`community-api.md` section 7).

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Serialize;
use shared::http::{Request, Response, Route, Router};

use super::ApiError;
use crate::app::Community;

#[derive(Serialize)]
struct Capabilities<'a> {
    capabilities: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<&'a str>>,
}

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router.path("/capabilities", [Route::new(Method::GET, capabilities)])
}

async fn capabilities(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let capabilities: &[&str] = if app.settings.users.require_blind_keys {
        &["blind", "reactions", "sogs"]
    } else {
        &["reactions", "sogs"]
    };
    let required = request.head.query_value("required");
    let missing = required.as_deref().map(|names| {
        let missing = names.split(',').filter(|name| !capabilities.contains(name));
        missing.collect::<Vec<_>>()
    });
    let missing = missing.filter(|missing| !missing.is_empty());
    let status = if missing.is_some() {
        StatusCode::PRECONDITION_FAILED
    } else {
        StatusCode::OK
    };
    Ok(Response::json(status, &Capabilities { capabilities, missing }))
}
