//! Gives the demo a past before it starts: a history where there is none yet, and contracts that fit it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use portalmeter_meter::history::Memory;
use portalmeter_meter::ledger::{Ledger, LedgerError, Which};
use portalmeter_rules::time::Millis;

use super::config::{Contracts, written};
use super::history::{self, Order, Written};
use crate::cli::DemoArgs;
use crate::config::Config;
use crate::ledger;
use crate::metering::now;
use crate::output::say_aside;

/// Writes a history with its configuration into `dir` and says what was written.
pub(super) fn only(args: &DemoArgs, dir: &Path) -> Result<String, String> {
    std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    // Nothing is there to be metered yet: `demo --data-dir` with this folder writes where it is.
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let (config, file) = written(args, dir, nowhere, Contracts::default())?;
    let begun = Instant::now();
    let told = match write(args, &config)? {
        None => format!("{} has a history already\n", dir.display()),
        Some(Written { visits, observations, records, acts }) => {
            let seconds = begun.elapsed().as_secs_f64();
            let rate = visits as f64 / seconds;
            format!(
                "{visits} sessions, {observations} observations, {records} records and {acts} sums of acts \
                 in {seconds:.1} s ({rate:.0} sessions/s)\nreport on it with --config {}\n",
                file.display()
            )
        }
    };
    written(args, dir, nowhere, contracts(&config)?)?;
    Ok(told)
}

/// Writes a history unless there is one, telling how far it is.
pub(super) fn write(args: &DemoArgs, config: &Config) -> Result<Option<Written>, String> {
    let lock = crate::command::run::lock(&config.data_dir)?;
    let portals: Vec<_> =
        config.portals.iter().map(|portal| (portal.rules.name.clone(), portal.stamp.clone())).collect();
    let order = Order {
        seed: args.seed,
        days: args.history,
        sessions: args.sessions.unwrap_or_else(|| u64::from(args.history) * A_YEAR / 365),
        now: now(),
        portals: &portals,
        memory: Memory::keeping(config.journal.keep),
        seal_after: Millis::try_from(config.ledger.seal_after.as_millis()).unwrap_or(Millis::MAX),
    };
    let mut told = Instant::now();
    let outcome = history::write(&config.data_dir, &order, &mut |day, of| {
        if day == of || told.elapsed() >= PACE {
            told = Instant::now();
            say_aside(&format!("\rmaking up a history: day {day} of {of}{}", if day == of { "\n" } else { "" }));
        }
    });
    drop(lock);
    outcome.map_err(|error| format!("its history: {error}"))
}

/// Sessions a year, if nobody says otherwise.
const A_YEAR: u64 = 150_000;
/// So often it is told how far it is.
const PACE: Duration = Duration::from_millis(200);

/// Contracts of which this month has used a good part, as it was counted.
pub(super) fn contracts(config: &Config) -> Result<Contracts, String> {
    let failed = |error: LedgerError| format!("its ledger: {error}");
    let mut ledger = match ledger::to_read(config) {
        Err(LedgerError::Absent) => return Ok(Contracts::default()),
        ledger => ledger.map_err(failed)?,
    };
    let mut used = |name: &str| billable_this_month(config, &mut *ledger, name).map_err(failed);
    let usual = Contracts::default();
    Ok(Contracts {
        help: contract(used("help")?, 60).unwrap_or(usual.help),
        partners: contract(used("partners")?, 85).unwrap_or(usual.partners),
    })
}

fn billable_this_month(config: &Config, ledger: &mut dyn Ledger, name: &str) -> Result<i64, LedgerError> {
    let Some(portal) = config.portals.iter().find(|portal| *portal.rules.name == *name) else { return Ok(0) };
    let month = portal.stamp.policy.zone.day(now()).month();
    let days = ledger.totals(name, Which::All)?.days.into_iter();
    let of_month = days.filter(|total| total.day.month() == month);
    Ok(of_month.map(|total| total.sums.records[0] + total.sums.records[1]).sum())
}

/// What so many sessions are so many percent of, in numbers that people agree on.
fn contract(used: i64, percent: u64) -> Option<u64> {
    let exact = u64::try_from(used).ok()? * 100 / percent;
    let round = 10_u64.pow(exact.checked_ilog10()?.saturating_sub(2));
    (exact >= LEAST).then(|| exact.div_ceil(round) * round)
}

/// Nobody contracts less.
const LEAST: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_a_round_number_of_which_the_month_is_a_part() {
        assert_eq!([contract(0, 85), contract(40, 85)], [None, None]);
        assert_eq!(contract(850, 85), Some(1_000));
        assert_eq!(contract(123_456, 85), Some(146_000));
    }
}
