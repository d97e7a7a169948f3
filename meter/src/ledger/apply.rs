//! What entries change: the one place where a ledger decides, whatever database keeps it.
//!
//! What stands is read, the entries are told to it in their order, and what differs is written.

use std::collections::BTreeMap;

use super::days::Days;
use super::tables::{Changes, Reach, Tables};
use super::{LedgerError, Taken};
use crate::day::Day;
use crate::entry::Entry;

mod presences;
mod records;
mod sessions;
mod settle;
mod told;

use presences::Presences;
use records::Records;
use sessions::Sessions;
use told::Told;

/// Applies entries, in their order. Where a portal is named, those of others are left out.
pub(super) fn apply<T: Tables>(tables: &mut T, entries: &[Entry], portal: Option<&str>) -> Result<Taken, LedgerError> {
    let told: Vec<Told<'_>> = entries.iter().filter_map(|entry| Told::new(entry, portal)).collect();
    let mut taken = Taken { strange: (entries.len() - told.len()) as u64, ..Taken::default() };
    let reaches: Vec<Reach<'_>> = told.iter().filter_map(Told::reach).collect();
    let mut records = Records::load(tables, &told, &reaches)?;
    let mut sessions = Sessions::load(tables, &told, &reaches)?;
    let (mut presences, mut acts) = (Presences::default(), Vec::new());

    let mut needed = Needed::default();
    records.need(&mut needed);
    sessions.need(&mut needed);
    for one in &told {
        one.need(&mut needed);
    }
    let mut days = Days::load(tables, needed.0)?;
    records.load_corrections(tables, &told, &days)?;

    for one in &told {
        match one {
            Told::Record(line, holds) => records.tell(line, *holds, &mut days, &mut taken),
            Told::Session(row) => sessions.tell(row, &mut days, &mut taken),
            Told::Presence(presence) => presences.tell(presence, &days),
            Told::Acts(told) => acts.push(*told),
            Told::Only(only) => {
                records.only(only, &mut days, &mut taken);
                sessions.only(only, &mut days);
            }
        }
    }
    records.settle(&mut days, &mut taken);

    let changed = days.changed();
    taken.days =
        changed.iter().map(|(portal, total)| ((*portal).to_owned(), total.module.clone(), total.day)).collect();
    taken.days.sort();
    let (presences, absences) = presences.changed();
    tables.write(&Changes {
        lines: records.changed(),
        sessions: sessions.changed(),
        presences,
        absences,
        acts,
        days: changed,
    })?;
    Ok(taken)
}

/// From which day on the days of portals have to be known.
#[derive(Debug, Default)]
struct Needed<'a>(BTreeMap<&'a str, Day>);

impl<'a> Needed<'a> {
    fn day(&mut self, portal: &'a str, day: Day) {
        let from = self.0.entry(portal).or_insert(day);
        *from = day.min(*from);
    }
}
