//! What a record says of itself can be, nothing was counted twice, and a correction makes of a record what it may.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use portalmeter_rules::id::Name;

use super::{Finding, Looked, What};
use crate::day::{Day, Month, Zone};
use crate::ledger::{Ledger, LedgerError, Line, Lines};
use crate::observation::Scope;
use crate::record::{Reason, record_id, session_id};
use crate::session::Class;

/// Looks at each line of a month.
pub(super) fn check(
    ledger: &mut dyn Ledger,
    month: Month,
    portal: &str,
    tell: &mut dyn FnMut(Finding),
    looked: &mut Looked,
) -> Result<(), LedgerError> {
    let query =
        Lines { portal: Some(portal.to_owned()), from: Some(month.first()), to: Some(month.end()), ..Lines::default() };
    let mut zones = Zones::default();
    let mut visitor = Visitor::default();
    let mut corrected: BTreeSet<Name> = BTreeSet::new();
    ledger.records(&query, &mut |line| {
        looked.lines += 1;
        match (&line.of, line.corrects) {
            (Some(of), _) => drop(corrected.insert(*of)),
            (None, Some(_)) => by_hand(&line, tell),
            (None, None) => {
                record(&line, &mut zones, tell);
                visitor.counts(&line, tell);
            }
        }
        ControlFlow::Continue(())
    })?;
    for id in corrected {
        corrections(ledger, id, (month, portal), tell)?;
    }
    Ok(())
}

/// What is wrong with a line.
fn finding(line: &Line, what: What, which: String, expected: impl Into<String>, found: impl Into<String>) -> Finding {
    Finding {
        portal: line.portal.clone(),
        module: line.module.clone(),
        day: line.day,
        what,
        which,
        expected: expected.into(),
        found: found.into(),
    }
}

/// Zones by name: each is looked up once.
#[derive(Default)]
struct Zones(HashMap<String, Zone>);

impl Zones {
    fn day(&mut self, zone: &str, at: i64) -> Option<Day> {
        if let Some(zone) = self.0.get(zone) {
            return Some(zone.day(at));
        }
        let known = Zone::named(zone).ok()?;
        let day = known.day(at);
        self.0.insert(zone.to_owned(), known);
        Some(day)
    }
}

/// Its ids follow from what it says, and its day is the one on which it was counted.
fn record(line: &Line, zones: &mut Zones, tell: &mut dyn FnMut(Finding)) {
    let mut wrong = |which: &str, expected: String, found: String| {
        tell(finding(line, What::Record, format!("{which} of {}", line.id), expected, found));
    };
    if line.amount != 1 {
        wrong("amount", "1".to_owned(), line.amount.to_string());
    }
    match zones.day(&line.zone, line.event_time) {
        None => wrong("zone", "an IANA time zone".to_owned(), format!("`{}`", line.zone)),
        Some(day) if day != line.day => {
            wrong("day", format!("{day}, on which it was in {}", line.zone), line.day.to_string());
        }
        Some(_) => {}
    }
    // Records of the first schema do not say whose they are.
    let (Some(visitor), Some(started), Some(session), Some(reason)) =
        (line.visitor, line.started, line.session, line.reason)
    else {
        return;
    };
    let scope = Scope { portal: line.portal.as_str().into(), module: line.module.as_deref().map(Into::into) };
    let follows = session_id(&scope, visitor, started);
    if follows != session {
        wrong(
            "session",
            format!("{follows}, which follows from portal, module, visitor and start"),
            session.to_string(),
        );
    }
    let follows = record_id(session, started, line.day, reason);
    if follows != line.id {
        wrong("id", format!("{follows}, which follows from session, day and reason"), line.id.to_string());
    }
    if started > line.event_time {
        wrong("time", format!("at or after its session's start, {started}"), line.event_time.to_string());
    }
}

/// What a visitor counted on a day: lines come in the order of portal, day and visitor.
#[derive(Default)]
struct Visitor {
    of: Option<(Day, Option<Name>)>,
    counted: HashMap<Unit, Name>,
}

/// What is counted once a day: a session of a module, for a reason.
type Unit = (Option<String>, Option<Name>, Option<Reason>);

impl Visitor {
    fn counts(&mut self, line: &Line, tell: &mut dyn FnMut(Finding)) {
        let of = Some((line.day, line.visitor));
        if self.of != of {
            self.counted.clear();
            self.of = of;
        }
        let Some(first) = self.counted.insert((line.module.clone(), line.session, line.reason), line.id) else {
            return;
        };
        let which = format!("of {first}");
        tell(finding(line, What::Duplicate, which, "one record of a session, day and reason", line.id.to_string()));
    }
}

/// A person's correction says who and why.
fn by_hand(line: &Line, tell: &mut dyn FnMut(Finding)) {
    let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    let mut wrong = |expected: &str, found: &str| {
        tell(finding(line, What::Correction, line.id.to_string(), expected, found));
    };
    if !said(&line.author) || !said(&line.note) {
        wrong("an author and a reason", "none");
    }
    if line.amount == 0 {
        wrong("a difference", "0");
    }
    if line.corrects.is_some_and(|corrects| corrects > line.day) {
        wrong("a day before the one that it is booked on", "a later one");
    }
}

/// A record and its corrections come to one or nothing, in each class and account, and follow one another.
fn corrections(
    ledger: &mut dyn Ledger,
    of: Name,
    (month, portal): (Month, &str),
    tell: &mut dyn FnMut(Finding),
) -> Result<(), LedgerError> {
    let mut lines: Vec<Line> = Vec::new();
    let query = Lines { id: Some(of), withdrawn: true, ..Lines::default() };
    ledger.records(&query, &mut |line| {
        lines.push(line);
        ControlFlow::Continue(())
    })?;
    let here = |line: &&Line| line.day >= month.first() && line.day < month.end() && line.portal == portal;
    let Some(last) = lines.iter().filter(|line| line.of == Some(of)).filter(here).max_by_key(|line| line.stored_time)
    else {
        return Ok(());
    };
    let mut wrong = |expected: &str, found: String| {
        tell(finding(last, What::Correction, format!("of {of}"), expected, found));
    };
    let mut sums: BTreeMap<(Class, Option<&str>), i64> = BTreeMap::new();
    for line in lines.iter().filter(|line| !line.withdrawn) {
        *sums.entry((line.class, line.account.as_deref())).or_default() += i64::from(line.amount);
    }
    let total: i64 = sums.values().sum();
    if !(0..=1).contains(&total) || sums.values().any(|sum| !(0..=1).contains(sum)) {
        wrong("a record and its corrections that come to 1 or 0", total.to_string());
    }
    let days: BTreeSet<Day> =
        lines.iter().filter_map(|line| if line.of.is_some() { line.corrects } else { Some(line.day) }).collect();
    if days.len() > 1 {
        let days = days.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        wrong("corrections of the record's own day", days);
    }
    let places: BTreeSet<(&str, Option<&str>)> =
        lines.iter().map(|line| (line.portal.as_str(), line.module.as_deref())).collect();
    if places.len() > 1 {
        wrong("corrections in the record's own portal and module", format!("{places:?}"));
    }
    if lines.iter().any(|line| line.of.is_some() && line.corrects.is_none_or(|corrects| corrects > line.day)) {
        wrong("corrections that are booked after the day they correct", "one before it, or of no day".to_owned());
    }
    Ok(())
}
