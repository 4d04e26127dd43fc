//! Pins (`community-api.md` section 11). Whoever did not sign is nobody's admin: 403 here, not 401.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::json;
use shared::http::{Request, Response, Route, Router};

use super::{ApiError, input};
use crate::app::Community;
use crate::model::Need;

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path("/room/{token}/pin/{id}", [Route::new(Method::POST, pin)])
        .path("/room/{token}/unpin/all", [Route::new(Method::POST, unpin_all)])
        .path("/room/{token}/unpin/{id}", [Route::new(Method::POST, unpin)])
}

async fn pin(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let message = input::path_number(&request.head, "id")?;
    let visit = app.visit(&request.head).await?;
    visit.require(Need::Admin)?;
    let admin = visit.user()?;
    let mut write = app.write(&request.head).await?;
    let info_updates = write.pin(visit.room.no, message, admin.user.no).await?;
    app.commit(&request.head, write).await?;
    Ok(Response::json(StatusCode::OK, &json!({ "info_updates": info_updates })))
}

async fn unpin(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let message = input::path_number(&request.head, "id")?;
    let visit = app.visit(&request.head).await?;
    visit.require(Need::Admin)?;
    let mut write = app.write(&request.head).await?;
    let (unpinned, info_updates) = write
        .unpin(visit.room.no, message, app.settings.files.lifetime())
        .await?;
    app.commit(&request.head, write).await?;
    let answer = json!({ "unpinned": unpinned, "info_updates": info_updates });
    Ok(Response::json(StatusCode::OK, &answer))
}

async fn unpin_all(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = app.visit(&request.head).await?;
    visit.require(Need::Admin)?;
    let mut write = app.write(&request.head).await?;
    let (unpinned, info_updates) = write.unpin_all(visit.room.no, app.settings.files.lifetime()).await?;
    app.commit(&request.head, write).await?;
    let answer = json!({ "unpinned": unpinned, "info_updates": info_updates });
    Ok(Response::json(StatusCode::OK, &answer))
}
