//! How much goes on, and when: weekdays, holidays, seasons, growth, and the hours of a day.

use jiff::civil::Date;
use portalmeter_meter::day::{Day, Zone};
use portalmeter_rules::time::Millis;

use crate::command::demo::dice::Dice;

/// When somebody comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rhythm {
    /// Evenings and weekends too.
    Private,
    /// When offices are open.
    Office,
    /// Programs: at any time, and no holiday.
    Always,
}

impl Rhythm {
    /// How busy a day is, beside others; `progress` goes from 0 to 1 over the whole history.
    pub(super) fn weight(self, day: Day, progress: f64) -> f64 {
        let growth = 0.7 + 0.6 * progress;
        let [week, holiday] = match self {
            Self::Private => [[1.1, 1.15, 1.1, 1.05, 0.95, 0.6, 0.55][weekday(day)], 0.6],
            Self::Office => [[1.1, 1.2, 1.15, 1.1, 0.85, 0.12, 0.1][weekday(day)], 0.15],
            Self::Always => [1.0, 1.0],
        };
        if self == Self::Always {
            return growth;
        }
        growth * week * season(day.date()) * if is_holiday(day.date()) { holiday } else { 1.0 }
    }

    /// An instant of a day in a zone.
    pub(super) fn instant(self, day: Day, zone: &Zone, dice: &mut Dice) -> Millis {
        let hours = match self {
            Self::Private => &PRIVATE,
            Self::Office => &OFFICE,
            Self::Always => &ALWAYS,
        };
        let sum: u32 = hours.iter().copied().map(u32::from).sum();
        let mut left = dice.between(0, u64::from(sum) - 1) as u32;
        let mut hour = 0;
        for share in hours.iter().copied().map(u32::from) {
            if left < share {
                break;
            }
            (left, hour) = (left - share, hour + 1);
        }
        // Days of 23 and 25 hours are as full as others.
        let (begins, ends) = (zone.start(day), zone.end(day));
        let of_the_day = (f64::from(hour) + dice.fraction()) / 24.0;
        begins + ((ends - begins) as f64 * of_the_day) as Millis
    }
}

/// Shares of the hours of a day.
type Hours = [u8; 24];

const PRIVATE: Hours = [9, 6, 4, 3, 3, 4, 8, 18, 34, 44, 48, 46, 42, 44, 45, 43, 40, 38, 40, 44, 46, 40, 28, 18];
const OFFICE: Hours = [2, 1, 1, 1, 1, 2, 6, 22, 62, 84, 88, 78, 52, 70, 80, 74, 56, 32, 14, 9, 8, 7, 6, 5];
const ALWAYS: Hours = [1; 24];

/// Monday is 0.
pub(super) fn weekday(day: Day) -> usize {
    // 1970-01-01 was a Thursday.
    (day.0 + 3).rem_euclid(7) as usize
}

fn season(date: Date) -> f64 {
    match (date.month(), date.day()) {
        (7, 16..) | (8, _) => 0.82,
        (12, 20..) | (1, 1..=6) => 0.7,
        (9..=11, _) => 1.08,
        _ => 1.0,
    }
}

fn is_holiday(date: Date) -> bool {
    const FIXED: [(i8, i8); 7] = [(1, 1), (5, 1), (10, 3), (12, 24), (12, 25), (12, 26), (12, 31)];
    if FIXED.contains(&(date.month(), date.day())) {
        return true;
    }
    // Good Friday, Easter Monday, Ascension, Whit Monday.
    let after = Day::of(date).0 - easter(date.year()).0;
    [-2, 1, 39, 50].contains(&after)
}

/// Easter Sunday (Gauss, in the form that holds from 1900 to 2099).
fn easter(year: i16) -> Day {
    let year = i32::from(year);
    let golden = year % 19;
    let moon = (19 * golden + 24) % 30;
    let sunday = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + 5) % 7;
    let late = sunday == 6 && (moon == 29 || moon == 28 && golden > 10);
    let march = Date::new(year as i16, 3, 22).map_or(Day(0), Day::of);
    march.plus(moon + sunday - if late { 7 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_when_it_was() {
        assert_eq!([2024, 2025, 2026].map(easter), ["2024-03-31", "2025-04-20", "2026-04-05"].map(day));
    }

    #[test]
    fn offices_are_quiet_at_weekends_and_on_holidays_and_busier_each_month() {
        let weight = |text| Rhythm::Office.weight(day(text), 0.5);
        assert_eq!(weekday(day("2026-11-23")), 0, "a Monday");
        assert!(weight("2026-03-14") < weight("2026-03-12") / 5.0, "a Saturday");
        assert!(weight("2026-04-06") < weight("2026-04-13") / 5.0, "Easter Monday");
        assert!(Rhythm::Always.weight(day("2026-04-06"), 1.0) > Rhythm::Always.weight(day("2026-04-06"), 0.0));
    }

    #[test]
    fn an_instant_is_of_its_day_also_when_clocks_change() {
        let (berlin, mut dice) = (Zone::named("Europe/Berlin").unwrap(), Dice::new(1));
        for day in ["2026-03-29", "2026-10-25"].map(day) {
            assert!((0..1000).all(|_| berlin.day(Rhythm::Private.instant(day, &berlin, &mut dice)) == day));
        }
    }
}
