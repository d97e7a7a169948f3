//! What holds of any stream: it may be told again from its start, cut anywhere, and totals are sums of records.

use std::collections::{BTreeMap, BTreeSet};

use portalmeter_meter::day::Day;
use portalmeter_meter::entry::{Entry, SessionRow, UsageRecord};
use portalmeter_meter::ledger::{By, Ledger, Line, Lines, Query, Total, Which};
use portalmeter_meter::session::Class;
use portalmeter_meter::usage::Usage;
use portalmeter_rules::id::Name;
use proptest::prelude::*;

use super::both::Place;
use super::say::{MORNING, PORTAL, all_lines, day, id, only, presence, record, seal, session, tell, visitor};

/// A deed of one of six records: two visitors, two days, one of three in a module.
#[derive(Debug, Clone)]
enum Deed {
    Holds { record: u64, class: usize, account: bool },
    Withdrawn { record: u64 },
    Session { record: u64, pages: u32, converted: bool, gone: bool },
    Present { record: u64, user: bool },
    Only { visitor: u64, records: BTreeSet<u64> },
}

fn deed() -> impl Strategy<Value = Deed> {
    let record = 0..6_u64;
    prop_oneof![
        5 => (record.clone(), 0..4_usize, any::<bool>())
            .prop_map(|(record, class, account)| Deed::Holds { record, class, account }),
        3 => record.clone().prop_map(|record| Deed::Withdrawn { record }),
        3 => (record.clone(), 1..9_u32, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(record, pages, converted, gone)| Deed::Session { record, pages, converted, gone }),
        1 => (record.clone(), any::<bool>()).prop_map(|(record, user)| Deed::Present { record, user }),
        1 => (1..3_u64, prop::collection::btree_set(record, 0..4))
            .prop_map(|(visitor, records)| Deed::Only { visitor, records }),
    ]
}

fn of(number: u64, stored_time: i64) -> UsageRecord {
    UsageRecord {
        id: id(MORNING, number),
        visitor: visitor(1 + number % 2),
        module: number.is_multiple_of(3).then(|| "chat".to_owned()),
        day: day((number / 3) as i32),
        session: id(MORNING, 100 + number),
        stored_time,
        ..record(number)
    }
}

/// The deeds as entries; two each are stored in one millisecond.
fn stream(deeds: &[Deed]) -> Vec<Entry> {
    let entries = deeds.iter().enumerate().map(|(index, deed)| {
        let now = MORNING + index as i64 / 2;
        match deed {
            Deed::Holds { record, class, account } => Entry::Record(UsageRecord {
                class: Class::ALL[*class],
                account: account.then(|| "ACME".to_owned()),
                ..of(*record, now)
            }),
            Deed::Withdrawn { record } => Entry::Withdrawn(of(*record, now)),
            Deed::Session { record, pages, converted, gone } => {
                let of = of(*record, now);
                let converted = converted.then_some(of.day);
                Entry::Session(SessionRow { pages: *pages, converted, gone: *gone, ..session(&of) })
            }
            Deed::Present { record, user } => {
                let (of, user) = (of(*record, now), user.then_some(7));
                let of =
                    portalmeter_meter::entry::Presence { module: of.module, ..presence(1 + *record % 2, of.day, user) };
                Entry::Presence(of)
            }
            Deed::Only { visitor, records } => {
                Entry::Only(only(*visitor, records.iter().map(|&record| of(record, 0).id).collect(), now))
            }
        }
    });
    entries.collect()
}

/// Prefixes of the stream and the stream itself, each cut into batches.
fn deliveries(entries: &[Entry], prefixes: &[usize], size: usize) -> Vec<Vec<Entry>> {
    let lengths = prefixes.iter().map(|length| length % (entries.len() + 1)).chain([entries.len()]);
    lengths.flat_map(|length| entries[..length].chunks(size).map(<[Entry]>::to_vec).collect::<Vec<_>>()).collect()
}

/// All that a ledger says.
#[derive(Debug, PartialEq)]
struct Said {
    lines: Vec<Line>,
    sessions: Vec<SessionRow>,
    totals: Vec<Total>,
    usage: Vec<Usage>,
}

fn said(ledger: &mut dyn Ledger) -> Said {
    let visitors: Vec<_> = (1..3).map(visitor).collect();
    let mut sessions = ledger.sessions(PORTAL, &visitors, 0).unwrap();
    sessions.sort_by_key(|row| row.id);
    let totals = ledger.totals(PORTAL, Which::All).unwrap().days;
    let query = Query { from: day(0), to: day(9), by: By::Month, portals: Vec::new() };
    Said {
        lines: all_lines(ledger),
        sessions,
        // How often a day changed is told by how often it was told.
        totals: totals.into_iter().map(|total| Total { revision: 0, ..total }).collect(),
        usage: ledger.usage(&query).unwrap(),
    }
}

fn totals_are_sums(ledger: &mut dyn Ledger) {
    for total in ledger.totals(PORTAL, Which::All).unwrap().days {
        let of_day = Lines {
            module: Some(total.module.clone()),
            from: Some(total.day),
            to: Some(total.day.plus(1)),
            ..Lines::default()
        };
        let mut sums = [0; 4];
        for line in super::say::lines(ledger, &of_day) {
            sums[line.class as usize] += i64::from(line.amount);
        }
        assert_eq!(sums, total.sums.records);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn prefixes_told_again_end_in_the_same_tables(
        deeds in prop::collection::vec(deed(), 0..30),
        prefixes in prop::collection::vec(0..40_usize, 0..3),
        size in 1..12_usize,
    ) {
        let entries = stream(&deeds);
        let [file, server] = Place::each();
        let mut once = Place::sqlite().open();
        tell(&mut *once, &entries);
        let expected = said(&mut *once);
        for place in [file, server] {
            let mut ledger = place.open();
            for batch in deliveries(&entries, &prefixes, size) {
                tell(&mut *ledger, &batch);
                totals_are_sums(&mut *ledger);
            }
            prop_assert_eq!(&said(&mut *ledger), &expected, "{}", place.name());
        }
    }

    #[test]
    fn whatever_comes_after_sealing_what_holds_is_what_was_told_last(
        before in prop::collection::vec(deed(), 0..12),
        after in prop::collection::vec(deed(), 0..20),
        size in 1..8_usize,
    ) {
        let entries = stream(&[before.clone(), after].concat());
        let expected = told_last(&entries);
        for place in Place::each() {
            let mut ledger = place.open();
            tell(&mut *ledger, &entries[..before.len()]);
            seal(&mut *ledger, day(0));
            let sealed = sealed_days(&mut *ledger);
            // A day later, and again from the start.
            for batch in entries[before.len()..].chunks(size).chain([&entries[..]]) {
                tell(&mut *ledger, batch);
                totals_are_sums(&mut *ledger);
                prop_assert_eq!(&sealed_days(&mut *ledger), &sealed);
            }
            prop_assert_eq!(holding(&mut *ledger), expected.clone(), "{}", place.name());
        }
    }
}

type Holding = BTreeMap<(Name, Class, Option<String>), i64>;

/// What of each record was told last.
fn told_last(entries: &[Entry]) -> Holding {
    let mut last: BTreeMap<Name, Option<(Class, Option<String>)>> = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Record(record) => {
                last.insert(record.id, Some((record.class, record.account.clone())));
            }
            Entry::Withdrawn(record) => {
                last.insert(record.id, None);
            }
            Entry::Only(only) => {
                let whose = (0..6).map(|number| of(number, 0));
                for record in whose.filter(|record| record.visitor == only.visitor && record.module == only.module) {
                    if !only.records.contains(&record.id) {
                        last.insert(record.id, None);
                    }
                }
            }
            Entry::Session(_) | Entry::Presence(_) | Entry::Acts(_) => {}
        }
    }
    last.into_iter().filter_map(|(id, holds)| holds.map(|(class, account)| ((id, class, account), 1))).collect()
}

/// What of each record the ledger's lines come to.
fn holding(ledger: &mut dyn Ledger) -> Holding {
    let mut sums = Holding::new();
    for line in super::say::lines(ledger, &Lines::default()) {
        *sums.entry((line.of.unwrap_or(line.id), line.class, line.account)).or_default() += i64::from(line.amount);
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

fn sealed_days(ledger: &mut dyn Ledger) -> Vec<(Day, Total)> {
    let totals = ledger.totals(PORTAL, Which::All).unwrap().days;
    totals.into_iter().filter(|total| total.sealed.is_some()).map(|total| (total.day, total)).collect()
}
