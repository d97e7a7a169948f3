//! Days of a portal that moves to another time zone.

use std::num::NonZeroI32;

use portalmeter_meter::day::Zone;
use portalmeter_meter::entry::UsageRecord;
use portalmeter_meter::ledger::{By, Correction, Ledger, OpenDay, Query, Statistics, Which};
use portalmeter_meter::session::Class;

use super::both::both;
use super::say::{HOUR, MORNING, PORTAL, ZONE, day, held, id, record, statistics, sums, tell};

const WEST: &str = "America/New_York";
const EAST: &str = "Asia/Tokyo";

fn seen(number: u64, later: i32, zone: &str) -> UsageRecord {
    UsageRecord { id: id(MORNING, number), day: day(later), zone: zone.to_owned(), ..record(number) }
}

fn zones(ledger: &mut dyn Ledger) -> Vec<(i32, String)> {
    let days = ledger.totals(PORTAL, Which::All).unwrap().days;
    days.into_iter().map(|total| (total.day.0 - day(0).0, total.zone)).collect()
}

#[test]
fn a_day_with_records_of_two_zones_is_one_row_that_bears_the_zone_in_which_it_ends_last() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        both(|ledger| {
            for number in order {
                let zone = [ZONE, WEST, EAST][number - 1];
                tell(ledger, &held([seen(number as u64, 0, zone)]));
            }
            assert_eq!(zones(ledger), [(0, WEST.to_owned())]);
            assert_eq!(sums(ledger, day(0)), [3, 0, 0, 0]);
            let open = |zone: &str| OpenDay { day: day(0), portal: PORTAL.into(), zone: zone.into() };
            assert_eq!(ledger.unsealed().unwrap(), [open(WEST)]);
            assert_eq!(ledger.seal(&open(ZONE), MORNING + 36 * HOUR).unwrap(), 0, "it has not ended yet");
            assert_eq!(ledger.seal(&open(WEST), MORNING + 36 * HOUR).unwrap(), 1);
            tell(ledger, &held([seen(4, 0, ZONE)]));
            assert_eq!((zones(ledger)[0].clone(), sums(ledger, day(0))), ((0, WEST.to_owned()), [3, 0, 0, 0]));
        });
    }
}

#[test]
fn only_records_move_a_day_to_another_zone() {
    both(|ledger| {
        tell(ledger, &held([seen(1, 0, ZONE)]));
        ledger.set_statistics(PORTAL, &[Statistics { zone: WEST.to_owned(), ..statistics(day(0), 7) }], 0).unwrap();
        let correction = Correction {
            id: id(MORNING, 99),
            portal: PORTAL.into(),
            module: None,
            day: day(0),
            zone: Zone::named(WEST).unwrap(),
            class: Class::Guest,
            amount: NonZeroI32::new(2).unwrap(),
            account: None,
            trial: false,
            author: "ann".to_owned(),
            note: "a customer called".to_owned(),
        };
        ledger.correct(&correction, MORNING).unwrap();
        assert_eq!((zones(ledger), sums(ledger, day(0))), (vec![(0, ZONE.to_owned())], [3, 0, 0, 0]));
    });
}

#[test]
fn the_zone_of_the_newest_day_is_told() {
    both(|ledger| {
        let last = |ledger: &mut dyn Ledger, later: i32| ledger.last_zones(PORTAL, day(later)).unwrap();
        assert_eq!(last(ledger, 0), [""; 0]);
        let module = UsageRecord { module: Some("chat".to_owned()), ..seen(2, 1, WEST) };
        // The clock of somebody was a year ahead for a moment.
        tell(ledger, &held([seen(1, 0, ZONE), module, seen(3, 1, EAST), seen(4, 365, ZONE)]));
        assert_eq!(last(ledger, -1), [""; 0]);
        assert_eq!(last(ledger, 0), [ZONE]);
        assert_eq!(last(ledger, 2), [WEST, EAST]);
        assert_eq!(ledger.last_zones("another", day(2)).unwrap(), [""; 0]);
    });
}

#[test]
fn a_month_says_all_its_zones_in_their_order() {
    both(|ledger| {
        tell(ledger, &held([seen(1, 0, ZONE), seen(2, 1, WEST), seen(3, 2, WEST)]));
        let query = Query { from: day(0), to: day(3), by: By::Month, portals: Vec::new() };
        let months = ledger.usage(&query).unwrap();
        assert_eq!((months.len(), months[0].timezone.as_str()), (1, "Europe/Berlin, America/New_York"));
        let days = ledger.usage(&Query { by: By::Day, ..query }).unwrap();
        assert_eq!(days.iter().map(|row| row.timezone.as_str()).collect::<Vec<_>>(), [ZONE, WEST, WEST]);
        let report = portalmeter_meter::usage::UsageReport::new(String::new(), [months, days].concat());
        assert_eq!(report.zones(), "America/New_York, Europe/Berlin");
    });
}
