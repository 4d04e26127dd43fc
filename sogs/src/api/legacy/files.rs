//! Files in base64 inside JSON.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use shared::http::{Body, JsonFile, JsonFileError, Request, Response, read_json_file};

use super::super::files::admit;
use super::{ApiError, done, refuse_blinded, visit};
use crate::api::input;
use crate::app::Community;
use crate::caller::Visit;
use crate::files::{UNATTACHED, Upload};
use crate::model::{Need, Room};

pub(super) async fn upload(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = visit(&app, &request.head).await?;
    visit.user_who_may(Need::Upload)?;
    let id = store(&app, &visit, &request, app.settings.files.lifetime()).await?;
    Ok(done(json!({ "result": id })))
}

pub(super) async fn download(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let id = input::path_number(&request.head, "id")?;
    let visit = visit(&app, &request.head).await?;
    visit.require(Need::Read)?;
    answer(&app, &visit.room, id).await
}

pub(super) async fn image(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    let visit = app.visit(&request.head).await?;
    if !visit.may.allows(Need::Access) {
        return Err(ApiError::NotFound("room"));
    }
    let image = visit.room.image.ok_or(ApiError::NotFound("file"))?;
    answer(&app, &visit.room, image).await
}

pub(super) async fn set_image(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    refuse_blinded(&app, &request.head)?;
    let visit = app.visit(&request.head).await?;
    visit.user_who_may(Need::Admin)?;
    let id = store(&app, &visit, &request, Some(UNATTACHED)).await?;
    let mut write = app.write(&request.head).await?;
    if !write
        .set_image(visit.room.no, id, app.settings.files.lifetime())
        .await?
    {
        return Err(ApiError::NotFound("file"));
    }
    app.commit(&request.head, write).await?;
    Ok(done(json!({ "result": id })))
}

/// Stores the file in a body.
async fn store(app: &Community, visit: &Visit, request: &Request, lifetime: Option<Duration>) -> Result<i64, ApiError> {
    let uploader = visit.user()?.user.no;
    let (body, max_size) = (request.body.clone(), app.settings.files.max_size.0);
    let bytes = tokio::task::spawn_blocking(move || read_json_file(&body, max_size))
        .await
        .map_err(|_| ApiError::Panicked)?
        .map_err(|error| match error {
            JsonFileError::Malformed => ApiError::bad(error.to_string()),
            JsonFileError::TooLarge => ApiError::TooLarge("The file is too large"),
        })?;
    admit(app, visit, uploader, bytes.len())?;
    let upload = Upload {
        room: visit.room.no,
        uploader,
        filename: None,
        bytes,
        lifetime,
    };
    app.store_file(&request.head, upload).await
}

async fn answer(app: &Community, room: &Room, id: i64) -> Result<Response, ApiError> {
    let found = app.files.open(room.no, id).await?;
    let (_, blob) = found.ok_or(ApiError::NotFound("file"))?;
    Ok(match blob {
        Some(blob) => Response::new(StatusCode::OK, &mime::APPLICATION_JSON, Body::source(JsonFile(blob))),
        None => done(json!({ "result": "" })),
    })
}
