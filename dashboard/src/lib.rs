//! What the admin listener shows: usage, engagement and alerts as an API, and who may see which of it.
//!
//! It stands between the proxy, which mounts [`router`] and tells it how things are ([`Board`]), and the meter, whose
//! ledger it asks. It never changes a number: a correction is a record that it books, with a name and a reason.
//! It must never know of Pingora, and no request of a visitor ever waits for it.

pub mod access;
pub mod board;

mod api;

pub use board::Board;

use axum::Router;

/// The API's routes. They answer nobody whom [`access`] has not let in, with an [`access::Identity`] in the request's
/// extensions: whoever mounts them puts the guard before them.
pub fn router(board: Board) -> Router {
    api::router(board)
}

/// The `OpenAPI` document that describes them.
pub fn document() -> utoipa::openapi::OpenApi {
    api::document()
}
