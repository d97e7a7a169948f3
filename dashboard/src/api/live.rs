//! `/api/v1/sessions/live`: who is live now and was over the last 24 hours, and how far each contract is used.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::day::instant;
use portalmeter_meter::insight;
use portalmeter_meter::ledger::Look;
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::chosen::unknown;
use super::desk::Desk;
use super::problem::{Problem, Told, Wrong};
use super::table::{Answer, Format, FormatParams};
use super::who::Who;
use crate::board::Portal;

pub(super) mod contract;

use contract::Contract;

/// What of it is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
struct LiveParams {
    /// These portals alone; may be there several times.
    portal: Option<Vec<String>>,
    /// Which table is written as CSV: `now`, `over_time` or `contract`.
    #[param(example = "now")]
    table: Option<String>,
}

/// Who is live.
#[derive(Debug, Serialize, ToSchema)]
struct LiveAnswer {
    /// When the ledger was read: it hears of a session at once, and of one that goes on once a minute.
    as_of: String,
    /// Always `open`: it is about this moment.
    state: &'static str,
    /// Never: it is about this moment.
    valid_for_billing: bool,
    portals: Vec<LivePortal>,
    /// Now, over all portals.
    now: ByClass,
}

/// Who is live in a portal.
#[derive(Debug, Serialize, ToSchema)]
struct LivePortal {
    portal: String,
    /// Whose midnight a contract's month begins at.
    timezone: String,
    /// Now.
    now: ByClass,
    /// Now, of each module, where sessions are counted per module.
    modules: Vec<LiveModule>,
    /// Every ten minutes of the last 24 hours, the last of which is now.
    over_time: Vec<LiveAt>,
    contract: Contract,
}

/// Who is live in a module.
#[derive(Debug, Serialize, ToSchema)]
struct LiveModule {
    module: String,
    #[serde(flatten)]
    live: ByClass,
}

/// Who was live at an instant.
#[derive(Debug, Serialize, ToSchema)]
struct LiveAt {
    at: String,
    #[serde(flatten)]
    live: ByClass,
}

/// Live sessions by class.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
struct ByClass {
    guest: u64,
    external: u64,
    internal: u64,
    bot: u64,
    /// Of people: without bots.
    people: u64,
}

/// A row of one of the tables.
#[derive(Debug, Serialize)]
struct LiveRow<'a> {
    portal: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
    #[serde(flatten)]
    live: Option<ByClass>,
    #[serde(flatten)]
    contract: Option<&'a Contract>,
}

#[derive(Debug, Clone, Copy)]
enum Table {
    Now,
    OverTime,
    Contract,
}

impl Table {
    const ALL: [Self; 3] = [Self::Now, Self::OverTime, Self::Contract];

    fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::OverTime => "over_time",
            Self::Contract => "contract",
        }
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Now => &["portal", "module", "guest", "external", "internal", "bot", "people"],
            Self::OverTime => &["portal", "at", "guest", "external", "internal", "bot", "people"],
            Self::Contract => &contract::COLUMNS,
        }
    }
}

impl From<[u64; 4]> for ByClass {
    fn from([guest, external, internal, bot]: [u64; 4]) -> Self {
        Self { guest, external, internal, bot, people: guest + external + internal }
    }
}

/// Live sessions now and over the last 24 hours, against the sessions that are contracted.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/live",
    tag = "usage",
    params(LiveParams, FormatParams),
    responses(
        (status = 200, content((LiveAnswer = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn live(State(desk): State<Arc<Desk>>, who: Who, mut asked: Asked) -> Result<Response, Problem> {
    who.sees_everything()?;
    let format = Format::of(&mut asked)?;
    let named = asked.all("portal");
    let table = asked.word("table", &Table::ALL, Table::name)?.unwrap_or(Table::Now);
    let question = desk.question(&who, &asked);
    asked.done()?;
    let configured = desk.portals();
    if let Some(name) = named.iter().find(|name| !configured.iter().any(|portal| *portal.name == ***name)) {
        return Err(unknown(name, &configured));
    }
    let now = question.now;
    let answer = desk.look(&question, move |look| {
        let wanted = |portal: &&Portal| named.is_empty() || named.iter().any(|name| **name == *portal.name);
        configured.iter().filter(wanted).map(|portal| of_portal(look, portal, now)).collect::<Result<Vec<_>, Wrong>>()
    });
    let portals = answer.await?;
    let mut sum = [0; 4];
    for ByClass { guest, external, internal, bot, .. } in portals.iter().map(|portal| portal.now) {
        sum.iter_mut().zip([guest, external, internal, bot]).for_each(|(sum, one)| *sum += one);
    }
    let (as_of, state) = (question.as_of(), "open");
    let document = LiveAnswer { as_of, state, valid_for_billing: false, portals, now: sum.into() };
    let rows: Vec<LiveRow<'_>> = document.portals.iter().flat_map(|portal| portal.rows(table)).collect();
    let name = format!("sessions-{}", table.name());
    let answer = Answer { document: &document, rows: &rows, columns: table.columns(), name, next: None };
    format.answer((&desk, &who, &question), &answer)
}

fn of_portal(look: &mut dyn Look, portal: &Portal, now: Millis) -> Result<LivePortal, Wrong> {
    let zone = &portal.policy.zone;
    let insight::Live { now: live, modules, over_time } =
        insight::live(look, &portal.name, portal.policy.idle_timeout, now)?;
    let modules = modules.into_iter().map(|(module, live)| LiveModule { module, live: live.into() });
    let at = |(at, live): (Millis, [u64; 4])| LiveAt { at: instant(at).to_string(), live: live.into() };
    Ok(LivePortal {
        portal: portal.name.to_string(),
        timezone: zone.name().to_owned(),
        now: live.into(),
        modules: modules.collect(),
        over_time: over_time.into_iter().map(at).collect(),
        contract: contract::contract(look, portal, now)?,
    })
}

impl LivePortal {
    fn rows(&self, table: Table) -> Vec<LiveRow<'_>> {
        let row = |module, at, live| LiveRow { portal: &self.portal, module, at, live: Some(live), contract: None };
        match table {
            Table::Now if self.modules.is_empty() => vec![row(None, None, self.now)],
            Table::Now => self.modules.iter().map(|one| row(Some(one.module.as_str()), None, one.live)).collect(),
            Table::OverTime => self.over_time.iter().map(|one| row(None, Some(one.at.as_str()), one.live)).collect(),
            Table::Contract => {
                vec![LiveRow { live: None, contract: Some(&self.contract), ..row(None, None, self.now) }]
            }
        }
    }
}
