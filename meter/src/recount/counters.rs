//! The counters that others read beside the ledger are what the ledger has.

use std::collections::BTreeMap;

use portalmeter_rules::time::Millis;

use super::{Finding, Looked, Question, What};
use crate::day::Day;
use crate::ledger::{Ledger, LedgerError, Position, Totals, Which};
use crate::store::redis::counters::KEEP_SEALED;
use crate::usage::{self, Sums};

/// Counters beside the ledger, and what is on its way from there to it.
pub trait Counters {
    /// The last entry that the ledger is told of a portal.
    fn last(&mut self, portal: &str) -> Result<Position, String>;

    /// The counters of a portal's days.
    fn days(&mut self, portal: &str) -> Result<Vec<Counted>, String>;

    /// Lets some time pass, in which the ledger may catch up.
    fn pause(&mut self) {}
}

/// The counters of a day of a portal, modules included, or of one of its modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The module; nothing is the portal as a whole.
    pub module: Option<String>,
    /// The day.
    pub day: Day,
    /// Its fields as they are; none if the day is listed and its counters are gone.
    pub fields: BTreeMap<String, String>,
}

/// Of a module, or of the portal as a whole, and a day.
type Of = (Option<String>, Day);

/// What the ledger has of one.
struct Wanted {
    sums: Sums,
    /// When the first of its rows was sealed, if all are.
    sealed: Option<Millis>,
}

/// So often the ledger may catch up before a difference is one.
const ATTEMPTS: u32 = 15;

/// Compares a month's counters with the ledger's totals.
pub(super) fn check(
    ledger: &mut dyn Ledger,
    question: &Question<'_>,
    portal: &str,
    counters: &mut dyn Counters,
    tell: &mut dyn FnMut(Finding),
    looked: &mut Looked,
) -> Result<(), LedgerError> {
    let mut left = String::new();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            counters.pause();
        }
        let before = ledger.totals(portal, Which::All)?;
        let read = counters.last(portal).and_then(|last| Ok((last, counters.days(portal)?)));
        let (last, days) = match read {
            Ok(read) => read,
            Err(why) => {
                looked.unread.push(format!("{portal}: the store's counters: {why}"));
                return Ok(());
            }
        };
        let after = ledger.totals(portal, Which::All)?;
        if before != after || last > after.position {
            "entries are on their way to the ledger".clone_into(&mut left);
            continue;
        }
        let found = differences(portal, question, &after, &days);
        let may_pass = found.iter().any(|(sealed, _)| !sealed) && attempt + 1 < ATTEMPTS;
        if !may_pass {
            let compared = days.iter().filter(|one| one.day.month() == question.month && !one.fields.is_empty());
            looked.counters += compared.count() as u64;
            for (_, finding) in found {
                tell(finding);
            }
            return Ok(());
        }
    }
    looked.left_out.push(format!("{portal}: the store's counters: {left}"));
    Ok(())
}

/// What differs, and whether its day is sealed.
fn differences(portal: &str, question: &Question<'_>, totals: &Totals, days: &[Counted]) -> Vec<(bool, Finding)> {
    let here = days.iter().filter(|one| one.day.month() == question.month);
    let mut there: BTreeMap<Of, &Counted> = here.map(|one| ((one.module.clone(), one.day), one)).collect();
    let mut all = Vec::new();
    for (of, Wanted { sums, sealed }) in wanted(question, totals) {
        let found = there.remove(&of).map(|one| &one.fields);
        let has_expired = sealed.is_some_and(|at| question.now >= at.saturating_add(KEEP_SEALED - MARGIN));
        let is_gone = found.is_none_or(BTreeMap::is_empty);
        // A Redis that lost all has no sealed days, and lists none.
        if is_gone && (has_expired || (sealed.is_some() && found.is_none())) {
            continue;
        }
        let findings = of_day(portal, &of, &sums, found.filter(|_| !is_gone));
        all.extend(findings.into_iter().map(|finding| (sealed.is_some(), finding)));
    }
    for (of, found) in there {
        let findings = of_day(portal, &of, &Sums::default(), Some(&found.fields));
        all.extend(findings.into_iter().map(|finding| (false, finding)));
    }
    all
}

/// Clocks differ, and a recount takes its time: the last day of a hash that expires is not missed.
const MARGIN: Millis = 86_400_000;

/// What the ledger has of a portal's days, and of their modules.
fn wanted(question: &Question<'_>, totals: &Totals) -> BTreeMap<Of, Wanted> {
    let mut all: BTreeMap<Of, Wanted> = BTreeMap::new();
    for total in totals.days.iter().filter(|total| total.day.month() == question.month) {
        for module in [None, total.module.clone()].iter().take(1 + usize::from(total.module.is_some())) {
            let first = || Wanted { sums: Sums::default(), sealed: total.sealed };
            let Wanted { sums, sealed } = all.entry((module.clone(), total.day)).or_insert_with(first);
            sums.records.iter_mut().zip(total.sums.records).for_each(|(sum, count)| *sum += count);
            sums.converted += total.sums.converted;
            *sealed = sealed.and_then(|at| Some(at.min(total.sealed?)));
        }
    }
    all
}

fn of_day(portal: &str, (module, day): &Of, sums: &Sums, found: Option<&BTreeMap<String, String>>) -> Vec<Finding> {
    let finding = |which: &str, expected: &str, found: String| Finding {
        portal: portal.to_owned(),
        module: module.clone(),
        day: *day,
        what: What::Counter,
        which: which.to_owned(),
        expected: format!("{expected}, as the ledger has it"),
        found,
    };
    let wanted = usage::Counters::of(sums).of_records();
    let Some(found) = found else {
        let counts = wanted.iter().filter(|(_, count)| *count != 0).map(|(field, count)| format!("{field} {count}"));
        let counts: Vec<String> = counts.collect();
        return if counts.is_empty() {
            Vec::new()
        } else {
            vec![finding("hash", &counts.join(" "), "no counters".to_owned())]
        };
    };
    let differs = |(field, count): (&str, i64)| {
        let said = found.get(field);
        let number = said.map_or(Some(0), |text| text.parse::<i64>().ok());
        (number != Some(count)).then(|| finding(field, &count.to_string(), in_words(said, number)))
    };
    wanted.into_iter().filter_map(differs).collect()
}

fn in_words(said: Option<&String>, number: Option<i64>) -> String {
    match (said, number) {
        (None, _) => "no such field".to_owned(),
        (Some(_), Some(number)) => number.to_string(),
        (Some(text), None) => {
            format!("`{}`, which is no number", text.escape_debug().take(LONGEST).collect::<String>())
        }
    }
}

/// So much of what is no number is shown.
const LONGEST: usize = 40;
