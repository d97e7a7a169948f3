//! What the admin listener shows: usage, engagement and alerts as an API, and who may see which of it.
//!
//! It stands between the proxy, which mounts [`router`] and tells it how things are ([`Board`]), and the meter, whose
//! ledger it asks. It never changes a number: a correction is a record that it books, with a name and a reason.
//! It must never know of Pingora, and no request of a visitor ever waits for it.

pub mod access;
pub mod board;

mod api;

pub use board::Board;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

/// The API and its logins, behind the guard. The listener must tell who is at the other end
/// (`into_make_service_with_connect_info`), or no auth proxy is trusted.
pub fn router(board: Board) -> Router {
    let access = Arc::clone(&board.access);
    let (logins, _) = access::routes().split_for_parts();
    let logins = logins.with_state(Arc::new(board.clone()));
    let guarded = api::router(board).merge(logins).layer(from_fn_with_state(access, access::guard));
    guarded.layer(from_fn(api::with_headers))
}

/// The `OpenAPI` document that describes them.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = api::document();
    document.merge(access::routes().into_openapi());
    document
}
