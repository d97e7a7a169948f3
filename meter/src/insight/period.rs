//! Periods of civil days: weeks begin on Monday, quarters in January, April, July and October.

use std::str::FromStr;

use crate::day::Day;
use crate::ledger::Days;

/// How figures are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// A clock hour.
    Hour,
    /// A civil day.
    Day,
    /// A week from Monday on.
    Week,
    /// A calendar month.
    Month,
    /// Three calendar months.
    Quarter,
    /// A calendar year.
    Year,
}

impl By {
    /// Every one, from the shortest on.
    pub const ALL: [Self; 6] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// Its name in questions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The period that a day is in. An hour's is the day.
    pub fn around(self, day: Day) -> Days {
        let month = day.month();
        match self {
            Self::Hour | Self::Day => Days::one(day),
            Self::Week => {
                // 1970-01-01 was a Thursday.
                let monday = day.plus(-(day.0 + 3).rem_euclid(7));
                Days { from: monday, to: monday.plus(7) }
            }
            Self::Month => Days { from: month.first(), to: month.end() },
            Self::Quarter => Self::months(day, 3),
            Self::Year => Self::months(day, 12),
        }
    }

    fn months(day: Day, many: i8) -> Days {
        let date = day.date();
        let first = date.with().month((date.month() - 1) / many * many + 1).day(1).build();
        let from = first.map_or(day, Day::of);
        let mut month = from.month();
        for _ in 0..many {
            month = month.next();
        }
        Days { from, to: month.first() }
    }

    /// What a period that began on this day is called: `2026-03-12`, `2026-W11`, `2026-03`, `2026-Q1`, `2026`.
    pub fn label(self, first: Day) -> String {
        let date = first.date();
        match self {
            Self::Hour | Self::Day => first.to_string(),
            Self::Week => {
                let week = date.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month => first.month().to_string(),
            Self::Quarter => format!("{:04}-Q{}", date.year(), (date.month() - 1) / 3 + 1),
            Self::Year => format!("{:04}", date.year()),
        }
    }
}

/// The name is of no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of hour, day, week, month, quarter and year")]
pub struct UnknownPeriod(String);

impl FromStr for By {
    type Err = UnknownPeriod;

    fn from_str(text: &str) -> Result<Self, UnknownPeriod> {
        Self::ALL.into_iter().find(|by| by.name() == text).ok_or_else(|| UnknownPeriod(text.to_owned()))
    }
}

/// A period, as far as it lies within what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// What it is called.
    pub label: String,
    /// Its days that were asked for.
    pub days: Days,
    /// Whether these are all of its days.
    pub whole: bool,
}

/// The periods that days lie in.
pub fn periods(days: Days, by: By) -> Vec<Period> {
    let (mut periods, mut from) = (Vec::new(), days.from);
    while from < days.to {
        let all = by.around(from);
        let part = all.and(days);
        periods.push(Period { label: by.label(all.from), days: part, whole: part == all });
        // The calendar ends with the year 9999; whatever is behind it is one day.
        from = all.to.max(part.to).max(from.plus(1));
    }
    periods
}

/// How a timeline of so many days is grouped (seed 5): fewer than 14 by day, 14 to 60 by week, more by month.
pub fn buckets(days: Days) -> By {
    match days.len() {
        0..14 => By::Day,
        14..=60 => By::Week,
        _ => By::Month,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: &str, to: &str) -> Days {
        Days { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn a_timeline_goes_by_day_week_and_month_as_its_range_grows() {
        let from: Day = "2024-02-20".parse().unwrap();
        let by = |many| buckets(Days { from, to: from.plus(many) });
        assert_eq!([by(1), by(13), by(14), by(60), by(61)], [By::Day, By::Day, By::Week, By::Week, By::Month]);
    }

    #[test]
    fn periods_are_cut_where_the_range_ends() {
        let told = |from: &str, to: &str, by: By| {
            let told = periods(days(from, to), by);
            told.into_iter().map(|one| format!("{} {} {}", one.label, one.days.len(), one.whole)).collect::<Vec<_>>()
        };
        assert_eq!(told("2024-02-28", "2024-03-02", By::Month), ["2024-02 2 false", "2024-03 1 false"]);
        assert_eq!(told("2024-02-01", "2024-03-01", By::Month), ["2024-02 29 true"]);
        assert_eq!(told("2024-12-30", "2025-01-06", By::Week), ["2025-W01 7 true"]);
        assert_eq!(told("2023-12-31", "2024-01-02", By::Week), ["2023-W52 1 false", "2024-W01 1 false"]);
        assert_eq!(told("2023-12-31", "2024-01-02", By::Year), ["2023 1 false", "2024 1 false"]);
        assert_eq!(told("2024-01-01", "2024-07-01", By::Quarter), ["2024-Q1 91 true", "2024-Q2 91 true"]);
        assert_eq!(told("2024-01-01", "2025-01-01", By::Year), ["2024 366 true"]);
        assert!(told("2024-01-02", "2024-01-02", By::Day).is_empty());
    }
}
