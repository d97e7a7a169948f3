//! `portalmeter report`: usage from the ledger, beside a running `run` too.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use portalmeter_meter::day::{Day, Month, Zone, instant};
use portalmeter_meter::ledger::{By, LedgerError, Query};
use portalmeter_meter::usage::{Usage, UsageReport};

use crate::cli::{ByArg, RangeArgs, ReportArgs};
use crate::config::{self, Config};
use crate::ledger;
use crate::metering::now;
use crate::output::{self, say_aside};

/// Prints usage as asked.
pub(crate) fn report(args: &ReportArgs) -> ExitCode {
    let config = match &args.data_dir {
        // Neither address is ever used: only the portal's name and zone are asked for.
        Some(dir) => Config::single("127.0.0.1:8080", "http://127.0.0.1:8000", Some(dir)).ok(),
        None => super::run::load(&args.config.config),
    };
    let Some(config) = config else { return ExitCode::FAILURE };
    let known = |name: &String| config.portals.iter().any(|portal| *portal.rules.name == **name);
    if let Some(unknown) = args.portal.iter().find(|name| !known(name)) {
        say_aside(&format!("no portal is called `{unknown}`; there are {}\n", names(&config)));
        return ExitCode::from(2);
    }
    let queries = match queries(args, &config) {
        Ok(queries) => queries,
        Err(wrong) => {
            say_aside(&format!("{wrong}\n"));
            return ExitCode::from(2);
        }
    };
    let usage = match ask(&config, &queries) {
        Ok(usage) => usage,
        Err(LedgerError::Absent) => {
            say_aside(&format!("nothing was ever metered into {}\n", ledger::place(&config)));
            Vec::new()
        }
        Err(error) => {
            say_aside(&ledger::told(&config, &error));
            return ExitCode::FAILURE;
        }
    };
    tell_trials(&config, &usage);
    let report = UsageReport::new(instant(now()).to_string(), usage);
    let by = if args.by == ByArg::Month { By::Month } else { By::Day };
    match output::usage(&report, args.output, by.name()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_aside(&format!("the answer cannot be written: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Numbers of portals that are only observed must not reach a bill unnoticed.
fn tell_trials(config: &Config, usage: &[Usage]) {
    let is_trial = |name: &str| {
        let portal = config.portals.iter().find(|portal| *portal.rules.name == *name);
        portal.is_some_and(|portal| portal.stamp.policy.trial)
    };
    let trials: BTreeSet<&str> = usage.iter().map(|row| row.portal.as_str()).filter(|name| is_trial(name)).collect();
    for name in trials {
        say_aside(&format!(
            "`{name}` is only observed (metering = \"observe\"): its numbers are a trial, not for a bill\n"
        ));
    }
}

/// The configured portals, listed.
pub(super) fn names(config: &Config) -> String {
    config.portals.iter().map(|portal| portal.rules.name.to_string()).collect::<Vec<_>>().join(", ")
}

fn ask(config: &Config, queries: &[Query]) -> Result<Vec<Usage>, LedgerError> {
    let mut ledger = ledger::to_ask(config)?;
    let mut usage = Vec::new();
    for query in queries {
        usage.extend(ledger.usage(query)?);
    }
    Ok(usage)
}

/// One question where days are named; where they are relative, one a zone, for today differs.
fn queries(args: &ReportArgs, config: &Config) -> Result<Vec<Query>, String> {
    let by = if args.by == ByArg::Month { By::Month } else { By::Day };
    let wanted = |portal: &&config::Portal| {
        args.portal.is_empty() || args.portal.iter().any(|name| **name == *portal.rules.name)
    };
    let mut zones: BTreeMap<&str, (&Zone, Vec<String>)> = BTreeMap::new();
    for portal in config.portals.iter().filter(wanted) {
        let zone = &portal.stamp.policy.zone;
        zones.entry(zone.name()).or_insert((zone, Vec::new())).1.push(portal.rules.name.to_string());
    }
    let mut queries = Vec::new();
    for (zone, portals) in zones.into_values() {
        let (from, to) = range(&args.range, zone.day(now()))?;
        queries.push(Query { from, to, by, portals });
    }
    if queries.windows(2).all(|pair| (pair[0].from, pair[0].to) == (pair[1].from, pair[1].to)) {
        // The same days everywhere: portals that are no longer configured are shown too.
        queries.truncate(1);
        for query in &mut queries {
            query.portals.clone_from(&args.portal);
        }
    }
    Ok(queries)
}

fn range(args: &RangeArgs, today: Day) -> Result<(Day, Day), String> {
    match (&args.month, &args.day, &args.from, &args.to) {
        (Some(text), ..) => month(text, today).map(|month| (month.first(), month.end())),
        (_, Some(text), ..) => day(text, today).map(|day| (day, day.plus(1))),
        (_, _, Some(from), Some(to)) => {
            let (from, to) = (day(from, today)?, day(to, today)?);
            if from >= to {
                return Err(format!("--from {from} is not before --to {to}, which is exclusive"));
            }
            Ok((from, to))
        }
        _ => Err("say which days: --month, --day, or --from with --to".to_owned()),
    }
}

/// A day as it is said.
pub(super) fn day(text: &str, today: Day) -> Result<Day, String> {
    match text {
        "today" => Ok(today),
        "yesterday" => Ok(today.plus(-1)),
        text => text.parse::<Day>().map_err(|error| format!("{error}; today and yesterday are understood too")),
    }
}

/// A month as it is said.
pub(super) fn month(text: &str, today: Day) -> Result<Month, String> {
    match text {
        "this" => Ok(today.month()),
        "last" => Ok(today.month().previous()),
        text => text.parse::<Month>().map_err(|error| format!("{error}; this and last are understood too")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(
        month: Option<&str>,
        day: Option<&str>,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(String, String), String> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let args = RangeArgs { month: owned(month), day: owned(day), from: owned(from), to: owned(to) };
        range(&args, "2026-03-12".parse().unwrap()).map(|(from, to)| (from.to_string(), to.to_string()))
    }

    #[test]
    fn ranges_are_exclusive_at_the_end() {
        let range = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(asked(None, Some("today"), None, None), range("2026-03-12", "2026-03-13"));
        assert_eq!(asked(Some("last"), None, None, None), range("2026-02-01", "2026-03-01"));
        assert_eq!(asked(None, None, Some("2026-03-01"), Some("yesterday")), range("2026-03-01", "2026-03-11"));
        assert!(asked(None, None, Some("2026-03-02"), Some("2026-03-02")).is_err());
        assert!(asked(None, Some("soon"), None, None).is_err());
    }
}
