//! What is wrong by what the ledger shows: days that ought to be sealed, more bots than usual, contracts that are used up.

use std::collections::BTreeMap;

use portalmeter_meter::day::{Day, instant};
use portalmeter_meter::insight::{self, Overdue, Surge};
use portalmeter_meter::ledger::{LedgerError, Look};
use portalmeter_rules::time::Millis;

use super::Alert;
use crate::api::live::contract::{Contract, ContractAlert, contract};
use crate::board::Portal;

/// What the ledger shows.
pub(super) fn noticed(
    look: &mut dyn Look,
    configured: &[Portal],
    seal_wait: Millis,
    now: Millis,
) -> Result<Vec<Alert>, LedgerError> {
    let mut alerts = unsealed(insight::overdue(look, &[], seal_wait, now)?);
    for portal in configured {
        let today = portal.policy.zone.day(now);
        let surges = insight::surges(look, &[portal.name.to_string()], today)?;
        alerts.extend(surges.into_iter().map(|surge| bots(portal, surge)));
        if portal.contracted_sessions.is_some() {
            alerts.extend(used_up(portal, &contract(look, portal, now)?));
        }
    }
    Ok(alerts)
}

/// Days that should have been sealed long ago: one alert a portal.
fn unsealed(overdue: Vec<Overdue>) -> Vec<Alert> {
    let mut portals: BTreeMap<String, Vec<Overdue>> = BTreeMap::new();
    for day in overdue {
        portals.entry(day.portal.clone()).or_default().push(day);
    }
    let alert = |(portal, days): (String, Vec<Overdue>)| {
        let many = days.len();
        let Overdue { day, since, .. } = days.into_iter().min_by_key(|one| one.day)?;
        let others = if many > 1 { format!(", nor are {} later ones that should be", many - 1) } else { String::new() };
        Some(Alert {
            what: "sealing".to_owned(),
            portal: Some(portal),
            since: Some(instant(since).to_string()),
            detail: format!("{day} is not sealed{others}"),
            meaning: "these days may still change: they are not valid for billing yet".to_owned(),
            remedy: "see that a node runs and reaches the ledger: it seals what is due".to_owned(),
        })
    };
    portals.into_iter().filter_map(alert).collect()
}

/// A day with many more bots than usual.
fn bots(portal: &Portal, surge: Surge) -> Alert {
    let Surge { portal: name, day, bots, usual } = surge;
    Alert {
        what: "bots".to_owned(),
        portal: Some(name),
        since: Some(instant(portal.policy.zone.start(day)).to_string()),
        detail: format!("{bots} bot sessions on {day}; {usual} a day are usual"),
        meaning: "crawlers visit more than they did; they are counted, shown and never billed".to_owned(),
        remedy: "look at who they are: /api/v1/records?class=bot names their agents".to_owned(),
    }
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
