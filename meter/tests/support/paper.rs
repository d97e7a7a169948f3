//! A ledger on paper: lines in a list, totals beside them, and an eraser for whoever tests what is found out.
#![allow(dead_code, reason = "each test binary uses a part of its own")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use portalmeter_meter::day::Day;
use portalmeter_meter::entry::SessionRow;
use portalmeter_meter::ledger::{
    After, Correction, Ledger, LedgerError, LedgerId, Line, Lines, Looking, OpenDay, Position, Query, Statistics,
    Stretch, Take, Total, Totals, Which,
};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::policy::PolicyId;
use portalmeter_meter::usage::{Counters, State, Sums, Usage};
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

/// Of a portal, a module and a day.
pub(crate) type Row = (String, Option<String>, Day);

/// The ledger.
#[derive(Debug, Default)]
pub(crate) struct Paper {
    pub(crate) lines: Vec<Line>,
    pub(crate) days: BTreeMap<Row, Total>,
    pub(crate) away: bool,
    /// How often usage was asked for.
    pub(crate) asked: u64,
}

impl Paper {
    /// Writes a line down, and what it adds.
    pub(crate) fn add(&mut self, line: Line) {
        let total = self.day(&line.portal, line.module.as_deref(), line.day, &line.zone);
        if !line.withdrawn {
            total.sums.add(line.class, i64::from(line.amount));
        }
        total.revision += 1;
        self.lines.push(line);
    }

    /// A day's total.
    pub(crate) fn day(&mut self, portal: &str, module: Option<&str>, day: Day, zone: &str) -> &mut Total {
        let module = module.map(str::to_owned);
        self.days.entry((portal.to_owned(), module.clone(), day)).or_insert_with(|| Total {
            module,
            day,
            zone: zone.to_owned(),
            sums: Sums::default(),
            revision: 0,
            sealed: None,
        })
    }

    /// Seals a portal's days up to and with this one.
    pub(crate) fn seal_upto(&mut self, portal: &str, day: &str) {
        let last: Day = day.parse().unwrap();
        for ((of, _, day), total) in &mut self.days {
            if of == portal && *day <= last && total.sealed.is_none() {
                total.sealed = Some(1_000);
                total.revision += 1;
            }
        }
    }

    fn is_open(&self, portal: &str, day: Day) -> bool {
        !self.days.iter().any(|((of, _, on), total)| of == portal && *on == day && total.sealed.is_some())
    }

    fn reached(&self) -> Result<(), LedgerError> {
        if self.away { Err(LedgerError::Away("it is on paper".to_owned())) } else { Ok(()) }
    }
}

fn not_on_paper<T>() -> Result<T, LedgerError> {
    Err(LedgerError::Refused("not on paper".to_owned()))
}

impl Ledger for Paper {
    fn look(&mut self, _: Looking<'_>) -> Result<(), LedgerError> {
        Err(LedgerError::Absent)
    }

    fn digest(&mut self, _: &str, _: Day, _: Millis) -> Result<bool, LedgerError> {
        Ok(false)
    }

    fn id(&mut self) -> Result<LedgerId, LedgerError> {
        Ok(LedgerId([7; 8]))
    }

    fn ping(&mut self) -> Result<(), LedgerError> {
        self.reached()
    }

    fn know(&mut self, _: &[Stamp]) -> Result<(), LedgerError> {
        Ok(())
    }

    fn policies(&mut self) -> Result<Vec<(PolicyId, String)>, LedgerError> {
        Ok(Vec::new())
    }

    fn position(&mut self, _: &str) -> Result<Position, LedgerError> {
        Ok(Position::START)
    }

    fn take(&mut self, _: &Stretch<'_>, _: Millis) -> Result<Take, LedgerError> {
        not_on_paper()
    }

    fn usage(&mut self, query: &Query) -> Result<Vec<Usage>, LedgerError> {
        self.reached()?;
        self.asked += 1;
        let mut groups: BTreeMap<Row, Usage> = BTreeMap::new();
        for ((portal, module, day), total) in &self.days {
            let wanted = query.portals.is_empty() || query.portals.contains(portal);
            if !wanted || *day < query.from || *day >= query.to {
                continue;
            }
            let (label, month) = query.by.label(*day);
            let state = if total.sealed.is_some() { State::Sealed } else { State::Open };
            let row = groups.entry((portal.clone(), module.clone(), query.by.end(*day))).or_insert_with(|| Usage {
                portal: portal.clone(),
                module: module.clone(),
                day: label,
                month,
                timezone: total.zone.clone(),
                counters: Counters::default(),
                unique_visitors: 0,
                unique_users: 0,
                state,
            });
            row.counters += Counters::of(&total.sums);
            row.state = row.state.min(state);
        }
        Ok(groups.into_values().collect())
    }

    fn totals(&mut self, portal: &str, which: Which) -> Result<Totals, LedgerError> {
        self.reached()?;
        let days = self
            .days
            .iter()
            .filter(|((of, _, _), total)| of == portal && (which == Which::All || total.sealed.is_none()));
        let mut days: Vec<Total> = days.map(|(_, total)| total.clone()).collect();
        days.sort_by(|one, other| (one.day, &one.module).cmp(&(other.day, &other.module)));
        Ok(Totals { position: Position::START, days })
    }

    fn set_statistics(&mut self, _: &str, _: &[Statistics], _: Millis) -> Result<u64, LedgerError> {
        not_on_paper()
    }

    fn unsealed(&mut self) -> Result<Vec<OpenDay>, LedgerError> {
        self.reached()?;
        let open = self.days.iter().filter(|(_, total)| total.sealed.is_none());
        let mut open: Vec<OpenDay> = open
            .map(|((portal, _, day), total)| OpenDay { day: *day, portal: portal.clone(), zone: total.zone.clone() })
            .collect();
        open.sort();
        open.dedup();
        Ok(open)
    }

    fn last_zones(&mut self, _: &str, _: Day) -> Result<Vec<String>, LedgerError> {
        not_on_paper()
    }

    fn seal(&mut self, _: &OpenDay, _: Millis) -> Result<u64, LedgerError> {
        not_on_paper()
    }

    fn correct(&mut self, correction: &Correction, now: Millis) -> Result<Day, LedgerError> {
        let zone = &correction.zone;
        let open = self.is_open(&correction.portal, correction.day);
        let mut day = if open { correction.day } else { zone.day(now) };
        while !self.is_open(&correction.portal, day) {
            day = day.plus(1);
        }
        self.add(Line {
            id: correction.id,
            portal: correction.portal.clone(),
            module: correction.module.clone(),
            visitor: None,
            session: None,
            started: None,
            day,
            zone: zone.name().to_owned(),
            class: correction.class,
            reason: None,
            account: correction.account.clone(),
            user: None,
            agent: None,
            rule: String::new(),
            policy: None,
            trial: correction.trial,
            event_time: now,
            stored_time: now,
            withdrawn: false,
            amount: correction.amount.get(),
            corrects: Some(correction.day),
            of: None,
            author: Some(correction.author.clone()),
            note: Some(correction.note.clone()),
        });
        Ok(day)
    }

    fn records(&mut self, query: &Lines, each: &mut dyn FnMut(Line) -> ControlFlow<()>) -> Result<(), LedgerError> {
        self.reached()?;
        let wanted = |line: &&Line| {
            query.portal.as_ref().is_none_or(|portal| *portal == line.portal)
                && query.from.is_none_or(|from| line.day >= from)
                && query.to.is_none_or(|to| line.day < to)
                && (query.withdrawn || !line.withdrawn)
                && query.id.is_none_or(|id| line.id == id || line.of == Some(id))
        };
        let place = |line: &After| (line.portal.clone(), line.day, line.visitor, line.id);
        let behind = |line: &&Line| query.after.as_ref().is_none_or(|after| place(&line.place()) > place(after));
        let mut lines: Vec<&Line> = self.lines.iter().filter(wanted).filter(behind).collect();
        lines.sort_by_key(|line| place(&line.place()));
        for line in lines.into_iter().take(query.limit.map_or(usize::MAX, |limit| limit as usize)) {
            if each(line.clone()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn sessions(&mut self, _: &str, _: &[Name], _: Millis) -> Result<Vec<SessionRow>, LedgerError> {
        not_on_paper()
    }

    fn expire(&mut self, _: Millis) -> Result<u64, LedgerError> {
        not_on_paper()
    }
}
