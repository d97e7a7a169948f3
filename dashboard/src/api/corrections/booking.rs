//! Books a correction, once.

use std::ops::ControlFlow;

use portalmeter_meter::day::Day;
use portalmeter_meter::ledger::{Correction, Ledger, LedgerError, Line, Lines, Total, Which};
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::NewCorrection;
use super::bounds::checked;
use crate::api::problem::{Problem, Wrong};
use crate::board::Portal;

/// A correction that is booked.
#[derive(Debug)]
pub(super) struct Booked {
    pub(super) correction: Correction,
    /// The day on which it counts.
    pub(super) day: Day,
    /// It was there before.
    pub(super) again: bool,
}

impl Booked {
    /// What was booked, in a line.
    pub(super) fn told(&self) -> String {
        let Correction { id, portal, module, day, class, amount, note, .. } = &self.correction;
        let module = module.as_ref().map(|module| format!("/{module}")).unwrap_or_default();
        format!("{id}: {portal}{module} {day}, {class} {amount:+}, on {}: {note}", self.day)
    }
}

/// Books a correction by somebody, if it makes sense; with an id that is there, it must be the same again.
pub(super) fn book(
    ledger: &mut dyn Ledger,
    configured: &[Portal],
    (new, id, author): (&NewCorrection, Name, &str),
    now: Millis,
) -> Result<Booked, Wrong> {
    let totals = ledger.totals(&new.portal, Which::All)?.days;
    let correction = checked(new, (configured, &totals), (id, author), now)?;
    if let Some(line) = line(ledger, id)? {
        same(&line, &correction)?;
        return Ok(Booked { correction, day: line.day, again: true });
    }
    enough(ledger, &totals, &correction)?;
    let day = ledger.correct(&correction, now)?;
    Ok(Booked { correction, day, again: false })
}

fn line(ledger: &mut dyn Ledger, id: Name) -> Result<Option<Line>, LedgerError> {
    let mut found = None;
    let query = Lines { id: Some(id), withdrawn: true, ..Lines::default() };
    ledger.records(&query, &mut |line| {
        if line.id == id {
            found = Some(line);
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The same correction again is no other one.
fn same(booked: &Line, correction: &Correction) -> Result<(), Problem> {
    let same = booked.portal == correction.portal
        && booked.module == correction.module
        && booked.corrects == Some(correction.day)
        && booked.account == correction.account
        && (booked.class, booked.amount) == (correction.class, correction.amount.get());
    if same { Ok(()) } else { Err(Problem::conflict(format!("{} is the id of something else", booked.id))) }
}

/// Nobody can take away more than was counted. Something may always be added, be the day below zero.
fn enough(ledger: &mut dyn Ledger, totals: &[Total], correction: &Correction) -> Result<(), Wrong> {
    if correction.amount.is_positive() {
        return Ok(());
    }
    let Correction { portal, day, class, module, amount, .. } = correction;
    let of_day = totals.iter().find(|total| total.day == *day && total.module == *module);
    let counted: i64 = of_day.map_or(0, |total| {
        Class::ALL.iter().zip(total.sums.records).filter(|(one, _)| *one == class).map(|(_, count)| count).sum()
    });
    let mut corrected = 0;
    let query = Lines { portal: Some(portal.clone()), corrections: true, from: Some(*day), ..Lines::default() };
    ledger.records(&query, &mut |line| {
        // Those booked on the day itself are in its total.
        if line.corrects == Some(*day) && line.day != *day && line.class == *class && line.module == *module {
            corrected += i64::from(line.amount);
        }
        ControlFlow::Continue(())
    })?;
    let holds = counted + corrected;
    if holds + i64::from(amount.get()) >= 0 {
        return Ok(());
    }
    let away = amount.get().unsigned_abs();
    let why = format!("{portal} {day} has {holds} {class} sessions: {away} cannot be taken away");
    Err(Problem::bad(why).into())
}
