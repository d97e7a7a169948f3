//! How sessions stand after the entries: the last word stored holds, and their days' conversions follow.

use std::collections::{HashMap, HashSet};

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::super::LedgerError;
use super::super::days::Days;
use super::super::tables::{Reach, Scope, Tables};
use super::Needed;
use super::told::{OnlyThese, Told};
use crate::entry::SessionRow;
use crate::ledger::Taken;

/// A row that was stored so much earlier, in milliseconds, is of a stream that lost its end. Within that the stream's last
/// word holds: clocks differ a little, and a commit may wait for others for a while.
const LONG_BEFORE: Millis = 600_000;

/// Sessions that entries speak of.
#[derive(Debug)]
pub(super) struct Sessions {
    known: HashMap<Name, Known>,
    /// Of the visitors of whom only some records hold.
    of_visitors: HashMap<Name, HashSet<Name>>,
}

#[derive(Debug)]
struct Known {
    row: SessionRow,
    changed: bool,
}

impl Sessions {
    pub(super) fn load<T: Tables>(
        tables: &mut T,
        told: &[Told<'_>],
        reaches: &[Reach<'_>],
    ) -> Result<Self, LedgerError> {
        let ids: HashSet<Name> = told
            .iter()
            .filter_map(|one| match one {
                Told::Session(row) => Some(row.id),
                _ => None,
            })
            .collect();
        let of_visitors = reaches.iter().map(|reach| (reach.visitor, HashSet::new())).collect();
        let mut sessions = Self { known: HashMap::new(), of_visitors };
        if !ids.is_empty() {
            let ids: Vec<Name> = ids.into_iter().collect();
            tables.sessions(&ids)?.into_iter().for_each(|row| sessions.hold(row));
        }
        if !reaches.is_empty() {
            tables.sessions_within(reaches)?.into_iter().for_each(|row| sessions.hold(row));
        }
        Ok(sessions)
    }

    fn hold(&mut self, row: SessionRow) {
        note_visitor(&mut self.of_visitors, &row);
        self.known.insert(row.id, Known { row, changed: false });
    }

    /// Which days decide what becomes of them.
    pub(super) fn need<'t>(&'t self, needed: &mut Needed<'t>) {
        for Known { row, .. } in self.known.values() {
            if let Some(day) = row.converted {
                needed.day(&row.portal, day);
            }
        }
    }

    pub(super) fn tell(&mut self, row: &SessionRow, days: &mut Days, taken: &mut Taken) {
        let Some(known) = self.known.get_mut(&row.id) else {
            note_visitor(&mut self.of_visitors, row);
            convert(row, 1, days);
            self.known.insert(row.id, Known { row: row.clone(), changed: true });
            return;
        };
        if (scope(&known.row), known.row.visitor, known.row.started) != (scope(row), row.visitor, row.started) {
            taken.strange += 1;
            return;
        }
        // Nodes' clocks are not quite the same: of what was stored together, the stream's last word holds.
        if known.row.stored_time > row.stored_time + LONG_BEFORE || known.row == *row {
            return;
        }
        convert(&known.row, -1, days);
        convert(row, 1, days);
        let account = row.account.clone().or(known.row.account.take());
        let agent = row.agent.clone().or(known.row.agent.take());
        known.row = SessionRow { account, agent, ..row.clone() };
        known.changed = true;
    }

    /// Those of a visitor that began in a time are gone: those that are not are told after this.
    pub(super) fn only(&mut self, only: &OnlyThese<'_>, days: &mut Days) {
        let reach = only.reach;
        let Some(ids) = self.of_visitors.get(&reach.visitor) else { return };
        for id in ids {
            let known = self.known.get_mut(id).filter(|known| scope(&known.row) == reach.scope);
            let Some(known) = known else { continue };
            let within = known.row.started > reach.after && known.row.started <= reach.upto;
            if within && !known.row.gone {
                convert(&known.row, -1, days);
                known.row.gone = true;
                known.row.stored_time = only.stored_time;
                known.changed = true;
            }
        }
    }

    pub(super) fn changed(&self) -> Vec<&SessionRow> {
        self.known.values().filter(|known| known.changed).map(|known| &known.row).collect()
    }
}

fn note_visitor(of_visitors: &mut HashMap<Name, HashSet<Name>>, row: &SessionRow) {
    if let Some(ids) = of_visitors.get_mut(&row.visitor) {
        ids.insert(row.id);
    }
}

fn scope(row: &SessionRow) -> Scope<'_> {
    Scope { portal: &row.portal, module: row.module.as_deref() }
}

/// Conversions of an open day are the sessions that converted on it.
fn convert(row: &SessionRow, by: i64, days: &mut Days) {
    let Some(day) = row.converted.filter(|_| !row.gone) else { return };
    if !days.is_sealed(scope(row), day) {
        days.change(scope(row), day, &row.zone).sums.converted += by;
    }
}
