//! `/api/v1/openapi.json`: this API, described.

use axum::Json;
use axum::response::{IntoResponse, Response};

use super::asked::Asked;
use super::problem::{Problem, Told};
use super::who::Who;

/// This API, described.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "operation",
    responses(
        (status = 200, body = serde_json::Value),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn described(who: Who, asked: Asked) -> Result<Response, Problem> {
    who.sees_everything()?;
    asked.done()?;
    Ok(Json(crate::document()).into_response())
}
