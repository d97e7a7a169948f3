//! From the model's words to the program's, and both sides' results side by side.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use portalmeter_meter::day::{Day, Zone as RealZone};
use portalmeter_meter::ledger::sqlite::{FILE, SqliteLedger};
use portalmeter_meter::ledger::{By, Ledger, Query};
use portalmeter_meter::observation::{Evidence as RealEvidence, Kind as RealKind, Note, Observation, Stamp};
use portalmeter_meter::policy::{DayRollover, Experience, Login, Policy};
use portalmeter_meter::usage::{Counters, Usage};
use portalmeter_rules::id::Name;

use super::generate::Zone;
use super::model::{Class, Event, Evidence, Kind, Outcome, Reason, Rules};

/// Records and conversions, sorted: session, day, reason, class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) records: Vec<(i64, i32, String, String)>,
    pub(crate) conversions: Vec<(i64, i32)>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.records.extend(other.records.iter().cloned());
        self.conversions.extend(other.conversions.iter().copied());
    }
}

/// The model's outcome.
pub(crate) fn tally(outcome: &Outcome) -> Tally {
    let class = |class| match class {
        Class::Guest => "guest",
        Class::External => "external",
        Class::Internal => "internal",
        Class::Bot => "bot",
    };
    let reason = |reason| match reason {
        Reason::Start => "start",
        Reason::Midnight => "midnight",
        Reason::Login => "login",
        Reason::Relogin => "relogin",
        Reason::UserSwitch => "user_switch",
    };
    let records = outcome.counted.iter();
    let mut tally = Tally {
        records: records
            .map(|one| (one.session_start, one.day, reason(one.reason).to_owned(), class(one.class).to_owned()))
            .collect(),
        conversions: outcome.conversions.clone(),
    };
    tally.records.sort();
    tally.conversions.sort_unstable();
    tally
}

/// The program's policy for the model's.
pub(crate) fn stamp(rules: &Rules, zone: &Zone) -> Stamp {
    Stamp::new(Policy {
        experience: Experience::ServicePortal,
        login: if rules.login_counts { Login::Count } else { Login::Continue },
        day_rollover: if rules.rollover_counts { DayRollover::Count } else { DayRollover::Continue },
        idle_timeout: rules.idle_ms,
        max_duration: rules.max_ms,
        min_pages: rules.min_pages,
        zone: RealZone::named(zone.name).unwrap(),
        trial: false,
    })
}

/// The program's observation for the model's event.
pub(crate) fn real(event: &Event, stamp: &Stamp) -> Observation {
    let name = |user: u32| Name(u128::from(user).to_le_bytes());
    let (evidence, user) = match event.evidence {
        Evidence::Unknown => (RealEvidence::Unknown, None),
        Evidence::Guest => (RealEvidence::Guest, None),
        Evidence::External(user) => (RealEvidence::External, user.map(name)),
        Evidence::Internal(user) => (RealEvidence::Internal, user.map(name)),
        Evidence::Bot => (RealEvidence::Bot, None),
    };
    Observation {
        at: event.at,
        kind: match event.kind {
            Kind::Page => RealKind::Page,
            Kind::Activity => RealKind::Activity,
            Kind::Logout => RealKind::Logout,
        },
        evidence,
        user,
        day: Day(event.day),
        stamp: stamp.clone(),
        note: Arc::new(Note { rule: "test".into(), agent: None, account: None }),
        by: None,
        tie: 0,
    }
}

/// Holds a ledger's file against what each portal should have: records, day totals, month totals.
pub(crate) fn check_ledger(dir: &Path, expected: &BTreeMap<String, Tally>) {
    let database = rusqlite::Connection::open(dir.join(FILE)).unwrap();
    let mut ask = database
        .prepare(
            "SELECT portal, day, reason, class, COUNT(*) FROM usage_record WHERE withdrawn = 0 GROUP BY 1, 2, 3, 4",
        )
        .unwrap();
    let rows =
        ask.query_map([], |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?), row.get(4)?))).unwrap();
    let stored: BTreeMap<(String, i32, String, String), i64> = rows.map(Result::unwrap).collect();
    let mut wanted = BTreeMap::new();
    for (portal, tally) in expected {
        for (_, day, reason, class) in &tally.records {
            *wanted.entry((portal.clone(), *day, reason.clone(), class.clone())).or_insert(0) += 1;
        }
    }
    let missing: Vec<_> = wanted.iter().filter(|one| stored.get(one.0) != Some(one.1)).collect();
    let surplus: Vec<_> = stored.iter().filter(|one| wanted.get(one.0) != Some(one.1)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "the model has {missing:?}, the ledger {surplus:?}");

    let days = ask_usage(dir, By::Day);
    for row in &days {
        let tally = &expected[&row.portal];
        let day = row.day.as_deref().unwrap().parse::<Day>().unwrap();
        let of = |class: &str| tally.records.iter().filter(|one| one.1 == day.0 && one.3 == class).count() as i64;
        let sums = row.counters;
        assert_eq!(
            [sums.guest, sums.external, sums.internal, sums.bot],
            ["guest", "external", "internal", "bot"].map(of)
        );
        assert_eq!(sums.billable, sums.guest_raw - sums.bot + sums.external);
        assert_eq!(sums.converted, tally.conversions.iter().filter(|one| one.1 == day.0).count() as i64);
    }
    for month in ask_usage(dir, By::Month) {
        let of_month = |row: &&Usage| {
            row.portal == month.portal && row.day.as_deref().unwrap().starts_with(month.month.as_deref().unwrap())
        };
        let mut sum = Counters::default();
        days.iter().filter(of_month).for_each(|row| sum += row.counters);
        assert_eq!(month.counters, sum, "a month is the sum of its days");
    }
}

fn ask_usage(dir: &Path, by: By) -> Vec<Usage> {
    let query = Query { from: Day(0), to: Day(100_000), by, portals: Vec::new() };
    SqliteLedger::open(dir).unwrap().unwrap().usage(&query).unwrap()
}
