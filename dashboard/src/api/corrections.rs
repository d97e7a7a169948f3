//! `/api/v1/corrections`: differences that an admin books, with name and reason. A number is never changed: a correction is
//! a record beside it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portalmeter_meter::ledger::{Correction, LedgerError, Lines};
use portalmeter_rules::id::Name;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::desk::Desk;
use super::page::PageParams;
use super::pool::NoAnswer;
use super::problem::{Problem, Told, Wrong};
use super::range::{Range, RangeParams};
use super::records::{Page, RecordPage};
use super::table::{Format, FormatParams};
use super::who::Who;

mod booking;
mod bounds;

use booking::{Booked, book};

/// Which corrections.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
struct CorrectionParams {
    /// Of this portal.
    portal: Option<String>,
    /// `true`: those by hand alone, without those that the meter made of what came after a day was sealed.
    by_hand: Option<bool>,
}

/// A correction that is to be booked.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCorrection {
    portal: String,
    /// The module, where sessions are counted per module.
    module: Option<String>,
    /// The day it corrects: `2026-03-12`, `today` or `yesterday` in the portal's own zone.
    #[schema(example = "2026-03-12")]
    day: String,
    /// As what the difference counts: `guest`, `external`, `internal` or `bot`.
    #[schema(example = "guest")]
    class: String,
    /// The difference: not 0, and at most 1,000,000 either way.
    #[schema(minimum = -1_000_000, maximum = 1_000_000, example = -3)]
    amount: i64,
    /// The company it is for.
    account: Option<String>,
    /// Why, in one line.
    #[schema(example = "load test of 12 March, ticket 4711")]
    note: String,
    /// 32 hexadecimal digits of your own making: with the same again, the same correction is booked no more than once.
    id: Option<String>,
}

/// A correction that was booked.
#[derive(Debug, Serialize, ToSchema)]
struct BookedCorrection {
    /// The id of its record.
    id: String,
    portal: String,
    module: Option<String>,
    /// The day that it corrects.
    corrects: String,
    /// The day on which it counts: the one that it corrects if that is open, else the first open one.
    day: String,
    class: &'static str,
    amount: i32,
    author: String,
    note: String,
    /// It was there before.
    again: bool,
}

/// Corrections that were booked, by hand or by the meter itself.
#[utoipa::path(
    get,
    path = "/api/v1/corrections",
    tag = "usage",
    params(RangeParams, CorrectionParams, PageParams, FormatParams),
    responses(
        (status = 200, content((RecordPage = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn corrections(
    State(desk): State<Arc<Desk>>,
    who: Who,
    mut asked: Asked,
) -> Result<Response, Problem> {
    who.sees_everything()?;
    let format = Format::of(&mut asked)?;
    let (portal, range) = (asked.text("portal")?, Range::of(&mut asked)?);
    let by_hand = asked.parsed("by_hand", "true or false")?.unwrap_or(false);
    let lines = Lines { corrections: true, reason: by_hand.then_some(None), ..Lines::default() };
    Page { portal, range, lines, name: "corrections", format }.answer(&desk, &who, asked).await
}

/// Books a correction. It never changes a sealed day: it counts on the first open one, and names the day it corrects.
#[utoipa::path(
    post,
    path = "/api/v1/corrections",
    tag = "usage",
    request_body = NewCorrection,
    responses(
        (status = 201, body = BookedCorrection),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn correct(
    State(desk): State<Arc<Desk>>,
    who: Who,
    asked: Asked,
    body: Result<Json<NewCorrection>, JsonRejection>,
) -> Result<Response, Problem> {
    who.changes_something()?;
    asked.done()?;
    let Json(new) = body.map_err(|wrong| Problem::bad_body(wrong.status(), wrong.body_text()))?;
    let now = (desk.board.clock)();
    let id = match &new.id {
        Some(id) => id.parse().map_err(|_| Problem::bad(format!("`id`: `{id}` is not 32 hexadecimal digits")))?,
        None => Correction::new_id(now).map_err(|_| Problem::away(None))?,
    };
    let (author, configured) = (who.0.name.clone(), desk.portals());
    let booking = move |ledger: &mut dyn portalmeter_meter::ledger::Ledger| -> Result<Booked, Wrong> {
        book(ledger, &configured, (&new, id, &author), now)
    };
    let booked = desk.tell(booking).await.map_err(|error| refused(error, id))?;
    if !booked.again {
        (desk.board.audit)(&who.0, "correction", booked.told());
    }
    let at = format!("/api/v1/records?id={id}");
    let mut response = (StatusCode::CREATED, Json(BookedCorrection::from(booked))).into_response();
    if let Ok(at) = HeaderValue::from_str(&at) {
        response.headers_mut().insert(header::LOCATION, at);
    }
    Ok(response)
}

/// What becomes of a correction that was not booked, or of which nobody knows.
fn refused(error: NoAnswer, id: Name) -> Problem {
    match error {
        NoAnswer::Asked(problem) => problem,
        NoAnswer::Busy => Problem::busy(None),
        NoAnswer::Ledger(LedgerError::Away(why)) => {
            tracing::warn!(why, "the ledger broke off while a correction was being booked");
            Problem::unsure(id.to_string())
        }
        NoAnswer::Ledger(error) => {
            tracing::warn!(%error, "the ledger refused a correction");
            Problem::away(None)
        }
    }
}

impl From<Booked> for BookedCorrection {
    fn from(booked: Booked) -> Self {
        let Booked { correction, day, again } = booked;
        Self {
            id: correction.id.to_string(),
            portal: correction.portal,
            module: correction.module,
            corrects: correction.day.to_string(),
            day: day.to_string(),
            class: correction.class.name(),
            amount: correction.amount.get(),
            author: correction.author,
            note: correction.note,
            again,
        }
    }
}
