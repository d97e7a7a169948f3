//! From totals of days to rows of a report.

use std::collections::BTreeMap;

use super::{LedgerError, Query, Total};
use crate::day::Day;
use crate::usage::{BETWEEN_ZONES, Counters, State, Usage};

/// Rows of one group while they are summed.
struct Group {
    /// In the order of the days.
    zones: Vec<String>,
    counters: Counters,
    from: Day,
    to: Day,
    state: State,
}

/// A row of a report whose uniques are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unique<'a> {
    pub(super) portal: &'a str,
    pub(super) module: &'a str,
    pub(super) from: Day,
    pub(super) to: Day,
}

/// Groups totals as asked, each with its portal; `uniques` counts visitors and users of a row.
pub(super) fn group(
    query: &Query,
    totals: Vec<(String, Total)>,
    mut uniques: impl FnMut(Unique<'_>) -> Result<(i64, i64), LedgerError>,
) -> Result<Vec<Usage>, LedgerError> {
    let mut groups: BTreeMap<(String, String, Day), Group> = BTreeMap::new();
    for (portal, total) in totals {
        let end = query.by.end(total.day);
        let group = groups.entry((portal, total.module.unwrap_or_default(), end)).or_insert_with(|| Group {
            zones: Vec::new(),
            counters: Counters::default(),
            from: query.by.start(total.day).max(query.from),
            to: end.min(query.to),
            state: State::Sealed,
        });
        if !group.zones.contains(&total.zone) {
            group.zones.push(total.zone);
        }
        group.counters += Counters::of(&total.sums);
        if total.sealed.is_none() {
            group.state = State::Open;
        }
    }
    let rows = groups.into_iter().map(|((portal, module, _), group)| {
        let row = Unique { portal: &portal, module: &module, from: group.from, to: group.to };
        let (unique_visitors, unique_users) = uniques(row)?;
        let (day, month) = query.by.label(group.from);
        Ok(Usage {
            portal,
            module: (!module.is_empty()).then_some(module),
            day,
            month,
            timezone: group.zones.join(BETWEEN_ZONES),
            counters: group.counters,
            unique_visitors,
            unique_users,
            state: group.state,
        })
    });
    rows.collect()
}
