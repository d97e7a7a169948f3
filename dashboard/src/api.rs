//! The API: one file an endpoint, all described by one OpenAPI document.

use std::sync::Arc;

use axum::Router;

use crate::board::Board;

pub(crate) fn router(board: Board) -> Router {
    Router::new().with_state(Arc::new(board))
}
