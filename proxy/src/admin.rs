//! The admin listener: `/livez`, `/readyz` and `/metrics`, for the machine's own users.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use portalmeter_rules::judge::host_of;
use prometheus_client::registry::Registry;
use serde::Serialize;

use crate::metering::Metering;
use crate::problems::{Problem, problems};
use crate::shutdown::InFlight;

/// What the admin listener tells of.
pub(crate) struct Admin {
    pub(crate) metering: Arc<Metering>,
    pub(crate) registry: Registry,
    pub(crate) in_flight: InFlight,
}

/// How the meter fares, as `/readyz` tells it.
#[derive(Debug, Serialize)]
struct Readiness {
    status: &'static str,
    problems: Vec<Problem>,
}

/// Serves in a thread of its own, so that it answers while the proxy drains.
pub(crate) fn serve(listener: TcpListener, admin: Admin) -> std::io::Result<SocketAddr> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let router = router(admin, address.ip().is_loopback());
    std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
        let served = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router).await
        });
        if let Err(error) = served {
            tracing::error!(%error, "the admin listener ended");
        }
    })?;
    Ok(address)
}

fn router(admin: Admin, loopback: bool) -> Router {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route(
            "/",
            get(|| async { "portalmeter: /livez, /readyz, /metrics; the dashboard comes with a later release\n" }),
        )
        .with_state(Arc::new(admin));
    if loopback { router.layer(middleware::from_fn(only_local_names)) } else { router }
}

/// On loopback a browser could be lured here under another name; only the machine's own is served.
async fn only_local_names(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(host_of);
    if matches!(host.as_deref(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "ask for localhost, 127.0.0.1 or [::1]\n").into_response()
}

async fn readyz(State(admin): State<Arc<Admin>>) -> Response {
    let draining = admin.in_flight.is_draining();
    let problems = problems(&admin.metering);
    // Degraded is still ready: traffic flows, and taking the proxy out would only harm it.
    let (status, code) = match (draining, admin.in_flight.is_listening(), problems.is_empty()) {
        (true, ..) => ("draining", StatusCode::SERVICE_UNAVAILABLE),
        (_, false, _) => ("starting", StatusCode::SERVICE_UNAVAILABLE),
        (.., true) => ("ready", StatusCode::OK),
        (.., false) => ("degraded", StatusCode::OK),
    };
    let body = serde_json::to_string(&Readiness { status, problems }).unwrap_or_default();
    (code, [(header::CONTENT_TYPE, "application/json")], body + "\n").into_response()
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, &admin.registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], Body::from(text)).into_response()
}
