//! `/api/v1/portals` and `/api/v1/zones`: which portals there are, and which zones figures can be shown in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portalmeter_meter::accounts::AccountType;
use portalmeter_meter::day::{Zone, instant};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::Asked;
use super::desk::Desk;
use super::policies::PolicyTold;
use super::problem::{Problem, Told};
use super::table::{Answer, Format, FormatParams};
use super::who::Who;

/// The portals that are configured.
#[derive(Debug, Serialize, ToSchema)]
struct Configured {
    as_of: String,
    /// In the order of the configuration.
    portals: Vec<PortalTold>,
    /// Which types of accounts there are: a filter that divides nothing is none.
    account_types: Vec<&'static str>,
}

/// A portal as configured.
#[derive(Debug, Serialize, ToSchema)]
struct PortalTold {
    name: String,
    #[schema(example = "service_portal")]
    experience: &'static str,
    /// Whose midnight its days begin at.
    timezone: String,
    /// Which day it is there.
    today: String,
    /// Only observed: its numbers are a trial.
    trial: bool,
    /// Sessions a month that the contract covers.
    contracted_sessions: Option<u64>,
    /// Sessions are counted per module.
    per_module: bool,
    /// The modules that the configuration names.
    modules: Vec<String>,
    /// What records name its policy.
    policy_id: String,
    policy: PolicyTold,
}

/// Zones that figures can be shown in.
#[derive(Debug, Serialize, ToSchema)]
struct Zones {
    /// Those of portals, each once.
    portals: Vec<String>,
    /// Every IANA zone.
    zones: Vec<String>,
}

const COLUMNS: [&str; 10] = [
    "name",
    "experience",
    "timezone",
    "today",
    "trial",
    "contracted_sessions",
    "per_module",
    "modules",
    "policy_id",
    "policy",
];

/// The portals as they are configured now.
#[utoipa::path(
    get,
    path = "/api/v1/portals",
    tag = "operation",
    params(FormatParams),
    responses(
        (status = 200, content((Configured = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn portals(State(desk): State<Arc<Desk>>, who: Who, mut asked: Asked) -> Result<Response, Problem> {
    who.sees_everything()?;
    let format = Format::of(&mut asked)?;
    let question = desk.question(&who, &asked);
    asked.done()?;
    let told = |portal: &crate::board::Portal| PortalTold {
        name: portal.name.to_string(),
        experience: portal.policy.experience.name(),
        timezone: portal.policy.zone.name().to_owned(),
        today: portal.policy.zone.day(question.now).to_string(),
        trial: portal.policy.trial,
        contracted_sessions: portal.contracted_sessions,
        per_module: portal.modules.is_some(),
        modules: portal.modules.iter().flatten().map(ToString::to_string).collect(),
        policy_id: portal.policy.id().to_string(),
        policy: PolicyTold::from(&*portal.policy),
    };
    let document = Configured {
        as_of: instant(question.now).to_string(),
        portals: desk.portals().iter().map(told).collect(),
        account_types: desk.directory().types().into_iter().map(AccountType::name).collect(),
    };
    let (rows, name) = (&document.portals, "portals".to_owned());
    format.answer((&desk, &who, &question), &Answer { document: &document, rows, columns: &COLUMNS, name, next: None })
}

/// The zones that figures can be shown in.
#[utoipa::path(
    get,
    path = "/api/v1/zones",
    tag = "operation",
    responses(
        (status = 200, body = Zones),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn zones(State(desk): State<Arc<Desk>>, who: Who, asked: Asked) -> Result<Response, Problem> {
    who.sees_everything()?;
    asked.done()?;
    let mut portals: Vec<String> = desk.portals().iter().map(|one| one.policy.zone.name().to_owned()).collect();
    portals.sort_unstable();
    portals.dedup();
    let known = jiff::tz::db().available().map(|name| name.to_string());
    let zones = known.filter(|name| Zone::named(name).is_ok()).collect();
    Ok(Json(Zones { portals, zones }).into_response())
}
