//! `/api/v1/engagement/summary`: the five figures, and those of the days before.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::insight;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Figures;
use super::filter::{About, Filter, FilterParams};
use crate::api::asked::Asked;
use crate::api::desk::Desk;
use crate::api::problem::{Problem, Told};
use crate::api::range::{RangeParams, before};
use crate::api::table::{Answer, Format, FormatParams};
use crate::api::who::Who;

/// What they are compared with.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
struct CompareParams {
    /// `previous`: with the figures of as many days before.
    compare: Option<String>,
}

/// The figures of engagement.
#[derive(Debug, Serialize, ToSchema)]
struct EngagementSummary {
    #[serde(flatten)]
    about: About,
    #[serde(flatten)]
    figures: Figures,
    /// Those of as many days before, if they were asked for.
    previous: Option<PreviousFigures>,
}

/// The figures of the days before.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct PreviousFigures {
    from: String,
    to: String,
    #[serde(flatten)]
    figures: Figures,
}

const COLUMNS: [&str; 8] =
    ["from", "to", "unique_users", "sessions", "page_views", "actions", "duration_seconds", "average_duration_seconds"];

/// Unique users, sessions, page views, actions and average duration.
#[utoipa::path(
    get,
    path = "/api/v1/engagement/summary",
    tag = "engagement",
    params(RangeParams, FilterParams, CompareParams, FormatParams),
    responses(
        (status = 200, content((EngagementSummary = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn summary(
    State(desk): State<Arc<Desk>>,
    who: Who,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let format = Format::of(&mut asked)?;
    let filter = Filter::of(&mut asked, &who)?;
    let compared = asked.word("compare", &["previous"], |word| word)?.is_some();
    let question = desk.question(&who, &asked);
    asked.done()?;
    let (configured, directory, now) = (desk.portals(), desk.directory(), question.now);
    let answer = desk.look(&question, move |look| {
        let those = filter.those(look, &configured, &directory, now)?;
        let figures = insight::summary(look, &those.portals, those.days, &those.whom)?;
        let days = before(those.days);
        let previous = if compared { Some(insight::summary(look, &those.portals, days, &those.whom)?) } else { None };
        Ok((those, figures, previous.map(|figures| (days, figures))))
    });
    let (those, figures, previous) = answer.await?;
    let previous = previous.map(|(days, figures)| PreviousFigures {
        from: days.from.to_string(),
        to: days.to.to_string(),
        figures: figures.into(),
    });
    let document = EngagementSummary { about: those.about(question.as_of()), figures: figures.into(), previous };
    let (from, to) = (those.days.from.to_string(), those.days.to.to_string());
    let mut rows = vec![PreviousFigures { from, to, figures: document.figures }];
    rows.extend(document.previous.clone());
    let name = "engagement".to_owned();
    let answer = Answer { document: &document, rows: &rows, columns: &COLUMNS, name, next: None };
    format.answer((&desk, &who, &question), &answer)
}
