//! Which records hold after the entries. Those of open days follow at once; for those of sealed days corrections
//! are booked of what differs.

use std::collections::{HashMap, HashSet};

use portalmeter_rules::id::Name;

use super::super::days::Days;
use super::super::tables::{Reach, Tables};
use super::super::{LedgerError, Line, Taken};
use super::Needed;
use super::settle::{Wish, corrections};
use super::told::{OnlyThese, Told};

/// Records that entries speak of.
#[derive(Debug)]
pub(super) struct Records {
    known: HashMap<Name, Known>,
    /// Of the visitors of whom only some records hold.
    of_visitors: HashMap<Name, HashSet<Name>>,
    booked: Vec<Line>,
}

/// What is known of a record.
#[derive(Debug, Default)]
struct Known {
    line: Option<Line>,
    changed: bool,
    /// Where its day is sealed.
    corrections: Vec<Line>,
    wish: Option<Wish>,
}

impl Known {
    /// Where it is: all of its lines say the same of that.
    fn any_line(&self) -> Option<&Line> {
        let wish = self.wish.as_ref().map(|wish| &wish.line);
        self.line.as_ref().or_else(|| self.corrections.first()).or(wish)
    }

    /// Another thing altogether has this id, or says to be elsewhere.
    fn contradicts(&self, told: &Line) -> bool {
        self.line.as_ref().is_some_and(|line| line.corrects.is_some())
            || self.any_line().is_some_and(|line| (line.scope(), line.counts_on()) != (told.scope(), told.day))
    }
}

impl Records {
    pub(super) fn load<T: Tables>(
        tables: &mut T,
        told: &[Told<'_>],
        reaches: &[Reach<'_>],
    ) -> Result<Self, LedgerError> {
        let of_visitors = reaches.iter().map(|reach| (reach.visitor, HashSet::new())).collect();
        let mut records = Self { known: HashMap::new(), of_visitors, booked: Vec::new() };
        let ids: HashSet<Name> = lines(told).map(|line| line.id).collect();
        if !ids.is_empty() {
            let ids: Vec<Name> = ids.into_iter().collect();
            tables.lines(&ids)?.into_iter().for_each(|line| records.know(line.id, line));
        }
        if !reaches.is_empty() {
            for line in tables.lines_within(reaches)? {
                records.know(line.of.unwrap_or(line.id), line);
            }
        }
        Ok(records)
    }

    fn know(&mut self, id: Name, line: Line) {
        note_visitor(&mut self.of_visitors, &line, id);
        let known = self.known.entry(id).or_default();
        if line.id == id {
            known.line = Some(line);
        } else {
            known.corrections.push(line);
        }
    }

    /// Which days decide what becomes of them.
    pub(super) fn need<'t>(&'t self, needed: &mut Needed<'t>) {
        for line in self.known.values().filter_map(Known::any_line) {
            needed.day(&line.portal, line.counts_on());
        }
    }

    /// Reads what was booked before of records whose days are sealed.
    pub(super) fn load_corrections<T: Tables>(
        &mut self,
        tables: &mut T,
        told: &[Told<'_>],
        days: &Days,
    ) -> Result<(), LedgerError> {
        let sealed = |line: &&Line| days.is_sealed(line.scope(), line.counts_on());
        let mut ids: HashSet<Name> = lines(told).filter(sealed).map(|line| line.id).collect();
        for (id, known) in &mut self.known {
            if known.any_line().as_ref().is_some_and(sealed) {
                ids.insert(*id);
                known.corrections.clear();
            }
        }
        if !ids.is_empty() {
            let ids: Vec<Name> = ids.into_iter().collect();
            for line in tables.corrections(&ids)? {
                self.know(line.of.unwrap_or(line.id), line);
            }
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, told: &Line, holds: bool, days: &mut Days, taken: &mut Taken) {
        note_visitor(&mut self.of_visitors, told, told.id);
        let known = self.known.entry(told.id).or_default();
        if known.contradicts(told) {
            taken.strange += 1;
        } else if days.is_sealed(told.scope(), told.day) {
            known.wish = Some(Wish { line: told.clone(), holds });
        } else if holds {
            hold(known, told, days, taken);
        } else {
            withdraw(known, days, taken);
        }
    }

    /// Those of a visitor's sessions of a time hold no longer, but for these.
    pub(super) fn only(&mut self, only: &OnlyThese<'_>, days: &mut Days, taken: &mut Taken) {
        let reach = only.reach;
        let Some(ids) = self.of_visitors.get(&reach.visitor) else { return };
        for id in ids.difference(&only.records) {
            let Some(known) = self.known.get_mut(id) else { continue };
            let Some(line) = known.any_line().filter(|line| line.scope() == reach.scope) else { continue };
            if !line.started.is_some_and(|started| started > reach.after && started <= reach.upto) {
                continue;
            }
            if days.is_sealed(line.scope(), line.counts_on()) {
                let line = Line { day: line.counts_on(), stored_time: only.stored_time, ..line.clone() };
                known.wish = Some(Wish { line, holds: false });
            } else {
                withdraw(known, days, taken);
            }
        }
    }

    /// Books corrections, so that what holds of records of sealed days is what shall hold.
    pub(super) fn settle(&mut self, days: &mut Days, taken: &mut Taken) {
        for (id, known) in &self.known {
            let Some(wish) = &known.wish else { continue };
            for mut line in corrections(*id, wish, known.line.as_ref(), &known.corrections) {
                line.day = days.first_open(line.scope(), line.day);
                let total = days.change(line.scope(), line.day, &line.zone);
                total.sums.add(line.class, i64::from(line.amount));
                taken.corrected += 1;
                self.booked.push(line);
            }
        }
    }

    pub(super) fn changed(&self) -> Vec<&Line> {
        let lines = self.known.values().filter(|known| known.changed).filter_map(|known| known.line.as_ref());
        lines.chain(&self.booked).collect()
    }
}

fn hold(known: &mut Known, told: &Line, days: &mut Days, taken: &mut Taken) {
    let before = known.line.take().filter(|line| !line.withdrawn);
    if before.as_ref().is_some_and(|line| line.says(told)) {
        known.line = before;
        return;
    }
    taken.added += u64::from(before.is_none());
    days.counts_in(told.scope(), told.day, &told.zone);
    let sums = &mut days.change(told.scope(), told.day, &told.zone).sums;
    if let Some(line) = before {
        sums.add(line.class, -i64::from(line.amount));
    }
    sums.add(told.class, i64::from(told.amount));
    known.line = Some(told.clone());
    known.changed = true;
}

fn withdraw(known: &mut Known, days: &mut Days, taken: &mut Taken) {
    let Some(line) = known.line.as_mut().filter(|line| !line.withdrawn) else { return };
    line.withdrawn = true;
    known.changed = true;
    taken.withdrawn += 1;
    days.change(line.scope(), line.day, &line.zone).sums.add(line.class, -i64::from(line.amount));
}

fn lines<'t>(told: &'t [Told<'_>]) -> impl Iterator<Item = &'t Line> {
    told.iter().filter_map(|one| match one {
        Told::Record(line, _) => Some(line),
        _ => None,
    })
}

fn note_visitor(of_visitors: &mut HashMap<Name, HashSet<Name>>, line: &Line, id: Name) {
    if let Some(ids) = line.visitor.and_then(|visitor| of_visitors.get_mut(&visitor)) {
        ids.insert(id);
    }
}
