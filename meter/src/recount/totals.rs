//! A day's total is the sum of its records.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::{Finding, Looked, What};
use crate::day::{Day, Month};
use crate::ledger::{Ledger, LedgerError, Lines, Total, Which};
use crate::session::Class;
use crate::usage::Sums;

/// Of a module and day.
type Of = (Option<String>, Day);

/// A day that changes while it is added up is added up again, so often.
const ATTEMPTS: u32 = 5;

/// Compares each total of a month with the sum of its records.
pub(super) fn check(
    ledger: &mut dyn Ledger,
    month: Month,
    portal: &str,
    tell: &mut dyn FnMut(Finding),
    looked: &mut Looked,
) -> Result<(), LedgerError> {
    let mut days = (month.first(), month.end());
    let mut done: BTreeSet<Of> = BTreeSet::new();
    for _ in 0..ATTEMPTS {
        let before = totals(ledger, portal, days)?;
        let sums = sums(ledger, portal, days)?;
        let after = totals(ledger, portal, days)?;
        let mut moved: Vec<Day> = Vec::new();
        let all: BTreeSet<&Of> = before.keys().chain(after.keys()).chain(sums.keys()).collect();
        for of in all.into_iter().filter(|of| !done.contains(*of)).cloned().collect::<Vec<_>>() {
            let total = after.get(&of);
            if before.get(&of).map(|total| total.revision) != total.map(|total| total.revision) {
                moved.push(of.1);
                continue;
            }
            compare(portal, &of, total, sums.get(&of).copied().unwrap_or_default(), tell);
            looked.totals += 1;
            done.insert(of);
        }
        let (Some(first), Some(last)) = (moved.iter().min(), moved.iter().max()) else { return Ok(()) };
        days = (*first, last.plus(1));
    }
    looked.left_out.push(format!("{portal}: totals from {} on change faster than they can be added up", days.0));
    Ok(())
}

fn compare(portal: &str, (module, day): &Of, total: Option<&Total>, sums: [i64; 4], tell: &mut dyn FnMut(Finding)) {
    for (class, sum) in Class::ALL.into_iter().zip(sums) {
        let found = total.map_or(0, |total| count(&total.sums, class));
        if found != sum {
            tell(Finding {
                portal: portal.to_owned(),
                module: module.clone(),
                day: *day,
                what: What::Total,
                which: class.name().to_owned(),
                expected: format!("{sum}, the sum of its records"),
                found: if total.is_some() { found.to_string() } else { "no total".to_owned() },
            });
        }
    }
}

fn count(sums: &Sums, class: Class) -> i64 {
    Class::ALL.into_iter().zip(sums.records).find(|(one, _)| *one == class).map_or(0, |(_, count)| count)
}

fn totals(ledger: &mut dyn Ledger, portal: &str, (from, to): (Day, Day)) -> Result<BTreeMap<Of, Total>, LedgerError> {
    let days = ledger.totals(portal, Which::All)?.days.into_iter();
    let days = days.filter(|total| total.day >= from && total.day < to);
    Ok(days.map(|total| ((total.module.clone(), total.day), total)).collect())
}

fn sums(ledger: &mut dyn Ledger, portal: &str, (from, to): (Day, Day)) -> Result<BTreeMap<Of, [i64; 4]>, LedgerError> {
    let mut all: BTreeMap<Of, Sums> = BTreeMap::new();
    let query = Lines { portal: Some(portal.to_owned()), from: Some(from), to: Some(to), ..Lines::default() };
    ledger.records(&query, &mut |line| {
        all.entry((line.module, line.day)).or_default().add(line.class, i64::from(line.amount));
        ControlFlow::Continue(())
    })?;
    Ok(all.into_iter().map(|(of, sums)| (of, sums.records)).collect())
}
