//! Which visitors a difference is about: records and what must have been counted are matched by time and user.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::actor::Played;
use super::super::calendar::Calendar;
use super::super::truth::{Class, Reason, Unit, Visitor};
use super::Place;
use super::ledger::{Conversion, Record};

/// No more than this many of each sort.
const MOST: usize = 4;
/// Clocks may be apart by this, in milliseconds.
const APART: i64 = 20;

/// What is missing and what is too much of one sort of record, with what those visitors did.
pub(crate) fn describe(
    (place, class, reason): (&Place, Class, Reason),
    records: &[Record],
    played: &[Played],
    calendar: &Calendar,
) -> String {
    let mut units: Vec<(&Played, &Unit)> = Vec::new();
    for actor in played {
        for visitor in actor.visitors.iter().filter(|visitor| visitor.portal.name == place.0) {
            let story = visitor.units().next().unwrap_or_default();
            let alike = |unit: &&Unit| {
                (unit.class, unit.reason) == (class, reason)
                    && unit.module.unwrap_or_default() == place.1
                    && calendar.date(unit.day) == place.2
            };
            units.extend(story.iter().filter(alike).map(|unit| (actor, unit)));
        }
    }
    units.sort_by_key(|(_, unit)| unit.at.last);
    let mut alike: Vec<&Record> =
        records.iter().filter(|one| (&one.place, one.class, one.reason) == (place, class, reason)).collect();
    alike.sort_by_key(|record| record.event_time);
    let mut too_much = Vec::new();
    for record in alike {
        let matches = |(_, unit): &(&Played, &Unit)| {
            let from = calendar.epoch(unit.at.first) - APART;
            let user = unit.user.map(|user| user.to_string());
            let account = record.account.as_deref().and_then(|account| account.get(1..));
            (from..=calendar.epoch(unit.at.last) + APART).contains(&record.event_time) && account == user.as_deref()
        };
        match units.iter().position(matches) {
            Some(place) => drop(units.remove(place)),
            None => too_much.push(record),
        }
    }
    let mut said = String::new();
    for (actor, unit) in units.iter().take(MOST) {
        let _ = writeln!(said, "  missing: at {} to {}; {}", unit.at.first, unit.at.last, tell(actor));
    }
    for record in too_much.iter().take(MOST) {
        let at = record.event_time - calendar.epoch(0);
        let Record { session, account, visitor, .. } = record;
        let _ = writeln!(said, "  too much: at {at}, session {session}, account {account:?}, visitor {visitor}");
        for other in records.iter().filter(|other| other.visitor == *visitor) {
            let (at, Record { class, reason, session, .. }) = (other.event_time - calendar.epoch(0), other);
            let _ = writeln!(said, "    has {} by {} at {at}, session {session}", class.name(), reason.name());
        }
        let whose = actor_of(record.account.as_deref());
        let there = |actor: &&Played| match whose {
            Some(number) => actor.number == number,
            None => {
                actor.visitors.iter().any(|visitor| visitor.portal.name == place.0)
                    && actor.deeds.iter().any(|deed| {
                        let whole = deed.done.whole;
                        (whole.first as i64 - APART..=whole.last as i64 + APART).contains(&at)
                    })
            }
        };
        for actor in played.iter().filter(there).take(MOST) {
            let _ = writeln!(said, "    may be {}", tell(actor));
        }
    }
    said
}

/// Guest sessions that became external, or did not, otherwise than the truth has it.
pub(crate) fn describe_conversions(conversions: &[Conversion], played: &[Played], calendar: &Calendar) -> String {
    let mut told: BTreeMap<(&str, &str, u64), Vec<&Conversion>> = BTreeMap::new();
    for conversion in conversions {
        let whose = actor_of(conversion.account.as_deref()).unwrap_or_default();
        told.entry((&conversion.portal, &conversion.module, whose)).or_default().push(conversion);
    }
    let (mut said, mut wrong) = (String::new(), 0);
    for actor in played {
        let mut truth: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for visitor in &actor.visitors {
            for module in visitor.portal.modules.iter().copied().chain([""]) {
                truth.entry((visitor.portal.name, module)).or_default();
            }
            for (module, _) in visitor.converted().next().unwrap_or_default() {
                *truth.entry((visitor.portal.name, module.unwrap_or_default())).or_default() += 1;
            }
        }
        for ((portal, module), truth) in truth {
            let found = told.remove(&(portal, module, actor.number)).unwrap_or_default();
            if found.len() == truth || !actor.visitors.iter().all(Visitor::is_certain) {
                continue;
            }
            wrong += 1;
            if wrong > 3 * MOST {
                continue;
            }
            let many = found.len();
            let _ = writeln!(said, "  conversions in {portal} {module}: {many}, truth {truth}: {}", tell(actor));
            for Conversion { started, session, account, .. } in found {
                let at = started - calendar.epoch(0);
                let _ = writeln!(said, "    of session {session} of {at}, account {account:?}");
            }
        }
    }
    for ((portal, module, whose), conversions) in told {
        let _ = writeln!(said, "  conversions in {portal} {module} of {whose}, who has none there: {conversions:?}");
    }
    said
}

/// Each actor has ten users of its own.
fn actor_of(account: Option<&str>) -> Option<u64> {
    Some(account?.get(1..)?.parse::<u64>().ok()? / 10)
}

fn tell(actor: &Played) -> String {
    let mut told = format!("{:?} {} of {}:", actor.role, actor.number, actor.visitors[0].portal.name);
    for deed in &actor.deeds {
        let done = &deed.done;
        let _ = write!(told, " {} {}-{}@{}", deed.what, done.whole.first, done.whole.last, done.node);
        if done.sent > 1 {
            let _ = write!(told, "(sent {} times, last at {})", done.sent, done.answered.first);
        }
    }
    told
}
