//! A made-up past: what visitors of the demo's portals would have done until now, counted by the real fold.
//!
//! It is told day by day, so that it needs no more memory for five million sessions than for five thousand. The same seed
//! tells the same story. Nothing is written into a ledger that has counted anything in these portals before.

mod accounts;
mod bots;
mod calendar;
mod catalogue;
mod people;
mod plan;
mod stage;
mod story;
#[cfg(test)]
mod tests;
mod told;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;

use portalmeter_meter::day::Day;
use portalmeter_meter::history::Memory;
use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::ledger::{Ledger, LedgerError, Which};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::store::StoreError;
use portalmeter_rules::time::Millis;

use super::dice::Dice;
use bots::Bots;
use plan::{Nth, Plan, Sort};
use stage::Stage;
use story::Teller;
use writer::Writer;

/// What kind of history.
pub(crate) struct Order<'a> {
    /// The same gives the same.
    pub(crate) seed: u64,
    /// So many days, today included.
    pub(crate) days: u32,
    /// About so many sessions, those that count more than once and bots' too.
    pub(crate) sessions: u64,
    /// Its end.
    pub(crate) now: Millis,
    /// The portals, each with the policy it counts by.
    pub(crate) portals: &'a [(Arc<str>, Stamp)],
    /// How long visitors are remembered.
    pub(crate) memory: Memory,
    /// A day is final this long after it ends.
    pub(crate) seal_after: Millis,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Visits, each a session or more.
    pub(crate) visits: u64,
    /// Pages, activities and logouts.
    pub(crate) observations: u64,
    /// Usage records.
    pub(crate) records: u64,
    /// What people saw and did, added up by quarter of an hour.
    pub(crate) acts: u64,
}

/// Why there is no history, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// It could not be committed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be looked at, or a day could not be sealed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Writes a history into the ledger in `data_dir`, which nobody else may use meanwhile, and calls `each` after each
/// day with how many of all days are done. `None`: there is one already.
pub(crate) fn write(
    data_dir: &Path,
    order: &Order<'_>,
    each: &mut dyn FnMut(u32, u32),
) -> Result<Option<Written>, Failed> {
    let stages: Vec<Stage> = order.portals.iter().filter_map(|(name, stamp)| Stage::of(name, stamp)).collect();
    if has_a_past(data_dir, &stages)? {
        return Ok(None);
    }
    let mut writer = Writer::open(data_dir, order.seed, order.memory, order.seal_after)?;
    let stamps: Vec<Stamp> = stages.iter().map(|stage| stage.stamp.clone()).collect();
    writer.know(&stamps)?;
    let plan = Plan::new(&stages, order.days, order.sessions, order.now);
    let (teller, bots) = (Teller::new(&stages, &plan, order.seed, order.now), Bots::new());
    let mut dice = Dice::new(order.seed);
    let (mut visits, mut deeds) = (Vec::new(), Vec::new());
    for nth in (0..plan.days()).map(Nth) {
        let mut dice = dice.fork();
        plan.visits(&stages, nth, &mut dice, &mut visits);
        for planned in &visits {
            writer.visit(if planned.who == Sort::Bot {
                let bot = bots.pick(nth.0, plan.days(), &mut dice);
                teller.bot(*planned, (bot.name, &bot.note), &mut dice)
            } else {
                teller.people(*planned, plan.ago(nth), &mut dice, &mut deeds)
            })?;
        }
        writer.commit()?;
        let acts = told::sums(&mut deeds, &stages);
        deeds.clear();
        writer.written.acts += acts.iter().map(|acts| acts.acts.len() as u64).sum::<u64>();
        writer.acts(acts)?;
        writer.keep(plan.end(&stages, nth).min(order.now))?;
        each(nth.0 + 1, plan.days());
    }
    Ok(Some(writer.written))
}

/// The file of the partners' names, as of a day.
pub(crate) fn accounts(today: Day) -> io::Result<Vec<u8>> {
    accounts::csv(today)
}

/// The rooms of the partner portal, each with the paths of its pages.
pub(crate) fn rooms() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    catalogue::PARTNERS.iter().map(|(room, _, pages)| (*room, pages.iter().map(|(path, _)| *path).collect()))
}

fn has_a_past(data_dir: &Path, stages: &[Stage]) -> Result<bool, Failed> {
    let Some(mut ledger) = SqliteLedger::open(data_dir)? else { return Ok(false) };
    for stage in stages {
        if !ledger.totals(&stage.name, Which::All)?.days.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
