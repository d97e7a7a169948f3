//! The fold against a slow, obvious model written from `metering.md` alone: hundreds of visitors over
//! days, all policies, several zones, in any order and any number of times.
//!
//! A failing seed is printed; `SEED=… cargo test -p portalmeter-meter --test fold` replays it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a failing seed is taken from, and told to, the shell"
)]

mod support {
    pub(crate) mod bridge;
    pub(crate) mod generate;
    pub(crate) mod model;
}

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portalmeter_meter::day::Zone as RealZone;
use portalmeter_meter::history::{Change, History, Memory};
use portalmeter_meter::intake::Sighted;
use portalmeter_meter::names::Who;
use portalmeter_meter::observation::{Key, Observation, Scope, Stamp};
use portalmeter_meter::store::embedded::EmbeddedStore;
use portalmeter_meter::store::{Batch, NodeId, Store, commit};
use portalmeter_rules::id::Name;
use proptest::prelude::*;
use support::bridge::{Tally, real, stamp, tally};
use support::generate::{Random, Zone, rules, traffic};
use support::model::{Event, Rules, count};

const MINUTE: i64 = 60_000;
const FOR_EVER: Memory = Memory { keep: 400 * 24 * 60 * MINUTE, settle: 400 * 24 * 60 * MINUTE, passed: i64::MAX };

#[test]
fn in_any_order_and_any_number_of_times_the_counts_are_the_models() {
    for_each_seed(|seed| {
        for (zone, policy) in cases(seed) {
            for (number, events) in traffic(seed, &zone, &policy, 24).iter().enumerate() {
                let stamp = stamp(&policy, &zone);
                let mut ledger = Ledger::default();
                let mut history = History::default();
                for part in events.chunks(1 + (seed as usize + number) % 7) {
                    ledger.apply(history.add(observations(part, &stamp), FOR_EVER));
                }
                assert_eq!(
                    ledger.tally(),
                    tally(&count(events, &policy)),
                    "visitor {number}, {policy:?}, {}",
                    zone.name
                );
            }
        }
    });
}

#[test]
fn what_a_store_forgets_and_merges_changes_no_count() {
    let memory = Memory::keeping(45 * MINUTE);
    for_each_seed(|seed| {
        let mut random = Random::from_seed(seed);
        for (zone, policy) in cases(seed) {
            for (number, mut events) in traffic(seed, &zone, &policy, 24).into_iter().enumerate() {
                // Slow answers: each arrives up to 110 s late, less than it takes to settle.
                let mut delayed: Vec<(i64, Event)> =
                    events.drain(..).map(|event| (event.at + random.below(110_000) as i64, event)).collect();
                delayed.sort_by_key(|(arrival, _)| *arrival);
                events = delayed.into_iter().map(|(_, event)| event).collect();
                let stamp = stamp(&policy, &zone);
                let (mut ledger, mut history) = (Ledger::default(), History::default());
                for event in &events {
                    ledger.apply(history.add_one(real(event, &stamp), memory));
                }
                assert_eq!(ledger.late, 0);
                assert_eq!(
                    ledger.tally(),
                    tally(&count(&events, &policy)),
                    "visitor {number}, {policy:?}, {}",
                    zone.name
                );
            }
        }
    });
}

#[test]
fn the_store_holds_the_models_records_and_its_totals_are_their_sums() {
    for_each_seed(|seed| {
        let dir = tempfile::tempdir().unwrap();
        let mut store = EmbeddedStore::open(dir.path()).unwrap();
        let mut expected: BTreeMap<String, Tally> = BTreeMap::new();
        let mut arrivals: Vec<(Arc<Scope>, Name, Observation)> = Vec::new();
        for (which, (zone, policy)) in cases(seed).into_iter().enumerate() {
            let scope = Arc::new(Scope::portal(&format!("portal-{which}")));
            let stamp = stamp(&policy, &zone);
            store.know(std::slice::from_ref(&stamp)).unwrap();
            for (number, events) in traffic(seed, &zone, &policy, 5).iter().enumerate() {
                let visitor = Name((number as u128).to_le_bytes());
                arrivals
                    .extend(observations(events, &stamp).into_iter().map(|seen| (Arc::clone(&scope), visitor, seen)));
                expected.entry(scope.portal.to_string()).or_default().add(&tally(&count(events, &policy)));
            }
        }
        let mut random = Random::from_seed(seed);
        random.shuffle(&mut arrivals);
        for (number, part) in arrivals.chunks(200).enumerate() {
            let batch = batch(part, number as u64 + 1);
            commit(&mut store, &batch, FOR_EVER).unwrap();
            if random.chance(1, 4) {
                // A lost acknowledgement: the same again.
                commit(&mut store, &batch, FOR_EVER).unwrap();
            }
        }
        drop(store);
        support::bridge::check_ledger(dir.path(), &expected);
    });
}

fn batch(arrivals: &[(Arc<Scope>, Name, Observation)], upto: u64) -> Batch {
    let sighted = arrivals.iter().map(|(scope, visitor, seen)| Sighted {
        scope: Arc::clone(scope),
        key: Key { scope: scope.id(), visitor: *visitor },
        who: Who::Known(*visitor),
        observation: seen.clone(),
        overheard: false,
    });
    Batch::new(NodeId([1; 8]), upto, sighted.collect(), 0)
}

proptest! {
    #[test]
    fn any_permutation_and_any_repetition_gives_the_same_records(
        seed in 0_u64..1_000_000,
        order in any::<u64>(),
        repeats in proptest::collection::vec(any::<proptest::sample::Index>(), 0..40),
    ) {
        let mut random = Random::from_seed(seed);
        let (zone, policy) = (random.one_of(&Zone::ALL), rules(&mut random));
        let stamp = stamp(&policy, &zone);
        for events in traffic(seed, &zone, &policy, 2) {
            let set: BTreeSet<Observation> = observations(&events, &stamp).into_iter().collect();
            let (mut in_order, mut history) = (Ledger::default(), History::default());
            for seen in &set {
                in_order.apply(history.add_one(seen.clone(), FOR_EVER));
            }
            let mut arrivals: Vec<Observation> = set.iter().cloned().collect();
            arrivals.extend(repeats.iter().map(|index| index.get(&arrivals).clone()).collect::<Vec<_>>());
            Random::from_seed(order).shuffle(&mut arrivals);
            let (mut shuffled, mut history) = (Ledger::default(), History::default());
            for seen in arrivals {
                shuffled.apply(history.add_one(seen, FOR_EVER));
            }
            prop_assert_eq!(in_order.tally(), shuffled.tally());
            prop_assert_eq!(in_order.lasted, shuffled.lasted);
        }
    }
}

/// What commits have added up to: records by their identity, so that a withdrawn one leaves no trace.
#[derive(Default)]
struct Ledger {
    records: BTreeMap<(i64, i32, &'static str), &'static str>,
    conversions: BTreeSet<(i64, i32)>,
    lasted: BTreeMap<i32, i64>,
    late: u32,
}

impl Ledger {
    fn apply(&mut self, change: Change) {
        for gone in change.withdrawn {
            let removed = self.records.remove(&(gone.session, gone.day.0, gone.reason.name()));
            assert_eq!(removed, Some(gone.class.name()), "only what was there is withdrawn");
        }
        for one in change.counted {
            let before = self.records.insert((one.session, one.day.0, one.reason.name()), one.class.name());
            assert_eq!(before, None, "no record is added twice");
        }
        for gone in change.unconverted {
            assert!(self.conversions.remove(&(gone.session, gone.day.0)));
        }
        for one in change.converted {
            assert!(self.conversions.insert((one.session, one.day.0)));
        }
        for (day, millis) in change.lasted {
            *self.lasted.entry(day.0).or_default() += millis;
        }
        self.lasted.retain(|_, millis| *millis != 0);
        self.late += change.late;
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for ((session, day, reason), class) in &self.records {
            tally.records.push((*session, *day, (*reason).to_owned(), (*class).to_owned()));
        }
        tally.conversions = self.conversions.iter().copied().collect();
        tally
    }
}

fn observations(events: &[Event], stamp: &Stamp) -> Vec<Observation> {
    events.iter().map(|event| real(event, stamp)).collect()
}

/// Every preset in some zone, and some policies of chance.
fn cases(seed: u64) -> Vec<(Zone, Rules)> {
    let mut random = Random::from_seed(seed);
    let mut cases: Vec<(Zone, Rules)> =
        Rules::PRESETS.iter().map(|(_, preset)| (random.one_of(&Zone::ALL), *preset)).collect();
    cases.extend((0..3).map(|_| (random.one_of(&Zone::ALL), rules(&mut random))));
    cases
}

fn for_each_seed(check: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let seeds = match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..12_u64,
    };
    for seed in seeds {
        if let Err(failure) = std::panic::catch_unwind(|| check(seed)) {
            eprintln!("SEED={seed} failed; `SEED={seed} cargo test -p portalmeter-meter --test fold` replays it");
            std::panic::resume_unwind(failure);
        }
    }
}

#[test]
fn the_models_zones_are_the_real_ones() {
    for zone in Zone::ALL {
        let real = RealZone::named(zone.name).unwrap();
        for hour in 0..24 * 12 {
            let at = zone.begins + hour * 60 * MINUTE + 17;
            assert_eq!(real.day(at).0, zone.day(at), "{} at {at}", zone.name);
        }
    }
}
