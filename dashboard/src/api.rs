//! The API: one file an endpoint, all described by one `OpenAPI` document.

#![allow(unused_qualifications, reason = "utoipa writes out the paths of what describes parameters")]

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use utoipa::OpenApi;
use utoipa::openapi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::board::Board;

mod alerts;
mod answered;
mod asked;
mod chosen;
mod corrections;
mod cursor;
mod definitions;
mod described;
mod desk;
mod engagement;
mod live;
mod page;
mod policies;
mod pool;
mod portals;
mod problem;
mod range;
mod records;
mod settled;
mod table;
mod usage;
mod who;

use desk::Desk;
use problem::Problem;

/// A correction is short.
const LONGEST_BODY: usize = 16 * 1024;

/// What the document says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "portalmeter",
        description = "Usage and engagement of metered portals. Ranges are exclusive at the end; days are those of a \
            portal's own zone unless a display zone is asked for, which is for looking and never for a bill; \
            instants are RFC 3339 in UTC. `state` is `open` or `sealed`: what is sealed never changes. Errors are \
            `application/problem+json`. What no endpoint knows as a parameter is refused."
    ),
    tags(
        (name = "usage", description = "What is counted, and what is billed."),
        (name = "engagement", description = "What people do: statistics, no part of a bill."),
        (name = "operation", description = "How it is set up, and what is wrong."),
    )
)]
struct Document;

/// Every endpoint.
fn endpoints() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(usage::usage))
        .routes(routes!(definitions::definitions))
        .routes(routes!(live::live))
        .routes(routes!(records::records))
        .routes(routes!(corrections::corrections, corrections::correct))
        .routes(routes!(policies::policy))
        .routes(routes!(engagement::summary))
        .routes(routes!(engagement::timeline))
        .routes(routes!(engagement::resources))
        .routes(routes!(engagement::detail))
        .routes(routes!(engagement::rooms))
        .routes(routes!(engagement::accounts))
        .routes(routes!(engagement::risk))
        .routes(routes!(alerts::alerts))
        .routes(routes!(portals::portals))
        .routes(routes!(portals::zones))
        .routes(routes!(described::described))
}

pub(crate) fn router(board: Board) -> Router {
    let (router, _) = endpoints().split_for_parts();
    router
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .route("/api/{*rest}", any(async || Problem::not_found("nothing is at this address")))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(Arc::new(Desk::new(board)))
}

/// The document that describes every endpoint.
pub(crate) fn document() -> openapi::OpenApi {
    endpoints().into_openapi()
}

/// Nobody keeps an answer, and nobody takes it for anything else than it says it is.
pub(crate) async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
