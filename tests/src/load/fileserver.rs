//! Requests of the file server's scenarios.

use anyhow::Result;
use bytes::Bytes;
use rand::RngExt;
use serde::Deserialize;
use shared::client::Request;

use super::target::{Prepared, Target};

#[derive(Deserialize)]
struct Uploaded {
    id: String,
}

/// Uploads of random bytes: `count` requests with `distinct` different bodies of `size` bytes each. Equal bodies are
/// equal files, which the server keeps once, and their requests share memory.
///
/// # Errors
///
/// When the requests cannot be built.
pub fn uploads(target: &Target, count: usize, distinct: usize, size: usize) -> Result<Vec<Prepared>> {
    let built = (0..distinct.clamp(1, count.max(1))).map(|_| upload(target, size));
    let built: Vec<_> = built.collect::<Result<_>>()?;
    Ok(built.into_iter().cycle().take(count).collect())
}

fn upload(target: &Target, size: usize) -> Result<Prepared> {
    let mut body = vec![0; size];
    rand::rng().fill(&mut body[..]);
    let request = Request::new("POST", "/file").header("content-type", "application/octet-stream");
    target.prepare(request.body(Bytes::from(body)))
}

/// Puts some files there, to have something to ask for.
///
/// # Errors
///
/// When the server does not take one.
pub async fn put(target: &Target, count: usize, size: usize) -> Result<Vec<String>> {
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        let answer = upload(target, size)?.send().await?.expect_success()?;
        let Uploaded { id } = serde_json::from_slice(&answer)?;
        ids.push(id);
    }
    Ok(ids)
}

/// Downloads of these files in turn.
///
/// # Errors
///
/// When the requests cannot be built.
pub fn downloads(target: &Target, ids: &[String], count: usize) -> Result<Vec<Prepared>> {
    gets(target, ids, count, "")
}

/// Questions about these files in turn.
///
/// # Errors
///
/// When the requests cannot be built.
pub fn infos(target: &Target, ids: &[String], count: usize) -> Result<Vec<Prepared>> {
    gets(target, ids, count, "/info")
}

fn gets(target: &Target, ids: &[String], count: usize, rest: &str) -> Result<Vec<Prepared>> {
    let requests = ids.iter().cycle().take(count);
    requests
        .map(|id| target.prepare(Request::new("GET", &format!("/file/{id}{rest}"))))
        .collect()
}
