//! Work on requests that grows with their bodies.

use std::sync::Arc;

use shared::http::Request;

use crate::api::ApiError;
use crate::app::Community;

/// Bodies from this size on are worked on off the threads that serve sockets.
const HEAVY: usize = 32 * 1024;

/// Does the work here if the body is small, otherwise where nobody else waits for it.
///
/// # Errors
///
/// [`ApiError::Panicked`].
pub(crate) async fn with_body<T: Send + 'static>(
    app: &Arc<Community>,
    request: Request,
    work: impl FnOnce(&Community, &Request) -> T + Send + 'static,
) -> Result<(Request, T), ApiError> {
    if request.body.len() < HEAVY {
        let done = work(app, &request);
        return Ok((request, done));
    }
    let app = Arc::clone(app);
    let aside = tokio::task::spawn_blocking(move || {
        let done = work(&app, &request);
        (request, done)
    });
    aside.await.map_err(|_| ApiError::Panicked)
}
