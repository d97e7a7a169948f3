//! Usage by any period. In days of the portal itself it is what is billed; in hours, or in days of another zone, it is
//! regrouped for looking.

use std::collections::{BTreeMap, BTreeSet};

use portalmeter_rules::time::Millis;

use super::period::{By, Period, periods};
use super::pieces::{all, pieces};
use crate::acts::QUARTER;
use crate::day::{Day, Zone};
use crate::digest::{Done, Hours, Reach};
use crate::ledger::{Days, LedgerError, Look, Total};
use crate::people::People;
use crate::usage::{BETWEEN_ZONES, Counters, State, Sums};

/// A question for usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// These portals.
    pub portals: &'a [String],
    /// These days.
    pub days: Days,
    /// Grouped so; not by hour.
    pub by: By,
}

/// Usage of a portal, or of a module, in a period of its own days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    pub module: Option<String>,
    /// When.
    pub period: Period,
    /// Whose midnight it is; several of a time in which the portal moved.
    pub zone: String,
    /// The sums.
    pub counters: Counters,
    /// Different browsers of people over the period.
    pub unique_visitors: u64,
    /// Different users who were signed in over the period.
    pub unique_users: u64,
    /// Sealed once all its days are over and sealed.
    pub state: State,
}

/// What a portal, or a module, had in an hour, or in a period of days in whatever zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    pub module: Option<String>,
    /// What the period is called there.
    pub label: String,
    /// Its first instant that was asked for.
    pub from: Millis,
    /// The sums; the duration is of the sessions that began then, and conversions are not told apart by hour.
    pub sums: Sums,
    /// People's sessions that began then.
    pub sessions: i64,
    /// Of those, the ones in which somebody was signed in.
    pub signed_in: i64,
    /// Sealed once all that is in it is of sealed days.
    pub state: State,
}

/// Usage in periods of the portals' own days. `today` says which day it is in a portal.
pub fn usage(look: &mut dyn Look, asked: &Asked<'_>, today: &dyn Fn(&str) -> Day) -> Result<Vec<Row>, LedgerError> {
    let mut rows: BTreeMap<(String, Option<String>, Day), Row> = BTreeMap::new();
    let periods = periods(asked.days, asked.by);
    for (portal, total) in look.totals(asked.portals, asked.days)? {
        let at = periods.partition_point(|period| period.days.to <= total.day);
        let Some(period) = periods.get(at) else { continue };
        let key = (portal.clone(), total.module.clone(), period.days.from);
        let over = period.days.to <= today(&portal);
        let row = rows.entry(key).or_insert_with(|| Row {
            portal,
            module: total.module.clone(),
            period: period.clone(),
            zone: String::new(),
            counters: Counters::default(),
            unique_visitors: 0,
            unique_users: 0,
            state: if over { State::Sealed } else { State::Open },
        });
        row.add(&total);
    }
    for portal in asked.portals {
        let mut parts: BTreeMap<Day, Vec<Reach>> = BTreeMap::new();
        for (of, reach) in pieces::<Reach>(look, portal, asked.days, asked.by)? {
            let at = periods.partition_point(|period| period.days.to <= of.from);
            if let Some(period) = periods.get(at) {
                parts.entry(period.days.from).or_default().push(reach);
            }
        }
        for (from, parts) in parts {
            for (module, visitors, users) in reach(&parts) {
                if let Some(row) = rows.get_mut(&(portal.clone(), module, from)) {
                    (row.unique_visitors, row.unique_users) = (visitors, users);
                }
            }
        }
    }
    Ok(rows.into_values().collect())
}

impl Row {
    fn add(&mut self, total: &Total) {
        self.counters += Counters::of(&total.sums);
        if total.sealed.is_none() {
            self.state = State::Open;
        }
        if !self.zone.split(BETWEEN_ZONES).any(|zone| zone == total.zone) {
            if !self.zone.is_empty() {
                self.zone.push_str(BETWEEN_ZONES);
            }
            self.zone.push_str(&total.zone);
        }
    }
}

/// Different visitors and users of each module.
fn reach(parts: &[Reach]) -> Vec<(Option<String>, u64, u64)> {
    let all = || parts.iter().flat_map(|part| &part.modules);
    let modules: BTreeSet<&Option<String>> = all().map(|one| &one.module).collect();
    let counts = modules.into_iter().map(|module| {
        let of = || all().filter(move |one| one.module == *module);
        let visitors = People::union(of().map(|one| &one.visitors)).len() as u64;
        (module.clone(), visitors, People::union(of().map(|one| &one.users)).len() as u64)
    });
    counts.collect()
}

/// Usage of one portal in hours, or in periods of days, of a zone that need not be the portal's. `days` are days there.
pub fn used(look: &mut dyn Look, portal: &str, (days, zone): (Days, &Zone), by: By) -> Result<Vec<Used>, LedgerError> {
    let (from, to) = (zone.start(days.from), zone.start(days.to));
    // The portal's own days that these instants may be on.
    let own = Days { from: days.from.plus(-2), to: days.to.plus(2) };
    let open = Open::of(&look.totals(&[portal.to_owned()], own)?);
    let mut rows: BTreeMap<(Option<String>, Millis), Used> = BTreeMap::new();
    let mut row = |module: &Option<String>, number: i64, add: &dyn Fn(&mut Used)| {
        let at = number * QUARTER;
        if at < from || at >= to {
            return;
        }
        let (start, label) = named(at, (days, zone), by);
        let used = rows.entry((module.clone(), start)).or_insert_with(|| Used {
            portal: portal.to_owned(),
            module: module.clone(),
            label,
            from: start,
            sums: Sums::default(),
            sessions: 0,
            signed_in: 0,
            state: State::Sealed,
        });
        if open.has(at) {
            used.state = State::Open;
        }
        add(used);
    };
    for part in all::<Hours>(look, portal, own)? {
        for quarter in &part.quarters {
            row(&quarter.module, quarter.number, &|used| {
                let counts = &quarter.counts;
                used.sums.records.iter_mut().zip(counts.records).for_each(|(sum, one)| *sum += one);
                used.sums.duration_ms += counts.duration_ms;
                used.sessions += counts.sessions;
                used.signed_in += counts.signed_in;
            });
        }
    }
    for part in all::<Done>(look, portal, own)? {
        for quarter in &part.quarters {
            row(&quarter.module, quarter.number, &|used| {
                used.sums.page_views += quarter.page_views;
                used.sums.actions += quarter.actions;
            });
        }
    }
    Ok(rows.into_values().collect())
}

/// The period that an instant is in: when it begins, as far as it was asked for, and what it is called.
fn named(at: Millis, (days, zone): (Days, &Zone), by: By) -> (Millis, String) {
    match by {
        By::Hour => {
            let start = zone.hour(at);
            (start, zone.local(start))
        }
        by => {
            let all = by.around(zone.day(at));
            (zone.start(all.from.max(days.from)), by.label(all.from))
        }
    }
}

/// The instants that are of days which are not sealed.
struct Open {
    days: Vec<(Millis, Millis)>,
    /// After the last day that has a total.
    later: Millis,
}

impl Open {
    fn of(totals: &[(String, Total)]) -> Self {
        let mut open = Self { days: Vec::new(), later: Millis::MIN };
        for (_, total) in totals {
            let zone = Zone::named(&total.zone).unwrap_or_else(|_| Zone::utc());
            let (start, end) = (zone.start(total.day), zone.end(total.day));
            open.later = open.later.max(end);
            if total.sealed.is_none() {
                open.days.push((start, end));
            }
        }
        open
    }

    fn has(&self, at: Millis) -> bool {
        at >= self.later || self.days.iter().any(|(start, end)| (*start..*end).contains(&at))
    }
}
