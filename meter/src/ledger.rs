//! The ledger: every usage record for good, and the totals that are sums of them.

use crate::day::{Day, Month};
use crate::store::StoreError;
use crate::usage::Usage;

pub mod sqlite;

/// How usage is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A row a day.
    Day,
    /// A row a month.
    Month,
}

impl By {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The end of the group that a day is in, exclusive.
    pub fn end(self, day: Day) -> Day {
        match self {
            Self::Day => day.plus(1),
            Self::Month => day.month().end(),
        }
    }

    /// The group's name: the day or the month.
    pub fn label(self, day: Day) -> (Option<String>, Option<String>) {
        match self {
            Self::Day => (Some(day.to_string()), None),
            Self::Month => (None, Some(Month::to_string(&day.month()))),
        }
    }
}

/// A question to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The first day.
    pub from: Day,
    /// The day after the last.
    pub to: Day,
    /// A row a day or a month.
    pub by: By,
    /// These portals, or all if none is named.
    pub portals: Vec<String>,
}

/// A ledger that can be asked.
pub trait Ledger {
    /// Usage over a range of days. Uniques are counted over each row's part of the range.
    fn usage(&mut self, query: &Query) -> Result<Vec<Usage>, StoreError>;
}
