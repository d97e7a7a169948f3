//! Questions: every record behind a number, policies, who the ledger is.

use std::ops::ControlFlow;

use portalmeter_meter::entry::{Entry, UsageRecord};
use portalmeter_meter::ledger::{Ledger, Line, Lines};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::policy::{Experience, Policy};
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;

use super::both::{Place, both};
use super::say::{day, held, lines, record, tell, visitor};

/// Five records: visitors 1 to 3, two days, one of a module, one withdrawn.
fn five(ledger: &mut dyn Ledger) {
    let of = |number: u64, of: u64, later: i32| UsageRecord { visitor: visitor(of), day: day(later), ..record(number) };
    let module = UsageRecord { module: Some("chat".into()), ..of(3, 2, 0) };
    let (class, reason, account) = (Class::External, Reason::Midnight, Some("acme".into()));
    let same_session = UsageRecord { session: record(1).session, class, reason, account, ..of(4, 1, 1) };
    tell(ledger, &held([of(1, 1, 0), of(2, 2, 0), module, same_session, of(5, 3, 0)]));
    tell(ledger, &[Entry::Withdrawn(of(5, 3, 0))]);
}

fn numbers(lines: &[Line]) -> Vec<u64> {
    let number = |line: &Line| u64::from_be_bytes(line.id.0[8..].try_into().unwrap());
    let mut numbers: Vec<u64> = lines.iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn lines_are_found_by_all_that_is_asked() {
    both(|ledger| {
        five(ledger);
        let any = Lines::default;
        for (query, expected) in [
            (any(), vec![1, 2, 3, 4]),
            (Lines { withdrawn: true, ..any() }, vec![1, 2, 3, 4, 5]),
            (Lines { portal: Some("another".into()), ..any() }, vec![]),
            (Lines { module: Some(Some("chat".into())), ..any() }, vec![3]),
            (Lines { module: Some(None), portal: Some("support".into()), ..any() }, vec![1, 2, 4]),
            (Lines { from: Some(day(1)), ..any() }, vec![4]),
            (Lines { from: Some(day(0)), to: Some(day(1)), ..any() }, vec![1, 2, 3]),
            (Lines { visitor: Some(visitor(2)), ..any() }, vec![2, 3]),
            (Lines { session: Some(record(1).session), ..any() }, vec![1, 4]),
            (Lines { id: Some(record(2).id), ..any() }, vec![2]),
            (Lines { corrections: true, ..any() }, vec![]),
            (Lines { class: Some(Class::External), ..any() }, vec![4]),
            (Lines { class: Some(Class::Bot), ..any() }, vec![]),
            (Lines { reason: Some(Some(Reason::Start)), ..any() }, vec![1, 2, 3]),
            (Lines { reason: Some(None), ..any() }, vec![]),
            (Lines { account: Some("acme".into()), ..any() }, vec![4]),
        ] {
            assert_eq!(numbers(&lines(ledger, &query)), expected, "{query:?}");
        }
    });
}

#[test]
fn a_page_follows_a_page_and_a_reader_may_stop() {
    both(|ledger| {
        five(ledger);
        let all = lines(ledger, &Lines { withdrawn: true, ..Lines::default() });
        let place = |line: &Line| (line.portal.clone(), line.day, line.visitor, line.id);
        assert!(all.is_sorted_by_key(place));
        let (mut after, mut paged) = (None, Vec::new());
        loop {
            let query = Lines { withdrawn: true, limit: Some(2), after: after.clone(), ..Lines::default() };
            let page = lines(ledger, &query);
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 2);
            after = Some(last.place());
            paged.extend(page);
        }
        assert_eq!(paged, all);
        let mut seen = 0;
        let mut two = |_| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        ledger.records(&Lines::default(), &mut two).unwrap();
        assert_eq!(seen, 2);
        // And the ledger goes on.
        ledger.ping().unwrap();
    });
}

#[test]
fn more_lines_come_than_are_fetched_at_once() {
    both(|ledger| {
        let many = 2500;
        tell(ledger, &held((1..=many).map(record)));
        assert_eq!(numbers(&lines(ledger, &Lines::default())), (1..=many).collect::<Vec<_>>());
    });
}

#[test]
fn policies_are_kept_under_the_ids_that_records_name() {
    both(|ledger| {
        let stamps: Vec<Stamp> = Experience::ALL.into_iter().map(Policy::preset).map(Stamp::new).collect();
        ledger.know(&stamps).unwrap();
        ledger.know(&stamps[..2]).unwrap();
        ledger.know(&[]).unwrap();
        let known = ledger.policies().unwrap();
        assert_eq!(known.len(), stamps.len());
        for stamp in stamps {
            let text = &known.iter().find(|(id, _)| *id == stamp.id).unwrap().1;
            assert_eq!(Policy::from_text(text).as_ref(), Some(&*stamp.policy));
        }
    });
}

#[test]
fn a_ledger_is_itself_for_ever_and_no_other() {
    let places = Place::each();
    let ids = places.each_ref().map(|place| place.open().id().unwrap());
    assert_ne!(ids[0], ids[1]);
    assert_eq!(places.each_ref().map(|place| place.open().id().unwrap()), ids);
}
