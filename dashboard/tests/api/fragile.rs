//! A ledger that was opened, and breaks off once it is away.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portalmeter_meter::day::Day;
use portalmeter_meter::entry::SessionRow;
use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::ledger::{
    Correction, Ledger, LedgerError, LedgerId, Line, Lines, Looking, OpenDay, Position, Query, Statistics, Stretch,
    Take, Totals, Which,
};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::policy::PolicyId;
use portalmeter_meter::usage::Usage;
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

pub(crate) struct Fragile {
    ledger: SqliteLedger,
    away: Arc<AtomicBool>,
}

impl Fragile {
    pub(crate) fn new(ledger: SqliteLedger, away: Arc<AtomicBool>) -> Self {
        Self { ledger, away }
    }

    fn there(&mut self) -> Result<&mut SqliteLedger, LedgerError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(LedgerError::Away("the connection broke".into()));
        }
        Ok(&mut self.ledger)
    }
}

impl Ledger for Fragile {
    fn id(&mut self) -> Result<LedgerId, LedgerError> {
        self.there()?.id()
    }

    fn ping(&mut self) -> Result<(), LedgerError> {
        self.there()?.ping()
    }

    fn know(&mut self, stamps: &[Stamp]) -> Result<(), LedgerError> {
        self.there()?.know(stamps)
    }

    fn policies(&mut self) -> Result<Vec<(PolicyId, String)>, LedgerError> {
        self.there()?.policies()
    }

    fn position(&mut self, portal: &str) -> Result<Position, LedgerError> {
        self.there()?.position(portal)
    }

    fn take(&mut self, stretch: &Stretch<'_>, now: Millis) -> Result<Take, LedgerError> {
        self.there()?.take(stretch, now)
    }

    fn usage(&mut self, query: &Query) -> Result<Vec<Usage>, LedgerError> {
        self.there()?.usage(query)
    }

    fn totals(&mut self, portal: &str, which: Which) -> Result<Totals, LedgerError> {
        self.there()?.totals(portal, which)
    }

    fn set_statistics(&mut self, portal: &str, days: &[Statistics], now: Millis) -> Result<u64, LedgerError> {
        self.there()?.set_statistics(portal, days, now)
    }

    fn unsealed(&mut self) -> Result<Vec<OpenDay>, LedgerError> {
        self.there()?.unsealed()
    }

    fn last_zones(&mut self, portal: &str, upto: Day) -> Result<Vec<String>, LedgerError> {
        self.there()?.last_zones(portal, upto)
    }

    fn seal(&mut self, day: &OpenDay, now: Millis) -> Result<u64, LedgerError> {
        self.there()?.seal(day, now)
    }

    fn correct(&mut self, correction: &Correction, now: Millis) -> Result<Day, LedgerError> {
        self.there()?.correct(correction, now)
    }

    fn records(&mut self, query: &Lines, each: &mut dyn FnMut(Line) -> ControlFlow<()>) -> Result<(), LedgerError> {
        self.there()?.records(query, each)
    }

    fn look(&mut self, work: Looking<'_>) -> Result<(), LedgerError> {
        self.there()?.look(work)
    }

    fn digest(&mut self, portal: &str, upto: Day, now: Millis) -> Result<bool, LedgerError> {
        self.there()?.digest(portal, upto, now)
    }

    fn sessions(&mut self, portal: &str, visitors: &[Name], since: Millis) -> Result<Vec<SessionRow>, LedgerError> {
        self.there()?.sessions(portal, visitors, since)
    }

    fn expire(&mut self, seen_before: Millis) -> Result<u64, LedgerError> {
        self.there()?.expire(seen_before)
    }
}
