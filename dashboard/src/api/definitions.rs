//! `/api/v1/definitions`: the four named meters (seed 1), for yesterday and last month.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::day::Day;
use portalmeter_meter::ledger::{Days, LedgerError, Look};
use portalmeter_meter::usage::Counters;
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::chosen::{Chosen, chosen};
use super::desk::Desk;
use super::problem::{Problem, Told};
use super::range::Range;
use super::settled::Settled;
use super::table::{Answer, Format, FormatParams};
use super::who::Who;

mod meter;

use meter::{METERS, Meter};

/// Whose figures.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
struct DefinitionParams {
    /// These portals alone; may be there several times.
    portal: Option<Vec<String>>,
}

/// The named meters and what they show.
#[derive(Debug, Serialize, ToSchema)]
struct Definitions {
    /// When the ledger was read.
    as_of: String,
    /// The four of them.
    definitions: Vec<Definition>,
}

/// A named meter.
#[derive(Debug, Serialize, ToSchema)]
struct Definition {
    #[schema(example = "DEFN1003689")]
    id: &'static str,
    #[schema(example = "guest_sessions_daily")]
    name: &'static str,
    /// What it shows.
    description: &'static str,
    /// `daily` or `monthly`.
    frequency: &'static str,
    /// How its value comes about, in words.
    formula: &'static str,
    /// What to know about it.
    note: &'static str,
    /// Of each portal, for yesterday or last month in its own zone.
    portals: Vec<Figure>,
    /// Of all of them together.
    total: Figure,
}

/// What a meter shows of a portal, or of all.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Figure {
    /// The portal; null of the total.
    portal: Option<String>,
    /// Whose yesterday, or last month, it is.
    timezone: String,
    /// The day or the month.
    #[schema(example = "2026-03-11")]
    period: String,
    value: i64,
    /// How it comes about, with its numbers.
    #[schema(example = "guest_raw = guest + bot = 41 + 9 = 50")]
    formula: String,
    guest: i64,
    bot: i64,
    external: i64,
    guest_raw: i64,
    billable: i64,
    state: Settled,
    /// Sealed, and no trial.
    valid_for_billing: bool,
}

/// A figure as a row of a table.
#[derive(Debug, Serialize)]
struct FigureRow<'a> {
    id: &'a str,
    name: &'a str,
    frequency: &'a str,
    #[serde(flatten)]
    figure: &'a Figure,
}

const COLUMNS: [&str; 15] = [
    "id",
    "name",
    "frequency",
    "portal",
    "timezone",
    "period",
    "value",
    "guest",
    "bot",
    "external",
    "guest_raw",
    "billable",
    "state",
    "valid_for_billing",
    "formula",
];

/// The four named meters: yesterday's guest, bot and external sessions, and what was chargeable last month.
#[utoipa::path(
    get,
    path = "/api/v1/definitions",
    tag = "usage",
    params(DefinitionParams, FormatParams),
    responses(
        (status = 200, content((Definitions = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn definitions(
    State(desk): State<Arc<Desk>>,
    who: Who,
    mut asked: Asked,
) -> Result<Response, Problem> {
    who.sees_everything()?;
    let format = Format::of(&mut asked)?;
    let named = asked.all("portal");
    let question = desk.question(&who, &asked);
    asked.done()?;
    let (configured, now) = (desk.portals(), question.now);
    let answer = desk.look(&question, move |look| {
        let portals = chosen(look, &configured, &named, (&Range::lately(), now))?;
        let meters = METERS.iter().map(|meter| definition(look, meter, &portals, now));
        Ok(meters.collect::<Result<Vec<_>, LedgerError>>()?)
    });
    let document = Definitions { definitions: answer.await?, as_of: question.as_of() };
    let rows: Vec<FigureRow<'_>> = document.definitions.iter().flat_map(Definition::rows).collect();
    let answer =
        Answer { document: &document, rows: &rows, columns: &COLUMNS, name: "definitions".to_owned(), next: None };
    format.answer((&desk, &who, &question), &answer)
}

impl Definition {
    fn rows(&self) -> impl Iterator<Item = FigureRow<'_>> {
        let Self { id, name, frequency, portals, total, .. } = self;
        portals.iter().chain([total]).map(|figure| FigureRow { id, name, frequency, figure })
    }
}

fn definition(look: &mut dyn Look, meter: &Meter, portals: &[Chosen], now: Millis) -> Result<Definition, LedgerError> {
    let mut figures = Vec::with_capacity(portals.len());
    let mut sum = Counters::default();
    for portal in portals {
        let today = portal.zone.day(now);
        let (days, period) = meter.last(today);
        let counters = counted(look, &portal.name, days)?;
        sum += counters;
        let state = Settled::of(look, &portal.name, days, today)?;
        let zone = portal.zone.name().to_owned();
        let valid = state == Settled::Sealed && !portal.trial();
        figures.push(figure(meter, (Some(portal.name.clone()), zone, period), counters, (state, valid)));
    }
    let state = figures.iter().map(|one| one.state).min().unwrap_or(Settled::Open);
    let valid = !figures.is_empty() && figures.iter().all(|one| one.valid_for_billing);
    let each = |of: fn(&Figure) -> &String| {
        let mut each: Vec<&str> = figures.iter().map(|one| of(one).as_str()).collect();
        each.sort_unstable();
        each.dedup();
        each.join(", ")
    };
    let total = figure(meter, (None, each(|one| &one.timezone), each(|one| &one.period)), sum, (state, valid));
    let Meter { id, name, description, frequency, formula, note, .. } = *meter;
    Ok(Definition { id, name, description, frequency: frequency.name(), formula, note, portals: figures, total })
}

fn counted(look: &mut dyn Look, portal: &str, days: Days) -> Result<Counters, LedgerError> {
    let mut sum = Counters::default();
    for (_, total) in look.totals(&[portal.to_owned()], days)? {
        sum += Counters::of(&total.sums);
    }
    Ok(sum)
}

fn figure(
    meter: &Meter,
    (portal, timezone, period): (Option<String>, String, String),
    of: Counters,
    (state, valid_for_billing): (Settled, bool),
) -> Figure {
    let Counters { guest, bot, external, guest_raw, billable, .. } = of;
    let (value, formula) = meter.value(&of);
    Figure {
        portal,
        timezone,
        period,
        value,
        formula,
        guest,
        bot,
        external,
        guest_raw,
        billable,
        state,
        valid_for_billing,
    }
}

/// The day before, or the month before.
fn yesterday(today: Day) -> (Days, String) {
    let day = today.plus(-1);
    (Days::one(day), day.to_string())
}

fn last_month(today: Day) -> (Days, String) {
    let month = today.month().previous();
    (Days { from: month.first(), to: month.end() }, month.to_string())
}
