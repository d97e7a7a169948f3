//! Sessions: how they stand, what converted, and who was there.

use portalmeter_meter::day::Day;
use portalmeter_meter::entry::{Entry, SessionRow, UsageRecord};
use portalmeter_meter::ledger::{By, Ledger, Query, Which};
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;

use super::both::both;
use super::say::{HOUR, MORNING, PORTAL, day, held, id, only, presence, record, seal, session, tell, visitor};

fn live(ledger: &mut dyn Ledger, since: i64) -> Vec<SessionRow> {
    let visitors: Vec<_> = (1..=9).map(visitor).collect();
    let mut found = ledger.sessions(PORTAL, &visitors, since).unwrap();
    found.sort_by_key(|row| row.id);
    found
}

fn converted(ledger: &mut dyn Ledger, on: Day) -> i64 {
    let totals = ledger.totals(PORTAL, Which::All).unwrap().days;
    totals.iter().filter(|total| total.day == on).map(|total| total.sums.converted).sum()
}

fn row() -> SessionRow {
    session(&record(1))
}

#[test]
fn a_session_comes_back_as_it_was_told() {
    both(|ledger| {
        let told = SessionRow {
            began: Reason::Relogin,
            last_seen: MORNING + 5 * HOUR,
            counted_day: day(1),
            class: Class::External,
            logged_out: true,
            user: Some(visitor(77)),
            account: Some("ACME".into()),
            agent: Some("Googlebot".into()),
            pages: u32::MAX,
            actions: 7,
            converted: Some(day(0)),
            ..row()
        };
        tell(ledger, &[Entry::Session(told.clone())]);
        assert_eq!(live(ledger, MORNING + 5 * HOUR), [told]);
        assert_eq!(live(ledger, MORNING + 5 * HOUR + 1), []);
        assert_eq!(ledger.sessions(PORTAL, &[visitor(2)], 0).unwrap(), []);
        assert_eq!(ledger.sessions("another", &[visitor(1)], 0).unwrap(), []);
    });
}

#[test]
fn what_was_stored_later_holds_whenever_it_is_told() {
    both(|ledger| {
        let newer = SessionRow { pages: 5, stored_time: MORNING + HOUR, ..row() };
        let older = SessionRow { pages: 3, stored_time: MORNING + HOUR - 600_001, ..row() };
        tell(ledger, &[Entry::Session(newer.clone())]);
        tell(ledger, &[Entry::Session(older)]);
        assert_eq!(live(ledger, 0), std::slice::from_ref(&newer));
        // Of the same instant the later word holds, and of one that waited for others.
        for (pages, waited) in [(6, 0), (7, 60_000)] {
            let later = SessionRow { pages, stored_time: MORNING + HOUR - waited, ..newer.clone() };
            tell(ledger, &[Entry::Session(later.clone())]);
            assert_eq!(live(ledger, 0), [later]);
        }
    });
}

#[test]
fn a_session_that_turned_out_to_be_none_is_gone_and_stays_gone() {
    both(|ledger| {
        let gone = SessionRow { gone: true, stored_time: MORNING + HOUR, converted: Some(day(0)), ..row() };
        let entries = [Entry::Session(SessionRow { converted: Some(day(0)), ..row() }), Entry::Session(gone)];
        tell(ledger, &entries[..1]);
        assert_eq!((live(ledger, 0).len(), converted(ledger, day(0))), (1, 1));
        tell(ledger, &entries[1..]);
        tell(ledger, &entries[..1]);
        assert_eq!((live(ledger, 0).len(), converted(ledger, day(0))), (0, 0));
    });
}

#[test]
fn a_days_conversions_are_the_sessions_that_converted_on_it() {
    both(|ledger| {
        let on =
            |converted, after: i64| Entry::Session(SessionRow { converted, stored_time: MORNING + after, ..row() });
        let taken = tell(ledger, &[on(Some(day(0)), 1), on(Some(day(0)), 2)]);
        assert_eq!((converted(ledger, day(0)), taken.days.len()), (1, 1));
        tell(ledger, &[on(Some(day(1)), 3)]);
        assert_eq!((converted(ledger, day(0)), converted(ledger, day(1))), (0, 1));
        assert_eq!(seal(ledger, day(1)), 1);
        tell(ledger, &[on(None, 4)]);
        assert_eq!(converted(ledger, day(1)), 1, "a sealed day stays");
        assert_eq!(live(ledger, 0)[0].converted, None);
    });
}

#[test]
fn sessions_of_a_time_are_gone_unless_they_are_told_after_that_is_said() {
    both(|ledger| {
        let of = |number: u64, started: i64| UsageRecord {
            id: id(started, number),
            session: id(started, 100 + number),
            started,
            visitor: visitor(1),
            ..record(1)
        };
        let (kept, dropped, earlier) = (of(1, MORNING), of(2, MORNING + 1), of(3, MORNING - HOUR));
        let mut entries = held([kept.clone(), dropped.clone(), earlier.clone()]);
        let dropped = SessionRow { converted: Some(day(0)), ..session(&dropped) };
        entries.extend([session(&kept), dropped.clone(), session(&earlier)].map(Entry::Session));
        tell(ledger, &entries);
        assert_eq!(converted(ledger, day(0)), 1);

        let word = Entry::Only(only(1, vec![kept.id], MORNING + HOUR));
        let still = Entry::Session(SessionRow { stored_time: MORNING + HOUR, ..session(&kept) });
        let words = [word, still];
        tell(ledger, &words);
        let ids = |ledger: &mut dyn Ledger| live(ledger, 0).iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(ids(ledger), [earlier.session, kept.session]);
        assert_eq!(converted(ledger, day(0)), 0);
        // Told again, it is not believed; told later, it is.
        tell(ledger, &[Entry::Session(dropped.clone())]);
        assert_eq!(ids(ledger).len(), 2);
        tell(ledger, &[Entry::Session(SessionRow { stored_time: MORNING + HOUR, ..dropped.clone() })]);
        assert_eq!(ids(ledger), [earlier.session, kept.session, dropped.id]);
        tell(ledger, &words);
        assert_eq!(ids(ledger), [earlier.session, kept.session]);
    });
}

#[test]
fn uniques_are_counted_over_the_asked_range() {
    both(|ledger| {
        let on = |number, later, user| Entry::Presence(presence(number, day(later), user));
        tell(ledger, &held([record(1), UsageRecord { day: day(1), id: id(MORNING, 9), ..record(1) }]));
        tell(ledger, &[on(1, 0, None), on(1, 0, Some(7)), on(2, 0, None), on(1, 1, Some(7)), on(1, 0, None)]);
        let query = |by, from: i32, to: i32| Query { from: day(from), to: day(to), by, portals: Vec::new() };
        let uniques = |ledger: &mut dyn Ledger, query: Query| {
            let rows = ledger.usage(&query).unwrap();
            rows.iter().map(|row| (row.unique_visitors, row.unique_users)).collect::<Vec<_>>()
        };
        assert_eq!(uniques(ledger, query(By::Day, 0, 5)), [(2, 1), (1, 1)]);
        assert_eq!(uniques(ledger, query(By::Month, 0, 5)), [(2, 1)]);
        assert_eq!(uniques(ledger, query(By::Month, 1, 5)), [(1, 1)]);
        // What the report of a sealed day said of its visitors stays.
        seal(ledger, day(0));
        tell(ledger, &[on(5, 0, None)]);
        assert_eq!(uniques(ledger, query(By::Day, 0, 1)), [(2, 1)]);
    });
}

#[test]
fn sessions_are_forgotten_by_when_they_were_last_seen() {
    both(|ledger| {
        let seen = |number, at| Entry::Session(SessionRow { last_seen: at, ..session(&record(number)) });
        let entries: Vec<Entry> = (1..=5).map(|number| seen(number, MORNING + number as i64 * 24 * HOUR)).collect();
        tell(ledger, &held([record(1)]));
        tell(ledger, &entries);
        assert_eq!(ledger.expire(MORNING + 3 * 24 * HOUR).unwrap(), 2);
        assert_eq!(live(ledger, 0).len(), 3);
        assert_eq!(ledger.expire(MORNING + 3 * 24 * HOUR).unwrap(), 0);
        assert_eq!(super::say::sums(ledger, day(0)), [1, 0, 0, 0]);
    });
}
