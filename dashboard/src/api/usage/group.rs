//! Rows summed up: to modules, portals, experiences, or to one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use portalmeter_meter::usage::BETWEEN_ZONES;
use portalmeter_rules::time::Millis;

use super::Group;
use super::row::{MOST_ROWS, UsageRow, too_many};
use crate::api::problem::Problem;

/// Rows, while they are summed up.
pub(super) struct Groups {
    by: Group,
    rows: BTreeMap<Place, UsageRow>,
}

/// Which row it is: of whom, and when; in that order they are shown.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    portal: Option<String>,
    experience: Option<&'static str>,
    module: Option<String>,
    from: Millis,
    label: String,
}

impl Groups {
    pub(super) fn new(by: Group) -> Self {
        Self { by, rows: BTreeMap::new() }
    }

    /// Adds a row to its group. `at` is when its period began, and what that is called.
    pub(super) fn add(&mut self, (from, label): (Millis, String), mut row: UsageRow) -> Result<(), Problem> {
        match self.by {
            Group::Module => {}
            Group::Portal => row.module = None,
            Group::Experience => (row.portal, row.module) = (None, None),
            Group::All => (row.portal, row.module, row.experience) = (None, None, None),
        }
        let place = Place {
            portal: row.portal.clone(),
            // A portal has but one.
            experience: if row.portal.is_some() { None } else { row.experience },
            module: row.module.clone(),
            from,
            label,
        };
        match self.rows.entry(place) {
            Entry::Occupied(mut there) => there.get_mut().join(&row),
            Entry::Vacant(place) => drop(place.insert(row)),
        }
        if self.rows.len() > MOST_ROWS { Err(too_many()) } else { Ok(()) }
    }

    pub(super) fn rows(self) -> Vec<UsageRow> {
        self.rows.into_values().collect()
    }
}

impl UsageRow {
    /// Adds another row of the same period. Somebody may be in both, so nobody can say how many different ones there are.
    fn join(&mut self, other: &Self) {
        self.sums.add(&other.sums);
        (self.unique_visitors, self.unique_users) = (None, None);
        self.state = self.state.min(other.state);
        self.whole &= other.whole;
        self.trial |= other.trial;
        self.for_looking |= other.for_looking;
        self.valid_for_billing &= other.valid_for_billing;
        for zone in other.timezone.split(BETWEEN_ZONES) {
            if !self.timezone.split(BETWEEN_ZONES).any(|known| known == zone) {
                self.timezone.push_str(BETWEEN_ZONES);
                self.timezone.push_str(zone);
            }
        }
    }
}
