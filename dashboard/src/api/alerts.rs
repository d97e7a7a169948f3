//! `/api/v1/alerts`: what is wrong, since when, what it means and what to do. It answers while the ledger is away, too.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::day::{Day, Zone, instant};
use portalmeter_meter::ledger::{LedgerError, OpenDay};
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::Asked;
use super::desk::{Desk, look};
use super::live::contract::{Contract, ContractAlert, contract};
use super::problem::{Problem, Told};
use super::table::{Answer, Format, FormatParams};
use super::who::Who;
use crate::board::{self, Portal};

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

/// A day that is due is sealed within so long.
const PUNCTUAL: Millis = 3_600_000;

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
    let told = desk.ask(&question, move |ledger| {
        let mut alerts = unsealed(ledger.unsealed()?, now, seal_wait);
        let contracted = configured.iter().filter(|portal| portal.contracted_sessions.is_some());
        alerts.extend(look(ledger, &mut |look| {
            let used = contracted.clone().map(|portal| Ok(used_up(portal, &contract(look, portal, now)?)));
            Ok(used.collect::<Result<Vec<_>, LedgerError>>()?.into_iter().flatten().collect::<Vec<_>>())
        })?);
        Ok(alerts)
    });
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

/// Days that should have been sealed long ago, the first of each portal.
fn unsealed(open: Vec<OpenDay>, now: Millis, seal_wait: Millis) -> Vec<Alert> {
    let mut first: BTreeMap<String, (Millis, OpenDay, usize)> = BTreeMap::new();
    for day in open {
        let zone = Zone::named(&day.zone).unwrap_or_else(|_| Zone::utc());
        let due = zone.end(day.day).saturating_add(seal_wait);
        // Whoever seals looks now and then.
        if due.saturating_add(PUNCTUAL) < now {
            first.entry(day.portal.clone()).or_insert((due, day, 0)).2 += 1;
        }
    }
    let overdue = first.into_iter().map(|(portal, (due, day, days))| Alert {
        what: "sealing".to_owned(),
        portal: Some(portal),
        since: Some(instant(due).to_string()),
        detail: format!("{} is not sealed, nor are {} others that should be", day.day, days - 1),
        meaning: "these days may still change: they are not valid for billing yet".to_owned(),
        remedy: "see that a node runs and reaches the ledger: it seals what is due".to_owned(),
    });
    overdue.collect()
}

/// A contract that is nearly or wholly used.
fn used_up(portal: &Portal, contract: &Contract) -> Option<Alert> {
    let Contract { month, used, contracted, .. } = contract;
    let contracted = contracted.unwrap_or_default();
    let (share, meaning) = match contract.alert {
        ContractAlert::None => return None,
        ContractAlert::Most => ("80", "the rest of the month may need more than is left"),
        ContractAlert::All => ("100", "every further session is beyond the contract; all are counted as before"),
    };
    let since: Option<Day> = contract.alert_since.as_ref().and_then(|day| day.parse().ok());
    let forecast = contract.forecast.map(|all| format!("; the month comes to about {all}")).unwrap_or_default();
    Some(Alert {
        what: "contract".to_owned(),
        portal: Some(portal.name.to_string()),
        since: since.map(|day| instant(portal.policy.zone.start(day)).to_string()),
        detail: format!("{used} of {contracted} contracted sessions are used in {month}: {share} % or more{forecast}"),
        meaning: meaning.to_owned(),
        remedy: "agree on more sessions with whoever holds the contract, and set `contracted_sessions`".to_owned(),
    })
}

/// The ledger did not say how far contracts are used.
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
