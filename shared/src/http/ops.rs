//! The operator's listener: `/healthz`, `/readyz` and `/metrics`. It is apart from the public one, so that a proxy
//! cannot expose it by accident.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, HttpServer, web};
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::Handle;

/// Says whether a server could answer a client now.
pub trait Health: Send + Sync + 'static {
    /// `Err` with a sentence for the operator when the database or the blobs cannot be reached.
    fn ready(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// How long `/readyz` waits for the database and the blobs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves `/healthz` (the process is alive), `/readyz` (database and blobs can be reached) and `/metrics` (in the text
/// format of Prometheus) until the process ends. Gives the address it listens on.
///
/// # Errors
///
/// When the socket cannot be listened on.
pub fn serve_ops(
    listener: TcpListener,
    health: Arc<dyn Health>,
    metrics: PrometheusHandle,
) -> std::io::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let runtime = Handle::current();
    let server = HttpServer::new(move || {
        let (health, metrics, runtime) = (Arc::clone(&health), metrics.clone(), runtime.clone());
        actix_web::App::new()
            .route("/healthz", web::get().to(async || HttpResponse::Ok().body("alive\n")))
            .route(
                "/readyz",
                web::get().to(move || {
                    let health = Arc::clone(&health);
                    let check = runtime.spawn(async move { readiness(health.as_ref()).await });
                    async move {
                        match check.await {
                            Ok(Ok(())) => HttpResponse::Ok().body("ready\n"),
                            Ok(Err(reason)) => HttpResponse::ServiceUnavailable().body(reason + "\n"),
                            Err(_) => HttpResponse::InternalServerError().finish(),
                        }
                    }
                }),
            )
            .route(
                "/metrics",
                web::get().to(move || {
                    let text = metrics.render();
                    async move { HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text) }
                }),
            )
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    tokio::spawn(server);
    Ok(address)
}

async fn readiness(health: &dyn Health) -> Result<(), String> {
    tokio::time::timeout(PATIENCE, health.ready())
        .await
        .unwrap_or_else(|_| Err("the database or the blobs did not answer in time".to_owned()))
}
