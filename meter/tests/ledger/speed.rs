//! How fast records go in. Not a test: `cargo test -p portalmeter-meter --test ledger speed -- --ignored --nocapture`.

use std::time::Instant;

use portalmeter_meter::entry::Entry;

use super::both::Place;
use super::say::{MORNING, day, held, only, presence, record, session, sums, tell};

/// So many visitors, each with a record, a session and a presence.
const STARTS: u64 = 40_000;

#[test]
#[ignore = "it measures"]
fn speed_of_starts() {
    for place in Place::each() {
        for (what, size, whole) in
            [("records", 500, false), ("records", 5000, false), ("starts", 500, true), ("starts", 5000, true)]
        {
            let mut ledger = place.open();
            let before = sums(&mut *ledger, day(0))[0] as u64;
            let batches: Vec<_> = (0..STARTS / size).map(|batch| starts(before + batch * size, size, whole)).collect();
            measure(&place, &format!("{what} in batches of {size}"), &batches);
            assert_eq!(sums(&mut *ledger, day(0))[0] as u64, before + STARTS);
        }
        let again: Vec<_> = (0..STARTS / 5000).map(|batch| starts(batch * 5000, 5000, true)).collect();
        measure(&place, "starts that are known", &again);
        let healed = |number: u64| Entry::Only(only(number, vec![record(number).id], MORNING + 1));
        let heal: Vec<_> =
            (0..STARTS / 5000).map(|batch| (batch * 5000..(batch + 1) * 5000).map(healed).collect()).collect();
        measure(&place, "visitors healed", &heal);
    }
}

fn measure(place: &Place, what: &str, batches: &[Vec<Entry>]) {
    let mut ledger = place.open();
    let begun = Instant::now();
    for batch in batches {
        tell(&mut *ledger, batch);
    }
    let rate = STARTS as f64 / begun.elapsed().as_secs_f64();
    eprintln!("{}: {rate:.0} a second, {what}", place.name());
}

/// Records alone, or each with its session and who was there.
fn starts(from: u64, count: u64, whole: bool) -> Vec<Entry> {
    let numbers = from..from + count;
    if !whole {
        return held(numbers.map(record));
    }
    let entries = numbers.flat_map(|number| {
        let record = record(number);
        let row = session(&record);
        [Entry::Record(record), Entry::Session(row), Entry::Presence(presence(number, day(0), None))]
    });
    entries.collect()
}
