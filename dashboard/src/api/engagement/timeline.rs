//! `/api/v1/engagement/timeline`: how the figures went, by day, week or month as the range grows (seed 5).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::insight::{self, Period, Point, buckets};
use serde::Serialize;
use utoipa::ToSchema;

use super::Figures;
use super::filter::{About, Filter, FilterParams};
use crate::api::asked::Asked;
use crate::api::desk::Desk;
use crate::api::problem::{Problem, Told};
use crate::api::range::RangeParams;
use crate::api::table::{Answer, Format, FormatParams};
use crate::api::who::Who;

/// How engagement went.
#[derive(Debug, Serialize, ToSchema)]
struct EngagementTimeline {
    #[serde(flatten)]
    about: About,
    /// `day` of fewer than 14 days, `week` of 14 to 60, `month` of more.
    by: &'static str,
    /// Every period of the range, those without anything too.
    points: Vec<EngagementPoint>,
}

/// The figures of a period.
#[derive(Debug, Serialize, ToSchema)]
struct EngagementPoint {
    #[serde(flatten)]
    when: PeriodTold,
    #[serde(flatten)]
    figures: Figures,
}

/// A period, as far as it lies within the range.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PeriodTold {
    /// What it is called.
    #[schema(example = "2026-W11")]
    period: String,
    /// Its first day that was asked for.
    from: String,
    /// The day after its last that was asked for.
    to: String,
    /// Whether these are all of its days.
    whole: bool,
}

const COLUMNS: [&str; 10] = [
    "period",
    "from",
    "to",
    "whole",
    "sessions",
    "page_views",
    "unique_users",
    "actions",
    "duration_seconds",
    "average_duration_seconds",
];

impl From<Period> for PeriodTold {
    fn from(period: Period) -> Self {
        let Period { label, days, whole } = period;
        Self { period: label, from: days.from.to_string(), to: days.to.to_string(), whole }
    }
}

impl From<Point> for EngagementPoint {
    fn from(point: Point) -> Self {
        Self { when: point.period.into(), figures: point.summary.into() }
    }
}

/// Sessions, page views and unique users over time.
#[utoipa::path(
    get,
    path = "/api/v1/engagement/timeline",
    tag = "engagement",
    params(RangeParams, FilterParams, FormatParams),
    responses(
        (status = 200, content((EngagementTimeline = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn timeline(
    State(desk): State<Arc<Desk>>,
    who: Who,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let format = Format::of(&mut asked)?;
    let filter = Filter::of(&mut asked, &who)?;
    let question = desk.question(&who, &asked);
    asked.done()?;
    let (configured, directory, now) = (desk.portals(), desk.directory(), question.now);
    let answer = desk.look(&question, move |look| {
        let those = filter.those(look, &configured, &directory, now)?;
        let points = insight::timeline(look, &those.portals, those.days, &those.whom)?;
        Ok((those, points))
    });
    let (those, points) = answer.await?;
    let document = EngagementTimeline {
        about: those.about(question.as_of()),
        by: buckets(those.days).name(),
        points: points.into_iter().map(EngagementPoint::from).collect(),
    };
    let (rows, name) = (&document.points, "engagement-timeline".to_owned());
    format.answer((&desk, &who, &question), &Answer { document: &document, rows, columns: &COLUMNS, name, next: None })
}
