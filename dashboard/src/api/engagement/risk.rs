//! `/api/v1/engagement/risk`: accounts that stay away, stay shorter, or only look (seed 5).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::accounts::AccountType;
use portalmeter_meter::insight::{self, AtRisk, Because};
use serde::Serialize;
use utoipa::ToSchema;

use super::Figures;
use super::filter::{About, Filter, FilterParams, Those};
use crate::api::asked::Asked;
use crate::api::desk::Desk;
use crate::api::page::{PageParams, Part};
use crate::api::problem::{Problem, Told};
use crate::api::range::Range;
use crate::api::table::{Answer, Format, FormatParams};
use crate::api::who::Who;

/// Accounts at risk: in the last 30 days no session; or sessions that last less than three quarters of what they did in
/// the 30 days before; or sessions without one action. Of fewer than three sessions the last two are not said.
#[derive(Debug, Serialize, ToSchema)]
struct EngagementRisk {
    #[serde(flatten)]
    about: About,
    /// The one seen longest ago first; those before all others that were never seen.
    accounts: Vec<RiskRow>,
    /// How many are on all pages.
    found: usize,
    /// Where the next page begins; null: this is the last.
    next: Option<String>,
}

/// An account at risk.
#[derive(Debug, Serialize, ToSchema)]
struct RiskRow {
    /// Its id.
    account: String,
    name: String,
    /// `referral` or `reseller`, if the list says.
    r#type: Option<&'static str>,
    /// Why: `no_session`, `falling_duration`, `no_action`.
    because: Vec<&'static str>,
    /// The last day on which a session began, within the last 400 days.
    last_day: Option<String>,
    /// The last 30 days.
    #[serde(flatten)]
    figures: Figures,
    /// Sessions of the 30 days before.
    sessions_before: u64,
    /// How long they lasted on average.
    average_duration_seconds_before: Option<u64>,
}

const COLUMNS: [&str; 13] = [
    "account",
    "name",
    "type",
    "because",
    "last_day",
    "unique_users",
    "sessions",
    "page_views",
    "actions",
    "duration_seconds",
    "average_duration_seconds",
    "sessions_before",
    "average_duration_seconds_before",
];

/// Accounts that may be lost.
#[utoipa::path(
    get,
    path = "/api/v1/engagement/risk",
    tag = "engagement",
    params(FilterParams, PageParams, FormatParams),
    responses(
        (status = 200, content((EngagementRisk = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn risk(
    State(desk): State<Arc<Desk>>,
    who: Who,
    mut asked: Asked,
) -> Result<Response, Problem> {
    who.sees_everything()?;
    let format = Format::of(&mut asked)?;
    let filter = Filter::without_range(&mut asked, &who, Range::month())?;
    let part = Part::of(&mut asked)?;
    let question = desk.question(&who, &asked);
    asked.done()?;
    let (configured, directory, now) = (desk.portals(), desk.directory(), question.now);
    let answer = desk.look(&question, move |look| {
        let those = filter.those(look, &configured, &directory, now)?;
        let risky = insight::at_risk(look, &those.portals, those.today, &those.among, &those.directory)?;
        Ok((those, risky))
    });
    let (those, risky) = answer.await?;
    let found = risky.len();
    let (accounts, next) = part.cut(risky.into_iter().map(|one| RiskRow::of(one, &those)).collect());
    let document = EngagementRisk { about: those.about(question.as_of()), accounts, found, next };
    let (rows, name, next) = (&document.accounts, "accounts-at-risk".to_owned(), document.next.as_deref());
    format.answer((&desk, &who, &question), &Answer { document: &document, rows, columns: &COLUMNS, name, next })
}

impl RiskRow {
    fn of(risky: AtRisk, those: &Those) -> Self {
        let AtRisk { id, because, last_day, months: [now, before] } = risky;
        let kind = those.directory.get(&id).and_then(|listed| listed.kind);
        let before = Figures::from(before.summary);
        Self {
            name: those.name(&id),
            r#type: kind.map(AccountType::name),
            account: id,
            because: because.into_iter().map(Because::name).collect(),
            last_day: last_day.map(|day| day.to_string()),
            figures: now.summary.into(),
            sessions_before: before.sessions,
            average_duration_seconds_before: before.average_duration_seconds,
        }
    }
}
