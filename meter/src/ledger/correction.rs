//! A correction by hand: what a person books, with name and reason.

use std::collections::BTreeMap;
use std::num::NonZeroI32;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::days::Days;
use super::tables::{Changes, Scope, Tables};
use super::{LedgerError, Line};
use crate::day::{Day, Zone};
use crate::session::Class;

/// A correction that a person makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Made anew by [`Correction::new_id`]; the same again is the same correction.
    pub id: Name,
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    pub module: Option<String>,
    /// The day it corrects.
    pub day: Day,
    /// Whose midnight it is.
    pub zone: Zone,
    /// As what the difference counts.
    pub class: Class,
    /// The difference.
    pub amount: NonZeroI32,
    /// The company it is for, where bills are by company.
    pub account: Option<String>,
    /// The portal is only observed.
    pub trial: bool,
    /// Who says so.
    pub author: String,
    /// Why.
    pub note: String,
}

impl Correction {
    /// An id that nothing has; it lies beside the records of `now`.
    pub fn new_id(now: Millis) -> Result<Name, LedgerError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| LedgerError::Refused(format!("no randomness: {error}")))?;
        id[..6].copy_from_slice(&now.to_be_bytes()[2..]);
        Ok(Name(id))
    }

    fn scope(&self) -> Scope<'_> {
        Scope { portal: &self.portal, module: self.module.as_deref() }
    }

    fn line(&self, day: Day, now: Millis) -> Line {
        Line {
            id: self.id,
            portal: self.portal.clone(),
            module: self.module.clone(),
            visitor: None,
            session: None,
            started: None,
            day,
            zone: self.zone.name().to_owned(),
            class: self.class,
            reason: None,
            account: self.account.clone(),
            user: None,
            agent: None,
            rule: String::new(),
            policy: None,
            trial: self.trial,
            event_time: now,
            stored_time: now,
            withdrawn: false,
            amount: self.amount.get(),
            corrects: Some(self.day),
            of: None,
            author: Some(self.author.clone()),
            note: Some(self.note.clone()),
        }
    }
}

/// Books a correction and says on which day.
pub(super) fn book<T: Tables>(tables: &mut T, correction: &Correction, now: Millis) -> Result<Day, LedgerError> {
    if let Some(booked) = tables.lines(&[correction.id])?.first() {
        return Ok(booked.day);
    }
    let (scope, today) = (correction.scope(), correction.zone.day(now));
    let from = today.min(correction.day);
    let mut days = Days::load(tables, BTreeMap::from([(scope.portal, from)]))?;
    let sealed = days.is_sealed(scope, correction.day);
    let day = if sealed { days.first_open(scope, today) } else { correction.day };
    let line = correction.line(day, now);
    days.change(scope, day, &line.zone).sums.add(line.class, i64::from(line.amount));
    tables.write(&Changes { lines: vec![&line], days: days.changed(), ..Changes::default() })?;
    Ok(day)
}
