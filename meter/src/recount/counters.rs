//! The counters that others read beside the ledger are what the ledger has.

use std::collections::BTreeMap;

use super::{Finding, Looked, What};
use crate::day::{Day, Month};
use crate::ledger::{Ledger, LedgerError, Position, Totals, Which};
use crate::session::Class;

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
    /// Records by class, in the order of [`Class::ALL`].
    pub records: [i64; 4],
}

/// Of a module, or of the portal as a whole, and a day.
type Of = (Option<String>, Day);

/// So often the ledger may catch up before a difference is one.
const ATTEMPTS: u32 = 15;

/// Compares a month's counters with the ledger's totals.
pub(super) fn check(
    ledger: &mut dyn Ledger,
    month: Month,
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
        let found = differences(portal, month, &after, &days);
        let may_pass = found.iter().any(|(sealed, _)| !sealed) && attempt + 1 < ATTEMPTS;
        if !may_pass {
            looked.counters += days.iter().filter(|one| one.day.month() == month).count() as u64;
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
fn differences(portal: &str, month: Month, totals: &Totals, days: &[Counted]) -> Vec<(bool, Finding)> {
    let mut wanted: BTreeMap<Of, ([i64; 4], bool)> = BTreeMap::new();
    for total in totals.days.iter().filter(|total| total.day.month() == month) {
        for module in [None, total.module.clone()].iter().take(1 + usize::from(total.module.is_some())) {
            let (records, sealed) = wanted.entry((module.clone(), total.day)).or_insert(([0; 4], true));
            records.iter_mut().zip(total.sums.records).for_each(|(sum, count)| *sum += count);
            *sealed &= total.sealed.is_some();
        }
    }
    let here = days.iter().filter(|one| one.day.month() == month);
    let mut there: BTreeMap<Of, [i64; 4]> = here.map(|one| ((one.module.clone(), one.day), one.records)).collect();
    let mut all = Vec::new();
    for ((module, day), (records, sealed)) in wanted {
        let found = there.remove(&(module.clone(), day));
        // A sealed day's counters are not kept for ever.
        if found.is_none() && sealed {
            continue;
        }
        let of = (module, day);
        all.extend(of_day(portal, &of, records, found).map(|finding| (sealed, finding)));
    }
    for (of, found) in there {
        all.extend(of_day(portal, &of, [0; 4], Some(found)).map(|finding| (false, finding)));
    }
    all
}

fn of_day(
    portal: &str,
    (module, day): &Of,
    wanted: [i64; 4],
    found: Option<[i64; 4]>,
) -> impl Iterator<Item = Finding> {
    let classes = Class::ALL.into_iter().zip(wanted.into_iter().zip(found.unwrap_or_default()));
    let differing = classes.filter(|(_, (wanted, found))| wanted != found);
    differing.map(move |(class, (wanted, count))| Finding {
        portal: portal.to_owned(),
        module: module.clone(),
        day: *day,
        what: What::Counter,
        which: class.name().to_owned(),
        expected: format!("{wanted}, as the ledger has it"),
        found: if found.is_some() { count.to_string() } else { "no counters".to_owned() },
    })
}
