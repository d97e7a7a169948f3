//! Which portals a question is about: those that it names, or all, those too that only the ledger still knows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::ledger::{Days, LedgerError, Look};
use portalmeter_meter::policy::Policy;
use portalmeter_rules::time::Millis;

use super::problem::{Problem, Wrong};
use super::range::Range;
use crate::board::Portal;

/// A portal that is asked about.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(super) name: String,
    /// Whose midnight it is now.
    pub(super) zone: Zone,
    /// By which policy it counts; nothing of one that is no longer configured.
    pub(super) policy: Option<Arc<Policy>>,
}

/// Days that mean the same for these portals.
#[derive(Debug, Clone)]
pub(crate) struct Together {
    pub(super) zone: Zone,
    pub(super) days: Days,
    pub(super) portals: Vec<String>,
}

impl Chosen {
    /// What is counted there is no more than a trial.
    pub(super) fn trial(&self) -> bool {
        self.policy.as_ref().is_some_and(|policy| policy.trial)
    }

    /// What kind of portal it is.
    pub(super) fn experience(&self) -> Option<&'static str> {
        self.policy.as_ref().map(|policy| policy.experience.name())
    }
}

/// The portals that are named, or all that are configured or have usage on days of that range.
pub(super) fn chosen(
    look: &mut dyn Look,
    configured: &[Portal],
    named: &[String],
    (range, now): (&Range, Millis),
) -> Result<Vec<Chosen>, Wrong> {
    let day = range.days(Zone::utc().day(now))?;
    // Whatever the zone.
    let days = Days { from: day.from.plus(-2), to: day.to.plus(2) };
    let known = |name: &str| configured.iter().find(|portal| *portal.name == *name);
    let names: BTreeSet<String> = if named.is_empty() {
        let counted = look.totals(&[], days)?.into_iter().map(|(portal, _)| portal);
        counted.chain(configured.iter().map(|portal| portal.name.to_string())).collect()
    } else {
        named.iter().cloned().collect()
    };
    let mut portals = Vec::with_capacity(names.len());
    for name in names {
        if let Some(portal) = known(&name) {
            let policy = Arc::clone(&portal.policy);
            portals.push(Chosen { name, zone: policy.zone.clone(), policy: Some(policy) });
            continue;
        }
        let Some(first) = look.first_day(&name)? else {
            return Err(unknown(&name, configured).into());
        };
        let zone = last_zone(look, &name, first, days)?;
        portals.push(Chosen { name, zone, policy: None });
    }
    Ok(portals)
}

/// Nobody has ever heard of a portal.
pub(super) fn unknown(name: &str, configured: &[Portal]) -> Problem {
    Problem::unknown("portal", name, configured.iter().map(|portal| portal.name.to_string()))
}

/// The zone that a portal had last, as far as these days tell, or else when it began.
fn last_zone(look: &mut dyn Look, name: &str, first: Day, days: Days) -> Result<Zone, LedgerError> {
    let portal = [name.to_owned()];
    let mut totals = look.totals(&portal, days)?;
    if totals.is_empty() {
        totals = look.totals(&portal, Days::one(first))?;
    }
    let zone = totals.last().and_then(|(_, total)| Zone::named(&total.zone).ok());
    Ok(zone.unwrap_or_else(Zone::utc))
}

/// Portals by their zones, for `today` is another day in another zone.
pub(super) fn together(portals: &[Chosen], range: &Range, now: Millis) -> Result<Vec<Together>, Problem> {
    let mut zones: BTreeMap<&str, Together> = BTreeMap::new();
    for portal in portals {
        let days = range.days(portal.zone.day(now))?;
        let new = || Together { zone: portal.zone.clone(), days, portals: Vec::new() };
        zones.entry(portal.zone.name()).or_insert_with(new).portals.push(portal.name.clone());
    }
    Ok(zones.into_values().collect())
}
