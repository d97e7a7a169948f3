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
use portalmeter_dashboard::Board;
use portalmeter_dashboard::access::Access;
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
    /// What the dashboard stands on.
    pub(crate) board: Board,
    /// `/metrics` is for whoever reaches the listener.
    pub(crate) metrics_open: bool,
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
    let router = router(admin);
    std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
        let served = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
        });
        if let Err(error) = served {
            tracing::error!(%error, "the admin listener ended");
        }
    })?;
    Ok(address)
}

fn router(admin: Admin) -> Router {
    let (access, board) = (Arc::clone(&admin.board.access), admin.board.clone());
    let metrics = Router::new().route("/metrics", get(metrics));
    let metrics = if admin.metrics_open {
        metrics
    } else {
        metrics.layer(middleware::from_fn_with_state(Arc::clone(&access), only_operators))
    };
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route(
            "/",
            get(|| async {
                "portalmeter: /livez, /readyz, /metrics, /api/v1/openapi.json; the page comes with a later release\n"
            }),
        )
        .merge(metrics)
        .with_state(Arc::new(admin))
        .merge(portalmeter_dashboard::router(board))
        .layer(middleware::from_fn_with_state(access, only_local_names))
}

/// Without users the listener is on the loopback, and a browser could be lured here under another name; only the machine's own
/// is served. Where there are users, another name is of no use to a lurer: the browser has no cookie for it.
async fn only_local_names(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(host_of);
    if !access.is_open() || matches!(host.as_deref(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "ask for localhost, 127.0.0.1 or [::1]\n").into_response()
}

/// Where there are users, metrics are for those who see everything.
async fn only_operators(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    if access.is_open() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match access.admit(&parts).and_then(|who| who.must_see_everything()) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refusal.into_response(),
    }
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
