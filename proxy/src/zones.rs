//! Portals that move to another time zone: found at a start by what the ledger has of them, and told.

use portalmeter_meter::changeover::Changeover;
use portalmeter_meter::day::{Zone, instant};
use portalmeter_meter::ledger::{Ledger, LedgerError};
use portalmeter_meter::stamping::Stamping;
use portalmeter_rules::time::Millis;

use crate::command::reach::{PATIENCE, within};
use crate::config::{Config, Portal};
use crate::ledger;

/// How portals are stamped by a node that starts, in their order. A file that was changed while none ran has the same
/// effect as a reload.
pub(crate) fn at_start(config: &Config, now: Millis) -> Vec<Stamping> {
    let asking = config.clone();
    let ask = move || ledger::to_read(&asking).and_then(|mut ledger| as_counted(&asking, &mut *ledger, now));
    let why = match within(PATIENCE, ask) {
        Some(Ok(stampings)) => return stampings,
        Some(Err(LedgerError::Absent)) => None,
        Some(Err(error)) => Some(error.to_string()),
        None => Some("it does not answer".to_owned()),
    };
    if let Some(why) = why {
        tracing::warn!(
            why,
            "the ledger cannot be asked in which time zones days were counted; one that was changed counts at once"
        );
    }
    config.portals.iter().map(|portal| portal.stamp.clone().into()).collect()
}

/// How portals are stamped from `now` on, in their order: one whose newest day was counted in another zone moves.
pub(crate) fn as_counted(config: &Config, ledger: &mut dyn Ledger, now: Millis) -> Result<Vec<Stamping>, LedgerError> {
    config.portals.iter().map(|portal| one_as_counted(portal, ledger, now)).collect()
}

fn one_as_counted(portal: &Portal, ledger: &mut dyn Ledger, now: Millis) -> Result<Stamping, LedgerError> {
    let stamping = Stamping::from(portal.stamp.clone());
    let zone = &portal.stamp.policy.zone;
    // Zones are a day apart; what is later still is of a clock that was wrong.
    let counted = ledger.last_zones(&portal.rules.name, zone.day(now).plus(1))?;
    if counted.iter().any(|counted| counted == zone.name()) {
        return Ok(stamping);
    }
    let former = counted.iter().find_map(|counted| Zone::named(counted).ok());
    Ok(former.map_or(stamping.clone(), |former| stamping.moved_from(former, now)))
}

/// Logs that a portal moves.
pub(crate) fn tell(portal: &str, changeover: &Changeover) {
    let Told { from, to, day, at } = told(changeover);
    tracing::info!(
        portal,
        from,
        to,
        day,
        at,
        "the portal moves to another time zone, whose days count from this one on"
    );
}

/// That a portal moves, in words.
pub(crate) fn in_words(portal: &str, changeover: &Changeover) -> String {
    let Told { from, to, day, at } = told(changeover);
    format!("{portal} moves from {from} to {to}: that applies from its day {day} on, at {at}")
}

struct Told<'c> {
    from: &'c str,
    to: &'c str,
    day: String,
    at: String,
}

fn told(changeover: &Changeover) -> Told<'_> {
    Told {
        from: changeover.from().name(),
        to: changeover.to().name(),
        day: changeover.first_day().to_string(),
        at: instant(changeover.at()).to_string(),
    }
}
