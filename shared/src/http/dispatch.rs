//! The one door: direct requests, the insides of onion requests and elements of batches all come through here.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};

use super::{Budget, Limits, Request, Response, Router};
use crate::crypto::ServerKeys;
use crate::onion::is_onion_endpoint;
use crate::onion::v3::Slashless;

/// What the layer needs of a server: its routes, its way to word an error, its keys and limits.
pub trait App: Sized + Send + Sync + 'static {
    /// The route table.
    fn router(&self) -> &Router<Self>;

    /// The answer to a request that never reached a handler, or whose handler failed.
    fn refusal(&self, status: StatusCode) -> Response;

    /// The keys that open onion requests.
    fn onion_keys(&self) -> &OnionKeys;

    /// The byte budget for bodies in flight.
    fn budget(&self) -> &Budget;

    /// Time and size limits.
    fn limits(&self) -> &Limits;

    /// Answers a request from outside, direct or from inside an onion request. A server that wants to know who asks
    /// finds out here, before it calls [`dispatch`], so that whoever is refused learns nothing about routes.
    fn enter(self: Arc<Self>, request: Request) -> BoxFuture<'static, Response> {
        Box::pin(async move { dispatch(&self, request).await })
    }

    /// The most bytes of a body that are read although no route takes the request, because [`App::enter`] may refuse
    /// it for another reason. `None` if the refusal is the same with and without the body.
    fn unrouted_body_limit(&self) -> Option<u64> {
        None
    }
}

/// How onion requests are opened.
pub struct OnionKeys {
    /// Tried in order.
    pub keys: ServerKeys,
    /// What an endpoint without leading slash means in an onion request of version 3.
    pub slashless: Slashless,
}

/// Answers one request: finds its route, applies the route's limits, runs its handler. A handler that panics is
/// answered 500, one that takes too long 504.
pub async fn dispatch<A: App>(app: &Arc<A>, mut request: Request) -> Response {
    let method = request.head.method.clone();
    if is_onion_endpoint(&request.head.path) {
        // One request could otherwise cost a decryption at every level.
        return app.refusal(StatusCode::BAD_REQUEST);
    }
    let found = match app.router().find(&method, &request.head.path) {
        Ok(found) => found,
        Err(missing) => {
            let answer = app.refusal(missing.status());
            return finish(&method, "unknown", missing.complete(answer));
        }
    };
    let pattern = found.pattern;
    let length = request.body.len() as u64;
    if length > found.body_limit() {
        return finish(&method, pattern, app.refusal(StatusCode::PAYLOAD_TOO_LARGE));
    }
    if let Err(refusal) = found.check(app, &mut request.head, Some(length)) {
        return finish(&method, pattern, refusal);
    }
    let mut found = found;
    request.head.params = std::mem::take(&mut found.params);
    let handler = AssertUnwindSafe(async { found.run(Arc::clone(app), request).await }).catch_unwind();
    let response = match tokio::time::timeout(app.limits().handler_timeout, handler).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            tracing::error!(route = pattern, "a handler panicked");
            metrics::counter!("http_panics_total").increment(1);
            app.refusal(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Err(_elapsed) => {
            tracing::warn!(route = pattern, "a handler took too long");
            app.refusal(StatusCode::GATEWAY_TIMEOUT)
        }
    };
    finish(&method, pattern, response)
}

fn finish(method: &Method, pattern: &'static str, mut response: Response) -> Response {
    metrics::counter!("http_responses_total", "route" => pattern, "status" => response.status.as_str().to_owned())
        .increment(1);
    if method == Method::HEAD {
        response.body = response.body.omitted();
    }
    response
}
