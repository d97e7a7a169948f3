//! Who one is, for the dashboard's first question.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::refusal::Refused;
use super::{How, Identity, same_origin};

/// Who asks, and what they may.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// Their name, as configured.
    name: String,
    /// `admin`, `viewer` or `partner`.
    #[schema(example = "viewer")]
    role: &'static str,
    /// A partner's account.
    account: Option<String>,
    /// How they proved who they are.
    how: How,
    /// The header that what changes something must have; none for tokens.
    csrf: Option<Csrf>,
}

/// A header, and its value.
#[derive(Serialize, ToSchema)]
pub(super) struct Csrf {
    header: &'static str,
    value: &'static str,
}

/// Says who asks.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "access",
    responses(
        (status = 200, body = Me),
        (status = 401, body = Refused, content_type = "application/problem+json"),
    )
)]
pub(super) async fn me(who: Identity) -> Json<Me> {
    Json(Me::from(who))
}

impl From<Identity> for Me {
    fn from(who: Identity) -> Self {
        let csrf = Csrf { header: same_origin::HEADER, value: same_origin::VALUE };
        Self {
            role: who.role.name(),
            account: who.role.account().map(str::to_owned),
            how: who.how,
            csrf: who.how.is_a_browsers().then_some(csrf),
            name: who.name,
        }
    }
}
