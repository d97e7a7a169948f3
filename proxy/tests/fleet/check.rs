//! Whether what was counted is the truth: in the ledger, in Redis, in the files, in the report.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::actor::Played;
use super::calendar::Calendar;
use super::truth::{Class, Reason, Visitor};

pub(crate) mod examples;
pub(crate) mod files;
pub(crate) mod ledger;
pub(crate) mod redis;
pub(crate) mod report;

/// Where something is counted: portal, module (empty if there is none), date.
pub(crate) type Place = (String, String, String);

/// What is counted there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) guest: i64,
    pub(crate) external: i64,
    pub(crate) internal: i64,
    pub(crate) bot: i64,
    pub(crate) converted: i64,
    pub(crate) page_views: i64,
}

/// What some source says was counted.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) source: String,
    pub(crate) counts: BTreeMap<Place, Counts>,
}

/// What must be counted, at least and at most.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    units: BTreeMap<(Place, Class, Reason), [i64; 2]>,
    converted: BTreeMap<Place, [i64; 2]>,
    /// Pages answered and sent, over all days.
    pages: BTreeMap<(String, String), [i64; 2]>,
    /// Visitors with more than one story.
    pub(crate) doubtful: usize,
    pub(crate) visitors: usize,
}

impl Found {
    /// Whether another source says the same; page views of records are those of the report.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let counted = |found: &Self| {
            let mut counts = found.counts.clone();
            counts.retain(|_, counts| *counts != Counts::default());
            counts
        };
        counted(self) == counted(other)
    }
}

impl Counts {
    /// The record counts and conversions of a row, by asking for columns by name.
    pub(crate) fn read(mut column: impl FnMut(&str) -> i64) -> Self {
        let counts = Self {
            guest: column("guest"),
            external: column("external"),
            internal: column("internal"),
            bot: column("bot"),
            converted: column("converted"),
            page_views: column("page_views"),
        };
        let (raw, billable) = (counts.guest + counts.bot, counts.guest + counts.external);
        assert_eq!((column("guest_raw"), column("billable")), (raw, billable), "the seeds' formula holds: {counts:?}");
        counts
    }

    fn of(&self, class: Class) -> i64 {
        match class {
            Class::Guest => self.guest,
            Class::External => self.external,
            Class::Internal => self.internal,
            Class::Bot => self.bot,
        }
    }
}

impl Expected {
    /// What these visits must have counted.
    pub(crate) fn of(played: &[Played], calendar: &Calendar) -> Self {
        let mut expected = Self::default();
        for visitor in played.iter().flat_map(|played| &played.visitors) {
            expected.add(visitor, calendar);
        }
        expected
    }

    fn add(&mut self, visitor: &Visitor, calendar: &Calendar) {
        let place = |module: Option<&str>, day: u8| -> Place {
            (visitor.portal.name.to_owned(), module.unwrap_or_default().to_owned(), calendar.date(day))
        };
        self.visitors += 1;
        self.doubtful += usize::from(!visitor.is_certain());
        let units =
            visitor.units().map(|units| tally(units, |unit| (place(unit.module, unit.day), unit.class, unit.reason)));
        widen(&mut self.units, units);
        let converted = visitor.converted().map(|converted| tally(converted, |&(module, day)| place(module, day)));
        widen(&mut self.converted, converted);
        for (module, [received, sent]) in &visitor.pages {
            let pages = self.pages.entry((visitor.portal.name.to_owned(), module.unwrap_or_default().to_owned()));
            let pages = pages.or_default();
            *pages = [pages[0] + *received as i64, pages[1] + *sent as i64];
        }
    }

    /// Records that must be there, at least and at most.
    pub(crate) fn records(&self) -> [i64; 2] {
        self.units.values().fold([0, 0], |sum, bounds| [sum[0] + bounds[0], sum[1] + bounds[1]])
    }

    /// The same by class, for people to read.
    pub(crate) fn summary(&self) -> String {
        let mut line = String::new();
        for class in Class::ALL {
            let of = |place: usize| -> i64 {
                self.units.iter().filter(|(key, _)| key.1 == class).map(|(_, bounds)| bounds[place]).sum()
            };
            let _ = write!(line, "{} {}, ", class.name(), Bounds([of(0), of(1)]));
        }
        let converted = |place: usize| -> i64 { self.converted.values().map(|bounds| bounds[place]).sum() };
        line + &format!("converted {}", Bounds([converted(0), converted(1)]))
    }

    /// What a source says otherwise; page views are compared where nothing is sent again after a fault.
    pub(crate) fn differences(&self, found: &Found, with_pages: bool) -> Vec<String> {
        let mut differences = Vec::new();
        let mut places: BTreeSet<&Place> = found.counts.keys().collect();
        places.extend(self.units.keys().map(|(place, ..)| place));
        places.extend(self.converted.keys());
        for place in places {
            let counts = found.counts.get(place).copied().unwrap_or_default();
            let mut compare = |what: &str, counted: i64, bounds: [i64; 2]| {
                if !(bounds[0]..=bounds[1]).contains(&counted) {
                    let (portal, module, date) = place;
                    let bounds = Bounds(bounds);
                    let line = format!("{}: {portal} {module} {date} {what}: {counted}, truth {bounds}", found.source);
                    differences.push(line);
                }
            };
            for class in Class::ALL {
                let bounds = self.units.iter().filter(|((there, of, _), _)| there == place && *of == class);
                let bounds = bounds.fold([0, 0], |sum, (_, bounds)| [sum[0] + bounds[0], sum[1] + bounds[1]]);
                compare(class.name(), counts.of(class), bounds);
            }
            compare("converted", counts.converted, self.converted.get(place).copied().unwrap_or_default());
        }
        if with_pages {
            differences.extend(self.page_differences(found));
        }
        differences
    }

    fn page_differences(&self, found: &Found) -> Vec<String> {
        let mut counted: BTreeMap<(String, String), i64> = BTreeMap::new();
        for ((portal, module, _), counts) in &found.counts {
            *counted.entry((portal.clone(), module.clone())).or_default() += counts.page_views;
        }
        let wrong = self.pages.iter().filter_map(|(place, bounds)| {
            let counted = counted.get(place).copied().unwrap_or_default();
            let (portal, module) = place;
            let line = format!("{}: {portal} {module} page views: {counted}, sent {}", found.source, Bounds(*bounds));
            (!(bounds[0]..=bounds[1]).contains(&counted)).then_some(line)
        });
        wrong.collect()
    }

    /// What the records say otherwise, reason by reason.
    pub(crate) fn by_reason(&self, records: &[ledger::Record]) -> Vec<(Place, Class, Reason, String)> {
        let found = tally(records, |record| (record.place.clone(), record.class, record.reason));
        let keys: BTreeSet<_> = found.keys().chain(self.units.keys()).collect();
        let wrong = keys.into_iter().filter_map(|key| {
            let counted = found.get(key).copied().unwrap_or_default();
            let bounds = self.units.get(key).copied().unwrap_or_default();
            let ((portal, module, date), class, reason) = key;
            let line = format!(
                "records: {portal} {module} {date} {} by {}: {counted}, truth {}",
                class.name(),
                reason.name(),
                Bounds(bounds)
            );
            (!(bounds[0]..=bounds[1]).contains(&counted)).then(|| (key.0.clone(), *class, *reason, line))
        });
        wrong.collect()
    }
}

/// How many there are of each.
fn tally<T, K: Ord>(these: &[T], key: impl Fn(&T) -> K) -> BTreeMap<K, i64> {
    let mut counts = BTreeMap::new();
    for one in these {
        *counts.entry(key(one)).or_default() += 1;
    }
    counts
}

/// Adds what one visitor counts in its stories: at least the least of them, at most the most.
fn widen<K: Ord + Clone>(bounds: &mut BTreeMap<K, [i64; 2]>, stories: impl Iterator<Item = BTreeMap<K, i64>>) {
    let stories: Vec<_> = stories.collect();
    let keys: BTreeSet<&K> = stories.iter().flat_map(BTreeMap::keys).collect();
    for key in keys {
        let counts = || stories.iter().map(|story| story.get(key).copied().unwrap_or_default());
        let sum = bounds.entry(key.clone()).or_default();
        *sum = [sum[0] + counts().min().unwrap_or_default(), sum[1] + counts().max().unwrap_or_default()];
    }
}

struct Bounds([i64; 2]);

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, most] = self.0;
        if least == most { write!(f, "{least}") } else { write!(f, "{least} to {most}") }
    }
}
