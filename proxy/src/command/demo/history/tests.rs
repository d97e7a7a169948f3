//! A small history, as the ledger has it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use portalmeter_meter::day::Zone;
use portalmeter_meter::ledger::{Line, Lines, Total};
use portalmeter_meter::policy::{Experience, Policy};

use super::*;

const HOUR: Millis = 3_600_000;

/// Ten in the morning of a Monday, in UTC.
const NOW: Millis = 1_795_428_000_000;

fn portals() -> Vec<(Arc<str>, Stamp)> {
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let partners = Policy { zone: berlin, ..Policy::preset(Experience::PartnerPortal) };
    vec![
        ("help".into(), Stamp::new(Policy::preset(Experience::ServicePortal))),
        ("widgets".into(), Stamp::new(Policy::preset(Experience::WebEmbeddables))),
        ("partners".into(), Stamp::new(partners)),
    ]
}

fn written(data_dir: &Path, seed: u64) -> Option<Written> {
    let portals = portals();
    let order = Order {
        seed,
        days: 20,
        sessions: 2_000,
        now: NOW,
        portals: &portals,
        memory: Memory::keeping(45 * 60_000),
        seal_after: 12 * HOUR,
    };
    write(data_dir, &order, &mut |_, _| {}).unwrap()
}

/// What was written, with where it is.
struct Told {
    dir: tempfile::TempDir,
    written: Written,
}

impl Told {
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let written = written(dir.path(), seed).unwrap();
        Self { dir, written }
    }

    fn ledger(&self) -> SqliteLedger {
        SqliteLedger::open(self.dir.path()).unwrap().unwrap()
    }

    fn totals(&self) -> Vec<(Arc<str>, Total)> {
        let mut ledger = self.ledger();
        let mut of = |name: Arc<str>| {
            let days = ledger.totals(&name, Which::All).unwrap().days;
            days.into_iter().map(move |total| (Arc::clone(&name), total))
        };
        portals().into_iter().flat_map(|(name, _)| of(name).collect::<Vec<_>>()).collect()
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let each = &mut |line| {
            lines.push(line);
            ControlFlow::Continue(())
        };
        self.ledger().records(&Lines::default(), each).unwrap();
        lines
    }
}

#[test]
fn the_same_seed_tells_the_same_history_and_another_another() {
    let [one, same, other] = [7, 7, 8].map(Told::new);
    assert_eq!((one.written, one.totals()), (same.written, same.totals()));
    let ids = |told: &Told| told.lines().into_iter().map(|line| line.id).collect::<Vec<_>>();
    assert_eq!(ids(&one), ids(&same));
    assert_ne!(ids(&one), ids(&other));
}

#[test]
fn what_has_a_past_is_left_alone() {
    let told = Told::new(7);
    let before = told.totals();
    assert_eq!(written(told.dir.path(), 8), None);
    assert_eq!(told.totals(), before);
}

#[test]
fn totals_are_the_sums_of_records_and_there_are_about_as_many_as_ordered() {
    let told = Told::new(7);
    let mut sums: BTreeMap<_, [i64; 4]> = BTreeMap::new();
    let mut records = 0;
    for line in told.lines().into_iter().filter(|line| !line.withdrawn) {
        assert!(line.event_time <= NOW && line.corrects.is_none(), "{line:?}");
        sums.entry((line.portal, line.module, line.day)).or_default()[line.class as usize] += i64::from(line.amount);
        records += 1;
    }
    assert_eq!(records, told.written.records);
    assert!((1_800..2_300).contains(&records), "{records}");
    for (portal, total) in told.totals() {
        let counted = sums.remove(&(portal.to_string(), total.module.clone(), total.day)).unwrap_or_default();
        assert_eq!(total.sums.records, counted, "{portal} {total:?}");
    }
    assert!(sums.is_empty(), "{sums:?}");
}

#[test]
fn days_that_are_over_for_long_are_sealed_and_the_others_are_open() {
    let told = Told::new(7);
    let portals: BTreeMap<_, _> = portals().into_iter().collect();
    for (portal, total) in told.totals() {
        let zone = &portals[&portal].policy.zone;
        let over = zone.end(total.day) + 12 * HOUR <= NOW;
        assert_eq!(total.sealed.is_some(), over, "{portal} {total:?}");
    }
    let open = told.totals().into_iter().filter(|(_, total)| total.sealed.is_none());
    let days: std::collections::BTreeSet<_> = open.map(|(_, total)| total.day.to_string()).collect();
    assert_eq!(days.into_iter().collect::<Vec<_>>(), ["2026-11-22", "2026-11-23"]);
}

#[test]
fn partners_come_on_weekdays() {
    let mut by_weekday = [0; 7];
    for (_, total) in Told::new(7).totals().into_iter().filter(|(portal, _)| **portal == *"partners") {
        by_weekday[calendar::weekday(total.day)] += total.sums.records[0] + total.sums.records[1];
    }
    let [working, weekend] =
        [&by_weekday[..5], &by_weekday[5..]].map(|days| days.iter().sum::<i64>() / days.len() as i64);
    assert!(working > 4 * weekend, "{by_weekday:?}");
}

#[test]
fn all_that_can_happen_happens() {
    let told = Told::new(7);
    let lines = told.lines();
    for reason in ["start", "midnight", "login", "relogin"] {
        assert!(lines.iter().any(|line| line.reason.is_some_and(|its| its.name() == reason)), "{reason}");
    }
    let (pages, actions): (Vec<i64>, Vec<i64>) =
        told.totals().into_iter().map(|(_, total)| (total.sums.page_views, total.sums.actions)).unzip();
    assert!(pages.iter().sum::<i64>() > 3 * actions.iter().sum::<i64>() && actions.iter().sum::<i64>() > 500);
    assert!(told.totals().iter().any(|(_, total)| total.sums.converted > 0));
    let bots = |name| lines.iter().filter(|line| line.agent.as_deref() == Some(name)).count();
    assert!(bots("Bytespider") > bots("Googlebot"), "one of them floods");
}
