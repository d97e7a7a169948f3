//! A line of the ledger, as it is shown.

use std::collections::{BTreeMap, HashSet};

use portalmeter_meter::day::{Day, instant};
use portalmeter_meter::ledger::{Days, LedgerError, Line, Look};
use serde::Serialize;
use utoipa::ToSchema;

use super::reason_name;
use crate::api::settled::Settled;

/// A usage record, or a correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::api) struct Record {
    /// Permanent.
    id: String,
    portal: String,
    /// The module, where sessions are counted per module.
    module: Option<String>,
    /// The day it counts on.
    #[schema(example = "2026-03-12")]
    day: String,
    /// Whose midnight it is.
    timezone: String,
    /// As what.
    #[schema(example = "guest")]
    class: &'static str,
    /// By which rule of the fold; `manual` of a correction by hand.
    #[schema(example = "start")]
    reason: &'static str,
    /// What it adds to the total of its class: 1 of a record, any number of a correction.
    amount: i32,
    /// Which browser or device, as a keyed hash.
    visitor: Option<String>,
    session: Option<String>,
    /// The session's first page.
    started: Option<String>,
    /// The page that counted; of a correction by hand when it was made.
    event_time: String,
    /// When the store took it.
    stored_time: String,
    /// The company of a signed-in user.
    account: Option<String>,
    /// Who was signed in, as a keyed hash.
    user: Option<String>,
    /// A bot's name.
    agent: Option<String>,
    /// The rule that gave the evidence.
    rule: String,
    /// The policy it was counted by: see `/api/v1/policies/{id}`.
    policy: Option<String>,
    /// Of a portal that is only observed.
    trial: bool,
    /// It no longer follows from what is known, and is in no total.
    withdrawn: bool,
    /// The sealed day that it corrects.
    corrects: Option<String>,
    /// The record that it corrects.
    #[serde(rename = "of_record")]
    of: Option<String>,
    /// Who made a correction by hand.
    author: Option<String>,
    /// Why.
    note: Option<String>,
    /// Whether the day's total may still change.
    state: Settled,
    /// Of a sealed day, in its total, and no trial.
    valid_for_billing: bool,
}

pub(in crate::api) const COLUMNS: [&str; 26] = [
    "id",
    "portal",
    "module",
    "day",
    "timezone",
    "class",
    "reason",
    "amount",
    "visitor",
    "session",
    "started",
    "event_time",
    "stored_time",
    "account",
    "user",
    "agent",
    "rule",
    "policy",
    "trial",
    "withdrawn",
    "corrects",
    "of_record",
    "author",
    "note",
    "state",
    "valid_for_billing",
];

/// Totals that are sealed, by portal, module and day.
pub(super) type Sealed = HashSet<(String, Option<String>, Day)>;

impl Record {
    pub(super) fn of(line: &Line, sealed: &Sealed) -> Self {
        let is_sealed = sealed.contains(&(line.portal.clone(), line.module.clone(), line.day));
        Self {
            id: line.id.to_string(),
            portal: line.portal.clone(),
            module: line.module.clone(),
            day: line.day.to_string(),
            timezone: line.zone.clone(),
            class: line.class.name(),
            reason: reason_name(line.reason),
            amount: line.amount,
            visitor: line.visitor.map(|visitor| visitor.to_string()),
            session: line.session.map(|session| session.to_string()),
            started: line.started.map(|at| instant(at).to_string()),
            event_time: instant(line.event_time).to_string(),
            stored_time: instant(line.stored_time).to_string(),
            account: line.account.clone(),
            user: line.user.map(|user| user.to_string()),
            agent: line.agent.clone(),
            rule: line.rule.clone(),
            policy: line.policy.map(|policy| policy.to_string()),
            trial: line.trial,
            withdrawn: line.withdrawn,
            corrects: line.corrects.map(|day| day.to_string()),
            of: line.of.map(|of| of.to_string()),
            author: line.author.clone(),
            note: line.note.clone(),
            state: Settled::sealed_if(is_sealed),
            valid_for_billing: is_sealed && !line.withdrawn && !line.trial,
        }
    }
}

/// Which of the totals that these lines are in are sealed.
pub(super) fn sealed(look: &mut dyn Look, lines: &[Line]) -> Result<Sealed, LedgerError> {
    let mut portals: BTreeMap<&str, Days> = BTreeMap::new();
    for line in lines {
        let days = portals.entry(&line.portal).or_insert(Days::one(line.day));
        *days = Days { from: days.from.min(line.day), to: days.to.max(line.day.plus(1)) };
    }
    let mut sealed = Sealed::new();
    for (portal, days) in portals {
        let totals = look.totals(&[portal.to_owned()], days)?.into_iter();
        let totals = totals.filter(|(_, total)| total.sealed.is_some());
        sealed.extend(totals.map(|(portal, total)| (portal, total.module, total.day)));
    }
    Ok(sealed)
}
