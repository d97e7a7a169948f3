//! Rows of a ledger as those see them who only look: what digests and answers are made from.

use std::collections::HashMap;

use portalmeter_rules::time::Millis;

use super::tables::utc_day;
use super::{LedgerError, Total};
use crate::acts::Act;
use crate::day::{Day, Zone};
use crate::digest::{Kind, Span};
use crate::session::Class;

/// A ledger as it is at one instant.
pub trait Look {
    /// A portal's first day that has a total.
    fn first_day(&mut self, portal: &str) -> Result<Option<Day>, LedgerError>;

    /// Totals of these portals, or of all where none is named, sorted by portal, day and module.
    fn totals(&mut self, portals: &[String], days: Days) -> Result<Vec<(String, Total)>, LedgerError>;

    /// A portal's sessions that began within a time.
    fn begun(&mut self, portal: &str, from: Millis, to: Millis) -> Result<Vec<Begun>, LedgerError>;

    /// A portal's sessions that were last seen at or after an instant.
    fn seen_since(&mut self, portal: &str, since: Millis) -> Result<Vec<Begun>, LedgerError>;

    /// What counted on a portal's days: records that hold, and corrections.
    fn counted(&mut self, portal: &str, days: Days) -> Result<Vec<Counted>, LedgerError>;

    /// Which people's browsers, and which users, were there.
    fn present(&mut self, portal: &str, days: Days) -> Result<Vec<Present>, LedgerError>;

    /// What people did on a portal's days and is in no digest yet.
    fn acts(&mut self, portal: &str, days: Days) -> Result<Vec<Acted>, LedgerError>;

    /// Digests of a portal that begin on one of these days, sorted by day.
    fn digests(&mut self, portal: &str, of: (Kind, Span), days: Days) -> Result<Vec<(Day, Vec<u8>)>, LedgerError>;

    /// The days on which such digests begin, sorted.
    fn digested(&mut self, portal: &str, of: (Kind, Span), days: Days) -> Result<Vec<Day>, LedgerError>;
}

/// Civil days from one to another, exclusive at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Days {
    /// The first.
    pub from: Day,
    /// The one after the last.
    pub to: Day,
}

/// A session, as far as it matters to those who look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The module.
    pub module: Option<String>,
    /// The local day on which it began.
    pub day: Day,
    /// Its first page.
    pub started: Millis,
    /// Its last observation, up to a minute ago while it lives.
    pub last_seen: Millis,
    /// What it counts as now.
    pub class: Class,
    /// The company of its user.
    pub account: Option<String>,
    /// Who is signed in, as [`crate::people::person`] has it.
    pub user: Option<u64>,
}

/// What counted, or was corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The module.
    pub module: Option<String>,
    /// The day on which it counts.
    pub day: Day,
    /// When, within that day: a correction that was made on another counts at the end that is nearer.
    pub at: Millis,
    /// As what.
    pub class: Class,
    /// What it adds to its class: 1 of a record, any number of a correction.
    pub amount: i64,
}

/// A browser of a person, and a user, on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The module.
    pub module: Option<String>,
    /// The day.
    pub day: Day,
    /// Which browser, as [`crate::people::person`] has it.
    pub visitor: u64,
    /// Who was signed in.
    pub user: Option<u64>,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// The day.
    pub day: Day,
    /// When the quarter of an hour began.
    pub at: Millis,
    /// What.
    pub act: Act,
}

impl Days {
    /// One day.
    pub fn one(day: Day) -> Self {
        Self { from: day, to: day.plus(1) }
    }

    /// Whether a day is one of them.
    pub fn contains(self, day: Day) -> bool {
        (self.from..self.to).contains(&day)
    }

    /// How many.
    pub fn len(self) -> usize {
        usize::try_from(self.to.0.saturating_sub(self.from.0)).unwrap_or_default()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.from >= self.to
    }

    /// Those that are also of others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let from = self.from.max(other.from);
        Self { from, to: self.to.min(other.to).max(from) }
    }

    /// Each of them.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Day> {
        (self.from.0..self.to.0).map(Day)
    }

    /// The instants that are on one of these days in whatever zone.
    pub fn anywhere(self) -> (Millis, Millis) {
        const DAY: Millis = 86_400_000;
        const HOUR: Millis = 3_600_000;
        // Zones are at most 14 hours ahead of UTC and 12 behind; a little more does no harm.
        (Millis::from(self.from.0) * DAY - 15 * HOUR, Millis::from(self.to.0) * DAY + 15 * HOUR)
    }
}

/// Zones by their names, each looked up once.
#[derive(Debug, Default)]
pub(super) struct Zones(HashMap<String, Option<Zone>>);

impl Zones {
    fn named(&mut self, name: &str) -> Option<&Zone> {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Zone::named(name).ok());
        }
        self.0.get(name)?.as_ref()
    }

    /// The local day; of a zone that is none of ours, that of UTC.
    pub(super) fn day(&mut self, zone: &str, at: Millis) -> Day {
        self.named(zone).map_or_else(|| utc_day(at), |zone| zone.day(at))
    }

    /// The instant within a day that is nearest.
    pub(super) fn within(&mut self, zone: &str, day: Day, at: Millis) -> Millis {
        self.named(zone).map_or(at, |zone| at.clamp(zone.start(day), zone.end(day) - 1))
    }
}
