//! `/api/v1/alerts`: what is wrong, since when, what it means and what to do. It answers while the ledger is away, too.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::day::instant;
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::Asked;
use super::desk::Desk;
use super::problem::{Problem, Told};
use super::table::{Answer, Format, FormatParams};
use super::who::Who;
use crate::board;

mod noticed;

use noticed::noticed;

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct Alerts {
    as_of: String,
    alerts: Vec<Alert>,
}

/// Something an operator should know.
#[derive(Debug, Serialize, ToSchema)]
struct Alert {
    /// Which, as one word: `journal`, `store`, `ledger`, `contract` …
    what: String,
    /// The portal that it is about, if it is about one.
    portal: Option<String>,
    /// Since when, as far as that is known.
    since: Option<String>,
    /// What was seen.
    detail: String,
    /// What it means.
    meaning: String,
    /// What to do.
    remedy: String,
}

const COLUMNS: [&str; 6] = ["what", "portal", "since", "detail", "meaning", "remedy"];

/// What is wrong at this moment, and contracts that are nearly or wholly used.
#[utoipa::path(
    get,
    path = "/api/v1/alerts",
    tag = "operation",
    params(FormatParams),
    responses(
        (status = 200, content((Alerts = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn alerts(State(desk): State<Arc<Desk>>, who: Who, mut asked: Asked) -> Result<Response, Problem> {
    who.sees_everything()?;
    let format = Format::of(&mut asked)?;
    let question = desk.question(&who, &asked);
    asked.done()?;
    let mut alerts: Vec<Alert> = (desk.board.problems)().into_iter().map(Alert::from).collect();
    let (configured, now) = (desk.portals(), question.now);
    let seal_wait = desk.board.seal_wait;
    let told = desk.look(&question, move |look| Ok(noticed(look, &configured, seal_wait, now)?));
    match told.await {
        Ok(told) => alerts.extend(told),
        Err(_) if alerts.iter().any(|alert| alert.what == "ledger") => {}
        Err(_) => alerts.push(away(desk.answered(&question))),
    }
    let document = Alerts { as_of: question.as_of(), alerts };
    let (rows, name) = (&document.alerts, "alerts".to_owned());
    format.answer((&desk, &who, &question), &Answer { document: &document, rows, columns: &COLUMNS, name, next: None })
}

impl From<board::Problem> for Alert {
    fn from(problem: board::Problem) -> Self {
        let board::Problem { what, detail, meaning, remedy, since } = problem;
        Self { what, portal: None, since: since.map(|at| instant(at).to_string()), detail, meaning, remedy }
    }
}

/// The ledger did not say what can be seen in it.
fn away(last: Option<Millis>) -> Alert {
    let last =
        last.map_or_else(|| "nobody knows since when".to_owned(), |at| format!("it answered last at {}", instant(at)));
    Alert {
        what: "ledger".to_owned(),
        portal: None,
        since: None,
        detail: format!("the ledger does not answer; {last}"),
        meaning: "figures cannot be shown; counting goes on, and the journal keeps what the ledger has not taken"
            .to_owned(),
        remedy: "see whether its database runs and can be reached; `portalmeter check` says what is wrong".to_owned(),
    }
}
