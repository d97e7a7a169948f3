//! Days: statistics, revisions, sealing, and reports of them.

use portalmeter_meter::entry::UsageRecord;
use portalmeter_meter::ledger::{By, Ledger, OpenDay, Position, Query, Statistics, Total, Which};
use portalmeter_meter::session::Class;

use super::both::both;
use super::say::{HOUR, MORNING, PORTAL, ZONE, day, held, id, record, seal, statistics, sums, tell};

fn total(ledger: &mut dyn Ledger, later: i32) -> Total {
    let totals = ledger.totals(PORTAL, Which::All).unwrap().days;
    totals.into_iter().find(|total| total.day == day(later)).unwrap()
}

fn of(number: u64, portal: &str, module: Option<&str>, later: i32) -> UsageRecord {
    let module = module.map(str::to_owned);
    UsageRecord { id: id(MORNING, number), portal: portal.into(), module, day: day(later), ..record(number) }
}

#[test]
fn statistics_are_what_the_store_has_and_never_go_back() {
    both(|ledger| {
        tell(ledger, &held([record(1)]));
        let set = |ledger: &mut dyn Ledger, days: &[Statistics]| ledger.set_statistics(PORTAL, days, 0).unwrap();
        assert_eq!(set(ledger, &[statistics(day(0), 10), statistics(day(1), 4)]), 2);
        assert_eq!(set(ledger, &[statistics(day(0), 10), statistics(day(1), 4)]), 0);
        assert_eq!(set(ledger, &[statistics(day(0), 9)]), 0, "a store that began anew knows less");
        let shorter = Statistics { duration_ms: 5, ..statistics(day(0), 10) };
        assert_eq!(set(ledger, &[shorter]), 1);
        let wrong = [statistics(day(0), -1), Statistics { actions: i64::MAX, ..statistics(day(0), 11) }];
        assert_eq!(set(ledger, &wrong), 0);
        assert_eq!(set(ledger, &[]), 0);
        let Total { sums, revision, .. } = total(ledger, 0);
        assert_eq!((sums.page_views, sums.actions, sums.duration_ms, sums.records), (10, 1, 5, [1, 0, 0, 0]));
        assert_eq!((revision, total(ledger, 1).revision), (3, 1));
        // Records and statistics leave each other alone.
        tell(ledger, &held([record(2)]));
        assert_eq!((total(ledger, 0).sums.page_views, total(ledger, 0).sums.records[0]), (10, 2));
    });
}

#[test]
fn each_change_is_a_revision_and_nothing_else_is() {
    both(|ledger| {
        let entries = held([record(1), record(2)]);
        for (revision, batch) in [(1, &entries[..1]), (2, &entries[1..]), (2, &entries[..])] {
            tell(ledger, batch);
            assert_eq!(total(ledger, 0).revision, revision);
        }
    });
}

#[test]
fn a_sealed_day_never_changes() {
    both(|ledger| {
        tell(ledger, &held([record(1)]));
        ledger.set_statistics(PORTAL, &[statistics(day(0), 10)], 0).unwrap();
        assert_eq!(seal(ledger, day(0)), 1);
        let sealed = total(ledger, 0);
        assert_eq!(sealed.sealed, Some(MORNING + 36 * HOUR));
        assert_eq!(seal(ledger, day(0)), 0, "once");
        assert_eq!(ledger.set_statistics(PORTAL, &[statistics(day(0), 11)], 0).unwrap(), 0);
        tell(ledger, &held([record(2), UsageRecord { class: Class::External, ..record(1) }]));
        assert_eq!(total(ledger, 0), sealed);
    });
}

#[test]
fn a_module_or_day_without_a_row_is_sealed_with_its_portals_next_day() {
    both(|ledger| {
        tell(ledger, &held([of(1, PORTAL, Some("chat"), 1), of(2, PORTAL, Some("chat"), 100)]));
        seal(ledger, day(1));
        for empty in [Statistics { module: Some("help".into()), ..statistics(day(1), 3) }, statistics(day(0), 3)] {
            assert_eq!(ledger.set_statistics(PORTAL, &[empty], 0).unwrap(), 0);
        }
        assert_eq!(ledger.set_statistics(PORTAL, &[statistics(day(2), 3)], 0).unwrap(), 1);
        // A clock that was years ahead for a moment closes nothing of today.
        seal(ledger, day(100));
        assert_eq!(ledger.set_statistics(PORTAL, &[statistics(day(3), 3)], 0).unwrap(), 1);
    });
}

#[test]
fn what_is_open_is_told_until_it_is_sealed_in_its_zone() {
    both(|ledger| {
        tell(ledger, &held([of(1, PORTAL, Some("a"), 0), of(2, PORTAL, Some("b"), 0), of(3, PORTAL, None, 1)]));
        let elsewhere = UsageRecord { zone: "Asia/Tokyo".into(), ..of(4, PORTAL, Some("c"), 0) };
        tell(ledger, &held([elsewhere]));
        let open = |later, zone: &str| OpenDay { day: day(later), portal: PORTAL.into(), zone: zone.into() };
        let all = [open(0, "Asia/Tokyo"), open(0, ZONE), open(1, ZONE)];
        assert_eq!(ledger.unsealed().unwrap(), all);
        assert_eq!(seal(ledger, day(0)), 2);
        assert_eq!(ledger.unsealed().unwrap(), [open(0, "Asia/Tokyo"), open(1, ZONE)]);
        assert_eq!(ledger.totals(PORTAL, Which::Unsealed).unwrap().days.len(), 2);
        assert_eq!(ledger.seal(&OpenDay { portal: "another".into(), ..open(1, ZONE) }, 0).unwrap(), 0);
    });
}

#[test]
fn totals_say_up_to_where_the_stream_is_in_them() {
    both(|ledger| {
        tell(ledger, &held([record(1)]));
        tell(ledger, &held([record(2)]));
        let totals = ledger.totals(PORTAL, Which::All).unwrap();
        assert_eq!(totals.position, Position { at: 2, number: 0, stream: 0 });
        assert_eq!(ledger.totals("another", Which::All).unwrap().position, Position::START);
    });
}

#[test]
fn a_report_sums_days_and_months_by_portal_and_module() {
    both(|ledger| {
        let mut entries = vec![of(1, "support", None, 0), of(2, "support", None, 0), of(3, "support", None, 25)];
        entries[1].class = Class::Bot;
        tell(ledger, &held(entries));
        for (number, module) in [(4, "chat"), (5, "help")] {
            let record = of(number, "widget", Some(module), 1);
            let stretch = portalmeter_meter::ledger::Stretch {
                portal: "widget",
                from: ledger.position("widget").unwrap(),
                upto: Position { at: number, number: 0, stream: 0 },
                entries: &held([record]),
            };
            ledger.take(&stretch, 0).unwrap();
        }
        seal(ledger, day(0));
        let mut rows = |by, from: i32, to: i32, portals: &[&str]| {
            let portals = portals.iter().map(|&portal| portal.to_owned()).collect();
            let rows = ledger.usage(&Query { from: day(from), to: day(to), by, portals }).unwrap();
            let row = |row: &portalmeter_meter::usage::Usage| {
                let period = row.day.clone().or(row.month.clone()).unwrap();
                let of = row.module.clone().unwrap_or_default();
                format!("{} {of} {period} {} {} {}", row.portal, row.counters.billable, row.counters.bot, row.state)
            };
            rows.iter().map(row).collect::<Vec<_>>()
        };
        assert_eq!(
            rows(By::Day, 0, 26, &[]),
            [
                "support  2026-03-12 1 1 sealed",
                "support  2026-04-06 1 0 open",
                "widget chat 2026-03-13 1 0 open",
                "widget help 2026-03-13 1 0 open",
            ]
        );
        assert_eq!(rows(By::Month, 0, 26, &["support"]), ["support  2026-03 1 1 sealed", "support  2026-04 1 0 open"]);
        assert_eq!(rows(By::Month, 0, 25, &["support"]), ["support  2026-03 1 1 sealed"]);
        assert_eq!(rows(By::Day, 1, 1, &[]), [""; 0]);
        assert_eq!(sums(ledger, day(0)), [1, 0, 0, 1]);
    });
}
