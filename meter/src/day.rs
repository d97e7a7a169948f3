//! Civil days and months in a portal's billing time zone, where days of 23 and 25 hours happen.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

/// A civil day, as days since 1970-01-01. Which instants it covers is its zone's business.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub i32);

/// The text is not a day like `2026-03-12`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day like 2026-03-12")]
pub struct NotADay(String);

impl Day {
    /// The civil date.
    pub fn date(self) -> Date {
        EPOCH.checked_add(self.0.days()).unwrap_or(if self.0 < 0 { Date::MIN } else { Date::MAX })
    }

    /// The day of a civil date.
    pub fn of(date: Date) -> Self {
        Self(EPOCH.until(date).map_or(0, |span| span.get_days()))
    }

    /// The day `days` later, or earlier where negative.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The month it is in.
    pub fn month(self) -> Month {
        let date = self.date();
        Month { year: date.year(), month: date.month() }
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date())
    }
}

impl FromStr for Day {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Self, NotADay> {
        let wrong = || NotADay(text.to_owned());
        if text.len() != 10 {
            return Err(wrong());
        }
        text.parse().map(Self::of).map_err(|_| wrong())
    }
}

/// A civil month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

/// The text is not a month like `2026-03`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month like 2026-03")]
pub struct NotAMonth(String);

impl Month {
    /// Its first day.
    pub fn first(self) -> Day {
        Date::new(self.year, self.month, 1).map_or(Day(0), Day::of)
    }

    /// The first day of the next month: the exclusive end of this one.
    pub fn end(self) -> Day {
        self.next().first()
    }

    /// The month after.
    #[must_use]
    pub fn next(self) -> Self {
        if self.month == 12 {
            Self { year: self.year + 1, month: 1 }
        } else {
            Self { year: self.year, month: self.month + 1 }
        }
    }

    /// The month before.
    #[must_use]
    pub fn previous(self) -> Self {
        if self.month == 1 {
            Self { year: self.year - 1, month: 12 }
        } else {
            Self { year: self.year, month: self.month - 1 }
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        if text.len() != 7 {
            return Err(NotAMonth(text.to_owned()));
        }
        format!("{text}-01").parse::<Day>().map(Day::month).map_err(|_| NotAMonth(text.to_owned()))
    }
}

/// An IANA time zone from the bundled tzdb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// The name is in no tzdb.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IANA time zone")]
pub struct UnknownZone(String);

impl Zone {
    /// The zone of that IANA name.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone(name.to_owned());
        let zone = TimeZone::get(name).map_err(|_| unknown())?;
        zone.iana_name().is_some().then_some(Self(zone)).ok_or_else(unknown)
    }

    /// UTC, where nothing else is configured.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The civil day at an instant.
    pub fn day(&self, at: Millis) -> Day {
        let offset = self.0.to_offset(instant(at));
        let local = at.saturating_add(i64::from(offset.seconds()) * 1000);
        Day(local.div_euclid(DAY_MS) as i32)
    }

    /// When a civil day begins: its first instant, midnight or, where midnight does not happen, later.
    pub fn start(&self, day: Day) -> Millis {
        day.date()
            .to_zoned(self.0.clone())
            .map_or(i64::from(day.0) * DAY_MS, |zoned| zoned.timestamp().as_millisecond())
    }

    /// When the clock hour of an instant began.
    pub fn hour(&self, at: Millis) -> Millis {
        let offset = i64::from(self.0.to_offset(instant(at)).seconds()) * 1000;
        (at.saturating_add(offset)).div_euclid(HOUR_MS) * HOUR_MS - offset
    }

    /// An instant as its clocks show it, with their offset: `2026-03-12T14:00:00+01:00`.
    pub fn local(&self, at: Millis) -> String {
        let zoned = instant(at).to_zoned(self.0.clone());
        zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// When a civil day ends, which is when the next one begins.
    pub fn end(&self, day: Day) -> Millis {
        self.start(day.plus(1))
    }
}

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// The instant as a timestamp, held within the years that have one.
pub fn instant(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn the_same_instant_is_on_different_days_in_different_zones() {
        let midnight = at("2026-03-12T23:30:00Z");
        assert_eq!(Zone::utc().day(midnight).to_string(), "2026-03-12");
        assert_eq!(Zone::named("Europe/Berlin").unwrap().day(midnight).to_string(), "2026-03-13");
    }

    #[test]
    fn days_of_23_and_25_hours_happen() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let hours = |day: &str| {
            let day = day.parse().unwrap();
            (berlin.end(day) - berlin.start(day)) / 3_600_000
        };
        assert_eq!((hours("2026-03-29"), hours("2026-10-25"), hours("2026-03-12")), (23, 25, 24));
    }

    #[test]
    fn both_half_past_twos_of_the_long_day_are_on_it() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.day(at("2026-10-25T00:30:00Z")), berlin.day(at("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let december: Month = "2026-12".parse().unwrap();
        assert_eq!(
            (december.first().to_string(), december.end().to_string()),
            ("2026-12-01".into(), "2027-01-01".into())
        );
    }

    #[test]
    fn what_is_no_day_month_or_zone_is_refused() {
        assert!("2026-02-30".parse::<Day>().is_err());
        assert!("2026-13".parse::<Month>().is_err());
        assert!(Zone::named("Europe/Atlantis").is_err());
    }
}
