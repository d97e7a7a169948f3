//! `/api/v1/policies/{id}`: what the policy says that a record was counted by.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use portalmeter_meter::policy::{DayRollover, Login, Policy};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::Asked;
use super::desk::Desk;
use super::problem::{Problem, Told};
use super::who::Who;

/// A policy, as the ledger keeps it.
#[derive(Debug, Serialize, ToSchema)]
struct KeptPolicy {
    /// When the ledger was read.
    as_of: String,
    /// As records name it.
    #[schema(example = "3f2a9c0de1b45678")]
    id: String,
    /// As it was written down.
    text: String,
    /// What that means; null: a later release wrote it.
    policy: Option<PolicyTold>,
}

/// By which rules sessions are counted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct PolicyTold {
    #[schema(example = "service_portal")]
    experience: &'static str,
    /// Whose midnight it is.
    timezone: String,
    /// What a login in a guest session does: `continue` or `count`.
    login: &'static str,
    /// What midnight does in a live session: `count` or `continue`.
    day_rollover: &'static str,
    /// A gap of this length, or longer, ends a session.
    idle_timeout_seconds: i64,
    /// A session of this length, or longer, ends at its next page; null: none is too long.
    max_duration_seconds: Option<i64>,
    /// A session counts nothing before this many pages.
    min_pages: u32,
    /// Of a portal that is only observed.
    trial: bool,
    /// The same in words.
    words: String,
}

/// The policy of that id.
#[utoipa::path(
    get,
    path = "/api/v1/policies/{id}",
    tag = "operation",
    params(("id" = String, Path, description = "As records name it.")),
    responses(
        (status = 200, body = KeptPolicy),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn policy(
    State(desk): State<Arc<Desk>>,
    who: Who,
    id: Result<Path<String>, PathRejection>,
    asked: Asked,
) -> Result<Response, Problem> {
    who.sees_everything()?;
    let Path(id) = id.map_err(|wrong| Problem::not_found(wrong.body_text()))?;
    let question = desk.question(&who, &asked);
    asked.done()?;
    let wanted = id.clone();
    let known = desk.ask(&question, |ledger| Ok(ledger.policies()?)).await?;
    let found = known.into_iter().find(|(id, _)| id.to_string() == wanted);
    let (_, text) = found.ok_or_else(|| Problem::not_found(format!("no record was counted by a policy `{id}`")))?;
    let policy = Policy::from_text(&text).map(|policy| PolicyTold::from(&policy));
    Ok(Json(KeptPolicy { as_of: question.as_of(), id, text, policy }).into_response())
}

impl From<&Policy> for PolicyTold {
    fn from(policy: &Policy) -> Self {
        Self {
            experience: policy.experience.name(),
            timezone: policy.zone.name().to_owned(),
            login: if policy.login == Login::Count { "count" } else { "continue" },
            day_rollover: if policy.day_rollover == DayRollover::Count { "count" } else { "continue" },
            idle_timeout_seconds: policy.idle_timeout / 1000,
            max_duration_seconds: policy.max_duration.map(|max| max / 1000),
            min_pages: policy.min_pages,
            trial: policy.trial,
            words: words(policy),
        }
    }
}

fn words(policy: &Policy) -> String {
    let minutes = |millis: i64| format!("{} min", millis / 60_000);
    let long = policy.max_duration.map(|max| format!(", or is {} long", minutes(max))).unwrap_or_default();
    let login = match policy.login {
        Login::Count => "a login counts once more",
        Login::Continue => "a login counts nothing",
    };
    let midnight = match policy.day_rollover {
        DayRollover::Count => "a page after midnight counts on the new day",
        DayRollover::Continue => "midnight changes nothing",
    };
    let pages =
        if policy.min_pages > 1 { format!("; it counts from its page {} on", policy.min_pages) } else { String::new() };
    let trial = if policy.trial { "; only observed: a trial, not for a bill" } else { "" };
    format!(
        "a session ends when it is idle for {}{long}; {login}; {midnight}, in {}{pages}{trial}",
        minutes(policy.idle_timeout),
        policy.zone.name()
    )
}
