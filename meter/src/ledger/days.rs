//! Days of portals while a transaction changes them: which are sealed, and what the others gain.

use std::collections::BTreeMap;

use super::tables::{Scope, Tables};
use super::{LedgerError, Total};
use crate::day::{Day, Zone};
use crate::usage::Sums;

/// Days of portals, from the first that matters on.
#[derive(Debug, Default)]
pub(super) struct Days {
    portals: BTreeMap<String, BTreeMap<Day, BTreeMap<String, Row>>>,
}

#[derive(Debug)]
struct Row {
    total: Total,
    changed: bool,
}

/// A day without a row is sealed if one of its portal is that is no more than this later: nothing was counted on it
/// when its bill was made. A clock that was years ahead for a moment seals no more than its own days.
const SEALS_BACK: i32 = 62;

impl Days {
    /// Reads the days of portals, of each from a day on.
    pub(super) fn load<T: Tables>(tables: &mut T, portals: BTreeMap<&str, Day>) -> Result<Self, LedgerError> {
        let mut days = Self::default();
        for (portal, from) in portals {
            let by_day = days.portals.entry(portal.to_owned()).or_default();
            for total in tables.days(portal, from)? {
                let module = total.module.clone().unwrap_or_default();
                by_day.entry(total.day).or_default().insert(module, Row { total, changed: false });
            }
        }
        Ok(days)
    }

    /// Whether a day's total can no longer change.
    pub(super) fn is_sealed(&self, scope: Scope<'_>, day: Day) -> bool {
        if let Some(total) = self.total(scope, day) {
            return total.sealed.is_some();
        }
        let Some(days) = self.portals.get(scope.portal) else { return false };
        let mut later = days.range(day..day.plus(SEALS_BACK)).flat_map(|(_, rows)| rows.values());
        later.any(|row| row.total.sealed.is_some())
    }

    /// The first day from this one on that can change.
    pub(super) fn first_open(&self, scope: Scope<'_>, mut day: Day) -> Day {
        while self.is_sealed(scope, day) {
            day = day.plus(1);
        }
        day
    }

    /// A day's total, if there is a row of it.
    pub(super) fn total(&self, scope: Scope<'_>, day: Day) -> Option<&Total> {
        let row = self.portals.get(scope.portal)?.get(&day)?.get(scope.module.unwrap_or_default());
        row.map(|row| &row.total)
    }

    /// The totals of a portal's day, one for each module.
    pub(super) fn totals(&self, portal: &str, day: Day) -> impl Iterator<Item = &Total> {
        let rows = self.portals.get(portal).and_then(|days| days.get(&day));
        rows.into_iter().flat_map(BTreeMap::values).map(|row| &row.total)
    }

    /// An open day's total, to be changed: its revision is one more. A missing row is made, in this zone.
    pub(super) fn change(&mut self, scope: Scope<'_>, day: Day, zone: &str) -> &mut Total {
        let days = self.portals.entry(scope.portal.to_owned()).or_default();
        let modules = days.entry(day).or_default();
        let row = modules.entry(scope.module.unwrap_or_default().to_owned()).or_insert_with(|| Row {
            total: Total {
                module: scope.module.map(str::to_owned),
                day,
                zone: zone.to_owned(),
                sums: Sums::default(),
                revision: 0,
                sealed: None,
            },
            changed: false,
        });
        row.total.revision += i64::from(!row.changed);
        row.changed = true;
        &mut row.total
    }

    /// A record of an open day was counted in a zone: the day's total bears the zone in which it ends last.
    pub(super) fn counts_in(&mut self, scope: Scope<'_>, day: Day, zone: &str) {
        let total = self.change(scope, day, zone);
        if total.zone != zone && ends_later(day, zone, &total.zone) {
            zone.clone_into(&mut total.zone);
        }
    }

    /// What changed: portal and total, sorted by portal, day and module.
    pub(super) fn changed(&self) -> Vec<(&str, &Total)> {
        let rows = self
            .portals
            .iter()
            .flat_map(|(portal, days)| days.values().flat_map(BTreeMap::values).map(move |row| (portal.as_str(), row)));
        rows.filter(|(_, row)| row.changed).map(|(portal, row)| (portal, &row.total)).collect()
    }
}

/// Whether a day ends later in a zone than in another. Where both are no zones of ours, one of them is taken for good.
fn ends_later(day: Day, zone: &str, than: &str) -> bool {
    let end = |zone: &str| Zone::named(zone).ok().map(|zone| zone.end(day));
    (end(zone), zone) > (end(than), than)
}
